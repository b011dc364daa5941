//! `[carrier.ID]`.

use std::time::Duration;

use rustls::pki_types::ServerName;

use super::super::{CarrierConfig, LongMessage};
use super::{Check, secs, tls};

impl Check<'_> {
    pub(super) fn carriers(&mut self) {
        let config = self.config;
        for (id, carrier) in &config.carrier {
            let key = format!("carrier.{id}");
            self.login(&key, carrier);
            self.carrier_tls(&key, carrier);
            self.pace(&key, carrier);
            self.ways(&key, carrier);
        }
    }

    fn login(&mut self, key: &str, carrier: &CarrierConfig) {
        if carrier.host.is_empty() {
            self.wrong(
                &format!("{key}.host"),
                "is missing",
                "write its name or address, e.g. host = \"smsc.example.com\"",
            );
        } else if carrier.host.contains("://") || ServerName::try_from(carrier.host.as_str()).is_err() {
            let cause = format!("`{}` is neither a host name nor an address", carrier.host);
            self.wrong(
                &format!("{key}.host"),
                cause,
                "write the name alone, and the port as port = 2775",
            );
        }
        self.within(&format!("{key}.port"), carrier.port, 1..=65_535);
        if carrier.system_id.is_empty() {
            self.wrong(
                &format!("{key}.system_id"),
                "is missing",
                "write the name that the carrier gave us",
            );
        }
        self.octets(&format!("{key}.system_id"), &carrier.system_id, 15, "SMPP 3.4 §5.2.1");
        self.octets(
            &format!("{key}.system_type"),
            &carrier.system_type,
            12,
            "SMPP 3.4 §5.2.3",
        );
        self.octets(
            &format!("{key}.address_range"),
            &carrier.address_range,
            40,
            "SMPP 3.4 §5.2.7",
        );
        self.octets(
            &format!("{key}.service_type"),
            &carrier.service_type,
            5,
            "SMPP 3.4 §5.2.11",
        );
        let password = carrier.password.expose();
        if password.len() > 255 || password.contains('\0') {
            self.wrong(
                &format!("{key}.password"),
                "cannot be sent in a bind",
                "use the carrier's password, 8 characters by the standard",
            );
        }
    }

    fn carrier_tls(&mut self, key: &str, carrier: &CarrierConfig) {
        if !carrier.tls && !carrier.insecure_plaintext {
            self.wrong(
                &format!("{key}.tls"),
                "without TLS, password and texts travel in the clear",
                "say insecure_plaintext = true too, if the way to the carrier is a private line or a VPN",
            );
        }
        if let Some(name) = &carrier.tls_server_name
            && ServerName::try_from(name.as_str()).is_err()
        {
            let cause = format!("`{name}` is not a name that a certificate can carry");
            self.wrong(
                &format!("{key}.tls_server_name"),
                cause,
                "write a host name, e.g. smsc.example.com",
            );
        }
        if let Some(path) = &carrier.tls_ca_file
            && let Err(cause) = tls::certificates(path)
        {
            self.wrong(
                &format!("{key}.tls_ca_file"),
                cause,
                "name a file of certificates in PEM that we may read",
            );
        }
        match (&carrier.client_cert_file, &carrier.client_key_file) {
            (Some(cert), Some(private)) => {
                let found = tls::check_pair(cert, private);
                self.pair(key, ("client_cert_file", "client_key_file"), found);
            }
            (None, None) => {}
            (Some(_), None) | (None, Some(_)) => {
                let given = if carrier.client_cert_file.is_some() {
                    "client_cert_file"
                } else {
                    "client_key_file"
                };
                let cause = "a certificate and its key go together, and one is missing";
                self.wrong(
                    &format!("{key}.{given}"),
                    cause,
                    "give both client_cert_file and client_key_file",
                );
            }
        }
    }

    fn pace(&mut self, key: &str, carrier: &CarrierConfig) {
        let at = |name: &str| format!("{key}.{name}");
        self.within(&at("binds"), carrier.binds, 1..=64);
        self.within(&at("window"), carrier.window, 1..=5000);
        self.within(&at("throughput"), carrier.throughput, 0..=1_000_000);
        self.within(&at("max_tries"), carrier.max_tries, 1..=100);
        self.span(&at("connect_timeout"), carrier.connect_timeout, secs(1)..=secs(120));
        self.span(&at("bind_timeout"), carrier.bind_timeout, secs(1)..=secs(120));
        self.span(&at("response_timeout"), carrier.response_timeout, secs(1)..=secs(600));
        self.span(
            &at("enquire_link_interval"),
            carrier.enquire_link_interval,
            secs(1)..=secs(3_600),
        );
        self.span(
            &at("reconnect_min"),
            carrier.reconnect_min,
            std::time::Duration::from_millis(100)..=secs(3_600),
        );
        self.span(
            &at("reconnect_max"),
            carrier.reconnect_max,
            Duration::from_millis(100)..=secs(3_600),
        );
        self.span(
            &at("retry_min"),
            carrier.retry_min,
            std::time::Duration::from_millis(100)..=secs(86_400),
        );
        self.span(
            &at("retry_max"),
            carrier.retry_max,
            Duration::from_millis(100)..=secs(86_400),
        );
        let (low, high) = (at("reconnect_min"), at("reconnect_max"));
        self.at_most((&low, carrier.reconnect_min), (&high, carrier.reconnect_max));
        let (low, high) = (at("retry_min"), at("retry_max"));
        self.at_most((&low, carrier.retry_min), (&high, carrier.retry_max));
        let rescue = self.config.outbox.rescue_interval;
        let response = at("response_timeout");
        // Else a late answer would be looked for less often than it is awaited.
        self.at_most(
            ("outbox.rescue_interval", rescue),
            (&response, carrier.response_timeout),
        );
        if let Some(hold) = carrier.doubt_hold {
            let key = at("doubt_hold");
            self.span(&key, hold, secs(1)..=secs(3_600));
            self.at_most(("outbox.rescue_interval", rescue), (&key, hold));
        }
    }

    fn ways(&mut self, key: &str, carrier: &CarrierConfig) {
        if let Some(most) = carrier.max_segments {
            self.within(&format!("{key}.max_segments"), most, 1..=255);
        }
        self.tables(key, carrier);
        self.span(
            &format!("{key}.max_validity"),
            carrier.max_validity,
            secs(60)..=secs(366 * 86_400),
        );
        for (numbering, kinds) in [("source", &carrier.source), ("destination", &carrier.destination)] {
            for (kind, pair) in [
                ("international", kinds.international),
                ("short_code", kinds.short_code),
                ("alphanumeric", kinds.alphanumeric),
            ] {
                self.within(&format!("{key}.{numbering}.{kind}.ton"), pair.ton, 0..=7);
                self.within(&format!("{key}.{numbering}.{kind}.npi"), pair.npi, 0..=18);
            }
        }
        for status in carrier.status.keys() {
            if !is_status(status) {
                let key = format!("{key}.status.{status}");
                let cause = format!("`{status}` is neither the name nor the code of a status");
                self.wrong(&key, cause, "write e.g. ESME_RINVDSTADR or 0x00000413");
            }
        }
    }
}

