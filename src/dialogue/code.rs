//! Single-use codes. What is kept is a hash over the code and over what it stands for: a code for ten euro is none for
//! twenty.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Frozen;
use crate::domain::Name;

/// Digits of a code: three guesses of a million.
pub const DIGITS: usize = 6;
/// Codes that may be tried for one that was sent.
pub const TRIES: u8 = 3;

/// What is known of a code that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// Makes equal codes for equal wishes differ.
    nonce: String,
    /// SHA-256 in hex.
    hash: String,
}

impl Code {
    /// A code for a command with these values.
    pub fn of(code: &str, nonce: &str, command: &Name, values: &Frozen) -> Self {
        Self {
            nonce: nonce.to_owned(),
            hash: hash(code, nonce, command, values),
        }
    }

    /// Whether it is this code, for this command with these values.
    pub fn is(&self, code: &str, command: &Name, values: &Frozen) -> bool {
        let hash = hash(code, &self.nonce, command, values);
        self.hash.as_bytes().ct_eq(hash.as_bytes()).into()
    }
}

fn hash(code: &str, nonce: &str, command: &Name, values: &Frozen) -> String {
    let mut sha = Sha256::new();
    let values = serde_json::to_string(values).unwrap_or_default();
    for part in [code, nonce, command.as_str(), &values] {
        sha.update((part.len() as u64).to_be_bytes());
        sha.update(part);
    }
    hex::encode(sha.finalize())
}

/// A code out of random bits, and what makes equal ones differ.
pub fn draw(bits: [u8; 32]) -> (String, String) {
    let (number, nonce) = bits.split_at(8);
    let number = number.iter().fold(0u64, |all, octet| all << 8 | u64::from(*octet));
    let modulus = 10u64.pow(u32::try_from(DIGITS).unwrap_or(6));
    (format!("{:0DIGITS$}", number % modulus), hex::encode(&nonce[..16]))
}

/// The digits of a text that gives a code: one run of digits, which may be written in groups. `None` where the text has
/// none, or several.
pub fn digits(text: &str) -> Option<String> {
    let mut runs: Vec<String> = Vec::new();
    let mut in_run = false;
    for c in text.chars() {
        match c.to_digit(10) {
            Some(_) if in_run => runs.last_mut()?.push(c),
            Some(_) => {
                runs.push(c.to_string());
                in_run = true;
            }
            // `123 456` and `123-456` are one code.
            None if c == ' ' || c == '-' || c == '.' => {}
            None => in_run = false,
        }
    }
    match runs.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_stands_for_its_command_and_its_values_alone() {
        let values = |amount: &str| Frozen::from_iter([("amount".to_owned(), amount.into())]);
        let [topup, other] = ["topup", "transfer"].map(|name| Name::parse(name).unwrap());
        let code = Code::of("123456", "n", &topup, &values("10.00"));
        assert!(code.is("123456", &topup, &values("10.00")));
        assert!(!code.is("123457", &topup, &values("10.00")));
        assert!(!code.is("123456", &topup, &values("20.00")));
        assert!(!code.is("123456", &other, &values("10.00")));
        assert_ne!(code, Code::of("123456", "m", &topup, &values("10.00")));
    }

    #[test]
    fn a_code_is_found_however_it_is_written() {
        for text in [
            "123456",
            " 123456 ",
            "123 456",
            "123-456",
            "codice 123456",
            "il codice è 123456 grazie",
            "123456.",
        ] {
            assert_eq!(digits(text).as_deref(), Some("123456"), "{text}");
        }
        for text in ["", "sì", "ricarica 10 per 333", "12 oppure 34"] {
            assert_eq!(digits(text), None, "{text}");
        }
    }
}
