//! `[address."12345"]`: one of our own numbers.

use serde::{Deserialize, Serialize};

use crate::command::Locale;
use crate::domain::Name;

/// One of our own numbers, short codes or names; the table's key is the address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AddressConfig {
    /// The client that hears the texts sent to it. `None`: they are stored, and nobody is told.
    pub client: Option<Name>,
    /// The language of texts to it whose words do not say theirs, and of the answers. `None`: as the words say.
    pub locale: Option<Locale>,
}
