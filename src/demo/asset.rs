//! Style, scripts and icon, embedded. They are served beneath a digest of them all, so that modules find each other by
//! relative names and a browser may keep them for good.

use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest, Sha256};

#[derive(RustEmbed)]
#[folder = "src/demo/assets"]
struct Files;

/// The files, and the path they are served under.
pub(super) struct Assets {
    digest: String,
}

impl Assets {
    pub(super) fn new() -> Self {
        let mut names: Vec<_> = Files::iter().collect();
        names.sort();
        let mut hash = Sha256::new();
        for name in names {
            hash.update(name.as_bytes());
            hash.update(
                Files::get(&name)
                    .map(|file| file.metadata.sha256_hash())
                    .unwrap_or_default(),
            );
        }
        Self {
            digest: hex::encode(&hash.finalize()[..8]),
        }
    }

    /// Where they are.
    pub(super) fn base(&self) -> String {
        format!("/assets/{}", self.digest)
    }

    /// Where the pictures are.
    pub(super) fn pictures(&self) -> String {
        format!("{}/pictures/", self.base())
    }

    /// The file of a path beneath `/assets/`; `None` also where the digest is another build's.
    pub(super) fn get(&self, digest: &str, name: &str) -> Option<EmbeddedFile> {
        (digest == self.digest).then(|| Files::get(name)).flatten()
    }
}
