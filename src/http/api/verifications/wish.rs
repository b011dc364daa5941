//! What is asked for, as it is sent.

use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::accept::{MAX_REFERENCE, Text};
use crate::dialogue::{CODE_DIGITS, digits};
use crate::domain::Name;
use crate::http::json;
use crate::http::problem::{Code, Fault, Problem};

const FIELDS: [&str; 7] = ["to", "customer", "profile", "template", "vars", "locale", "from"];

/// A number to certify.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VerificationWish<'a> {
    #[serde(borrow)]
    pub(super) to: Option<Text<'a>>,
    customer: Option<Text<'a>>,
    profile: Option<Text<'a>>,
    pub(super) template: Option<Text<'a>>,
    pub(super) vars: Option<Map<String, Value>>,
    pub(super) locale: Option<Text<'a>>,
    pub(super) from: Option<Text<'a>>,
}

/// For whom.
pub(super) struct Asked {
    pub(super) customer: Box<str>,
    pub(super) profile: Option<Name>,
}

impl<'a> VerificationWish<'a> {
    pub(super) fn read(body: &'a [u8]) -> Result<Self, Problem> {
        json::read(body, &FIELDS, &[])
    }

    /// For whom it is, or all that is wrong with that.
    pub(super) fn asked(&self) -> Result<Asked, Vec<Fault>> {
        let profile = self.profile.as_deref().map(|word| {
            Name::parse(word).map_err(|_| {
                let detail = "must have 1 to 64 characters of a-z, 0-9, `_` and `-`";
                Fault::new("/profile", Code::InvalidReference, detail)
            })
        });
        match (self.customer(), profile.transpose()) {
            (Ok(customer), Ok(profile)) => Ok(Asked { customer, profile }),
            (customer, profile) => Err(customer.err().into_iter().chain(profile.err()).collect()),
        }
    }

    fn customer(&self) -> Result<Box<str>, Fault> {
        let Some(customer) = self.customer.as_deref() else {
            let missing = Fault::new("/customer", Code::Required, "is missing");
            return Err(missing.hint("your own word for whom the number belongs to"));
        };
        let length = customer.chars().count();
        if (1..=MAX_REFERENCE).contains(&length) && !customer.chars().any(char::is_control) {
            return Ok(customer.into());
        }
        let detail = format!("must have 1 to {MAX_REFERENCE} characters, none of them a control character");
        Err(Fault::new("/customer", Code::InvalidReference, detail).limit(MAX_REFERENCE))
    }

    /// SHA-256 over what is asked for, the same however the JSON was written.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let fields = [
            &self.to,
            &self.customer,
            &self.profile,
            &self.template,
            &self.locale,
            &self.from,
        ];
        let fields = fields.map(|field| field.as_deref());
        let mut vars = self.vars.clone().map(Value::Object);
        if let Some(vars) = &mut vars {
            vars.sort_all_objects();
        }
        let asked = serde_json::to_vec(&("verification", fields, vars)).unwrap_or_default();
        Sha256::digest(asked).into()
    }
}

/// A code to try.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeWish<'a> {
    #[serde(borrow)]
    code: Option<Text<'a>>,
}

impl<'a> CodeWish<'a> {
    pub(super) fn read(body: &'a [u8]) -> Result<Self, Problem> {
        json::read(body, &["code"], &[])
    }

    /// What may be tried: what has not as many digits as a code was mistyped, and costs no try.
    pub(super) fn code(&self) -> Result<&str, Fault> {
        let Some(code) = self.code.as_deref() else {
            return Err(Fault::new("/code", Code::Required, "is missing"));
        };
        match digits(code) {
            Some(digits) if digits.len() == CODE_DIGITS => Ok(code),
            _ => {
                let detail = format!("must have {CODE_DIGITS} digits");
                Err(Fault::new("/code", Code::InvalidCode, detail).limit(CODE_DIGITS))
            }
        }
    }
}
