//! `[webhook]`: whether the authorities to trust can be read, and how long a pause may be.

use super::{Check, secs, tls};

impl Check<'_> {
    pub(super) fn webhooks(&mut self) {
        self.span(
            "webhook.max_pause",
            self.config.webhook.max_pause,
            secs(5)..=secs(86_400),
        );
        if let Some(file) = &self.config.webhook.ca_file
            && let Err(cause) = tls::certificates(file)
        {
            let cure = "name a file of certificates in PEM that we may read";
            self.wrong("webhook.ca_file", cause, cure);
        }
    }
}