impl Check<'_> {
    /// National tables stand in headers of our own, before septets.
    fn tables(&mut self, key: &str, carrier: &CarrierConfig) {
        if carrier.shift_tables.is_none() {
            return;
        }
        let tables = format!("{key}.shift_tables");
        if matches!(carrier.long_message, LongMessage::Sar | LongMessage::Payload) {
            self.disagrees(
                &tables,
                &format!("{key}.long_message"),
                "the carrier divides long texts itself, and does not know of tables",
                "write shift_tables = \"none\", or long_message = \"udh8\" or \"udh16\"",
            );
        }
        if !carrier.default_alphabet.is_septets() {
            self.disagrees(
                &tables,
                &format!("{key}.default_alphabet"),
                "national tables need septets, and the carrier takes another alphabet",
                "write shift_tables = \"none\", or default_alphabet = \"gsm7\" or \"gsm7_packed\"",
            );
        }
    }
}

/// A status by its name in the standard, or by its code in hex.
fn is_status(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix("0x") {
        return u32::from_str_radix(digits, 16).is_ok_and(|code| code != 0) && !digits.starts_with('+');
    }
    text.strip_prefix("ESME_R")
        .is_some_and(|rest| rest.len() > 1 && rest.bytes().all(|c| c.is_ascii_uppercase() || c == b'_'))
}
