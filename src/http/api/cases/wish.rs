//! What a person wishes to do about a case.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::accept::Text;
use crate::domain::CaseId;
use crate::http::problem::{Code, Fault, Problem};

/// Characters of a name, and of a note.
const MAX_NAME: usize = 64;
const MAX_NOTE: usize = 2_000;

/// What a person does about a case.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseWish<'a> {
    #[serde(borrow)]
    pub(super) by: Option<Text<'a>>,
    /// Of a case that is taken over: who owns it now.
    pub(super) from: Option<Text<'a>>,
    pub(super) text: Option<Text<'a>>,
}

pub(super) const FIELDS: [&str; 3] = ["by", "from", "text"];

impl CaseWish<'_> {
    /// Refuses what the verb makes nothing of: whoever sends it expects something of it.
    pub(super) fn check_fields(&self, verb: Verb) -> Result<(), Fault> {
        let (takes_from, takes_text) = match verb {
            Verb::Take => (true, false),
            Verb::Note | Verb::Answer => (false, true),
            Verb::Solve => (false, false),
        };
        let spare = |pointer, hint| {
            let detail = format!("`{}` makes nothing of it", verb.word());
            Err(Fault::new(pointer, Code::InvalidJson, detail).hint(hint))
        };
        if self.text.is_some() && !takes_text {
            return spare("/text", "send it with `answer` or `note`");
        }
        if self.from.is_some() && !takes_from {
            return spare("/from", "it goes with `take`");
        }
        Ok(())
    }

    /// SHA-256 over what is wished of which case.
    pub(super) fn fingerprint(&self, id: CaseId, verb: Verb) -> [u8; 32] {
        let mut sha = Sha256::new();
        let id = id.to_string();
        let given = [&self.by, &self.from, &self.text].map(|text| text.as_deref().unwrap_or_default());
        for part in [id.as_str(), verb.word()].into_iter().chain(given) {
            sha.update((part.len() as u64).to_be_bytes());
            sha.update(part);
        }
        sha.finalize().into()
    }
}

/// The acts on a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Verb {
    /// A person takes it.
    Take,
    /// A person signs a note.
    Note,
    /// Its owner answers the customer.
    Answer,
    /// Its owner closes it.
    Solve,
}

impl Verb {
    const fn word(self) -> &'static str {
        match self {
            Self::Take => "take",
            Self::Note => "note",
            Self::Answer => "answer",
            Self::Solve => "solve",
        }
    }
}

impl std::str::FromStr for Verb {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        let all = [Self::Take, Self::Note, Self::Answer, Self::Solve];
        all.into_iter().find(|verb| verb.word() == word).ok_or(())
    }
}

pub(super) fn name<'w>(pointer: &str, given: Option<&'w str>) -> Result<&'w str, Problem> {
    let Some(name) = given.map(str::trim).filter(|name| !name.is_empty()) else {
        return Err(Fault::new(pointer, Code::Required, "is missing")
            .hint("who does it")
            .into());
    };
    match name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control) {
        true => Ok(name),
        false => {
            let detail = format!("must have at most {MAX_NAME} characters, none of them a control character");
            Err(Fault::new(pointer, Code::InvalidReference, detail)
                .limit(MAX_NAME)
                .into())
        }
    }
}

pub(super) fn text<'w>(pointer: &str, given: Option<&'w str>) -> Result<&'w str, Problem> {
    let Some(text) = given.filter(|text| !text.trim().is_empty()) else {
        return Err(Fault::new(pointer, Code::Required, "is missing").into());
    };
    match text.chars().count() <= MAX_NOTE {
        true => Ok(text),
        false => {
            let detail = format!("must have at most {MAX_NOTE} characters");
            Err(Fault::new(pointer, Code::InvalidReference, detail)
                .limit(MAX_NOTE)
                .into())
        }
    }
}
