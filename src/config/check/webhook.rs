//! `[webhook]`: whether the authorities to trust can be read.

use super::{Check, tls};

impl Check<'_> {
    pub(super) fn webhooks(&mut self) {
        if let Some(file) = &self.config.webhook.ca_file
            && let Err(cause) = tls::certificates(file)
        {
            let cure = "name a file of certificates in PEM that we may read";
            self.wrong("webhook.ca_file", cause, cure);
        }
    }
}
