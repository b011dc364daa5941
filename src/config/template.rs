//! `[templates]` and `[template.NAME]`: the texts of messages, and their bounds.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where templates are, and how they are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TemplatesConfig {
    /// The folder of `NAME.LOCALE.txt`, relative to the file that names it. `None`: `templates` beside the
    /// configuration file, if it is there.
    pub dir: Option<PathBuf>,
    /// The language of a message that asks for none, and what an unknown one falls back to before English. Default `en`.
    pub locale: String,
    /// Where times are shown, as a name of the IANA time zone database. Default `UTC`.
    pub time_zone: String,
    /// How many steps a template or expression may take, 100 to 1,000,000. Default 20,000.
    pub fuel: u64,
}

/// The bounds of one template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TemplateConfig {
    /// Segments that its text may make, 1 to 255. `None`: as many as the route allows.
    pub max_segments: Option<u8>,
    /// The hosts that links in its text may lead to, e.g. `bank.example` and `*.bank.example`. Default none: a text with
    /// a link is refused.
    pub link_hosts: Vec<String>,
    /// Whether its texts are for the recipient's eyes alone: operators are not shown them, and they go only to certified
    /// numbers, but in messages of class `otp`. Default false.
    pub personal: bool,
}

impl Default for TemplatesConfig {
    fn default() -> Self {
        Self {
            dir: None,
            locale: "en".into(),
            time_zone: "UTC".into(),
            fuel: 20_000,
        }
    }
}
