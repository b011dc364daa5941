//! `[http]`.

use super::super::ListenConfig;
use super::{Check, secs, tls};

impl Check<'_> {
    pub(super) fn http(&mut self) {
        let http = &self.config.http;
        self.listener("http.api", &http.api);
        self.listener("http.admin", &http.admin);
        if http.api.listen == http.admin.listen && http.api.listen.port() != 0 {
            let cause = format!("is {}, which http.api.listen has already", http.admin.listen);
            self.disagrees(
                "http.admin.listen",
                "http.api.listen",
                cause,
                "give one of them another port",
            );
        }
        self.within("http.max_body", http.max_body, 1 << 10..=64 << 20);
        self.span("http.header_timeout", http.header_timeout, secs(1)..=secs(300));
        self.span("http.idle_timeout", http.idle_timeout, secs(1)..=secs(3_600));
        self.span("http.body_timeout", http.body_timeout, secs(1)..=secs(300));
        self.within("http.max_connections", http.max_connections, 1..=65_535);
        self.within("http.max_requests", http.max_requests, 1..=65_535);
        self.within("http.max_streams", http.max_streams, 1..=1_024);
    }

    fn listener(&mut self, key: &str, listener: &ListenConfig) {
        match (&listener.tls_cert_file, &listener.tls_key_file) {
            (Some(cert), Some(private)) => {
                let found = tls::check_pair(cert, private);
                self.pair(key, ("tls_cert_file", "tls_key_file"), found);
            }
            (None, None) => {
                if !listener.listen.ip().to_canonical().is_loopback() && !listener.insecure_plaintext {
                    let cause = format!("{} is beyond loopback, and there is no TLS", listener.listen);
                    self.wrong(
                        &format!("{key}.listen"),
                        cause,
                        format!("give {key}.tls_cert_file and tls_key_file, or say insecure_plaintext = true"),
                    );
                }
            }
            (Some(_), None) | (None, Some(_)) => {
                let given = if listener.tls_cert_file.is_some() {
                    "tls_cert_file"
                } else {
                    "tls_key_file"
                };
                let cause = "a certificate and its key go together, and one is missing";
                self.wrong(
                    &format!("{key}.{given}"),
                    cause,
                    "give both tls_cert_file and tls_key_file",
                );
            }
        }
    }

    /// What a look at a certificate and its key found.
    pub(super) fn pair(&mut self, key: &str, (cert, private): (&str, &str), found: tls::Found) {
        let (cert, private) = (format!("{key}.{cert}"), format!("{key}.{private}"));
        match found {
            tls::Found::Fine => {}
            tls::Found::Certificate(cause) => self.wrong(&cert, cause, "name a certificate in PEM that we may read"),
            tls::Found::Key(cause) => self.wrong(&private, cause, "name a private key in PEM that we may read"),
            tls::Found::Mismatch => {
                let cause = "is not the key of that certificate";
                self.disagrees(
                    &private,
                    &cert,
                    cause,
                    "name the key that the certificate was issued for",
                );
            }
            tls::Found::Expired(at) => self.wrong(&cert, format!("the certificate expired on {at}"), "renew it"),
            tls::Found::Expiring(at) => self.warn(&cert, format!("the certificate expires on {at}"), "renew it soon"),
        }
    }
}
