//! Phone numbers, the ends of card numbers, the numbers of cases.

use super::{Page, Value, distinct};
use crate::command::normalise::Kind;
use crate::domain::Msisdn;

/// Words before a case's number that are not part of it.
const LABELS: [&str; 14] = [
    "n", "nr", "no", "num", "numero", "number", "caso", "case", "ticket", "pratica", "id", "ref", "rif", "tiket",
];

/// Where the plan alone does not tell a number from a sum: what people write is looked at, too.
const ITALY: &str = "IT";
/// Digits of a number as it is dialled at home.
const LEAST_NATIONAL: usize = 8;

impl Page<'_> {
    /// Phone numbers: with `+` or `00`, or as they are written at home, in one piece or several.
    pub(super) fn msisdn(&mut self) -> Vec<Value> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            match self.msisdn_at(at) {
                Some((number, to)) => {
                    self.take(at, to);
                    found.push(Value::Msisdn(number));
                    at = to;
                }
                None => at += 1,
            }
        }
        distinct(found)
    }

    /// The longest run of digits from here on that is a number.
    fn msisdn_at(&self, at: usize) -> Option<(Msisdn, usize)> {
        let first = self.tokens.get(at).filter(|token| token.kind == Kind::Number)?;
        let international = first.raw.starts_with('+') || first.raw.starts_with("00");
        let mut written = String::new();
        let mut best = None;
        for (index, token) in self.tokens[at..].iter().enumerate() {
            let more = index > 0 && token.raw.starts_with(['+', '-']);
            if token.kind != Kind::Number || more || token.raw.contains([',', ':']) {
                break;
            }
            written.extend(token.raw.chars().filter(char::is_ascii_digit));
            if written.len() > 17 {
                break;
            }
            let number = if international {
                let digits = written.strip_prefix("00").unwrap_or(&written);
                Msisdn::parse(digits).ok()
            } else {
                self.national(&written)
            };
            if let Some(number) = number {
                best = Some((number, at + index + 1));
            }
        }
        best
    }

    /// A number as it is dialled at home.
    fn national(&self, written: &str) -> Option<Msisdn> {
        let home = self.setting.home;
        if home.as_str() != ITALY {
            // Fewer digits are more often something else: a sum, a day, a case.
            let long = written.len() >= LEAST_NATIONAL;
            return Msisdn::parse_in(written, Some(home)).ok().filter(|_| long);
        }
        if written.len() > 10
            && let Some(rest) = written.strip_prefix("39")
            && rest.len() >= 8
        {
            return Msisdn::parse(written).ok();
        }
        // Italy keeps the zero of its fixed lines; its mobiles begin with 3.
        let plausible = match written.as_bytes().first() {
            Some(b'3') => (9..=10).contains(&written.len()),
            Some(b'0') => (8..=11).contains(&written.len()),
            _ => false,
        };
        Msisdn::parse(&format!("39{written}")).ok().filter(|_| plausible)
    }

    /// The last four digits of a card: four digits alone, or the end of the whole number.
    pub(super) fn card_last4(&mut self) -> Vec<Value> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let groups = self.tokens[at..].iter().take(4);
            let whole = groups.clone().count() == 4 && groups.clone().all(|token| is_four(token.raw));
            let end = if whole { at + 4 } else { at + 1 };
            let raw = self.tokens[end - 1].raw;
            let digits: String = raw.chars().filter(char::is_ascii_digit).collect();
            let card = (15..=19).contains(&digits.len()) || is_four(raw);
            if card && self.free(at).is_some() && self.tokens[at].kind == Kind::Number {
                self.take(at, end);
                found.push(Value::Word(digits[digits.len() - 4..].to_owned()));
            }
            at = end;
        }
        distinct(found)
    }

    /// The number of a case: digits, with the letters that belong to them, in upper case.
    pub(super) fn case_id(&mut self) -> Vec<Value> {
        let mut found = Vec::new();
        for at in 0..self.tokens.len() {
            if self.free(at).is_none() {
                continue;
            }
            let token = &self.tokens[at];
            let digits = token.raw.bytes().filter(u8::is_ascii_digit).count();
            let id = match token.kind {
                Kind::Number if digits >= 2 && !token.raw.contains([',', ':']) => {
                    let id = token.raw.trim_start_matches(['+', '-']);
                    // TK-1029: the letters before the dash belong to it.
                    let letters = at.checked_sub(1).map(|before| &self.tokens[before]).filter(|before| {
                        let between = &self.text[before.end()..token.start];
                        let joined = between == "-" || between.is_empty() && token.raw.starts_with('-');
                        before.kind == Kind::Word && joined && before.raw.len() <= 5
                    });
                    match letters.filter(|letters| !LABELS.contains(&letters.folded.as_str())) {
                        Some(letters) => format!("{}-{id}", letters.raw),
                        None => id.to_owned(),
                    }
                }
                Kind::Word if digits >= 2 && token.raw.len() <= 20 => token.raw.to_owned(),
                Kind::Word | Kind::Number | Kind::Sign => continue,
            };
            self.take(at, at + 1);
            found.push(Value::Word(id.to_uppercase()));
        }
        distinct(found)
    }
}

fn is_four(raw: &str) -> bool {
    raw.len() == 4 && raw.bytes().all(|byte| byte.is_ascii_digit())
}
