//! The daemon's configuration: the default one with one carrier, which takes whatever it is given.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::BenchError;
use super::rcs::Platform;
use super::trial::Trial;
use crate::clock::secret_bits;
use crate::notify::shipped;

/// Whom the messages go to.
pub(super) enum Peer {
    /// A carrier of SMPP.
    Carrier(SocketAddr),
    /// A platform of RCS.
    Platform(Platform),
}

impl Trial<'_> {
    /// Writes it; the text without its secrets.
    pub(super) fn write_configuration(&self, peer: &Peer, sink: Option<SocketAddr>) -> Result<String, BenchError> {
        let secret = format!("whsec_{}", STANDARD.encode(secret_bits()));
        let events = match (self.args.events, sink) {
            (Some(batch), Some(sink)) => self.write_rule(batch, sink, &secret)?,
            _ => String::new(),
        };
        let text = format!(
            "[store]\nurl = \"sqlite://{}\"\n[http.api]\nlisten = \"127.0.0.1:0\"\n[http.admin]\nlisten = \
             \"127.0.0.1:0\"\n[log]\nformat = \"json\"\n[client.bench]\nkey = \"{}\"\ndefault_sender = \"Araldo\"\n\
             scopes = [\"send\", \"read\", \"events\"]\n[carrier.simulator]\n{}\
             [route.all]\nsteps = [{{ carriers = [\"simulator\"] }}]\n{events}",
            self.directory.join("araldo.db").display(),
            self.key,
            self.carrier(peer)
        );
        let path = self.directory.join("araldo.toml");
        let write = || {
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)?;
            io::Write::write_all(&mut file, text.as_bytes())
        };
        write().map_err(|source| BenchError::directory(&path, source))?;
        let text = match peer {
            Peer::Platform(platform) => text.replace(&platform.client_token, "***"),
            Peer::Carrier(_) => text,
        };
        Ok(text.replace(&self.key, "***").replace(&secret, "***"))
    }

    /// The keys of the carrier.
    fn carrier(&self, peer: &Peer) -> String {
        let window = self
            .args
            .window
            .map_or_else(String::new, |window| format!("window = {window}\n"));
        match peer {
            Peer::Carrier(smpp) => format!(
                "host = \"127.0.0.1\"\nport = {}\nsystem_id = \"bench\"\ntls = false\ninsecure_plaintext = true\n{window}",
                smpp.port()
            ),
            // Every message goes to a number of its own: what is remembered of handsets would hide whether anything else
            // grows.
            Peer::Platform(platform) => format!(
                "protocol = \"rbm\"\nagent_id = \"simulator\"\napi_base = \"{}\"\nservice_account_file = \"{}\"\n\
                 client_token = \"{}\"\nremembered = 1000\n{window}",
                platform.base,
                platform.account.display(),
                platform.client_token
            ),
        }
    }

    /// A rule with one of the texts that come along, and who is told; writes the text.
    fn write_rule(&self, batch: u32, sink: SocketAddr, secret: &str) -> Result<String, BenchError> {
        let folder = self.directory.join("templates");
        let write = || {
            fs::create_dir(&folder)?;
            let mut files = shipped::templates().into_iter();
            files.try_for_each(|(name, octets)| fs::write(folder.join(&*name), octets))
        };
        write().map_err(|source| BenchError::directory(&folder, source))?;
        Ok(format!(
            "[event.bench]\ntype = \"bench\"\nto = \"{{{{ data.msisdn }}}}\"\nlocale = \"it\"\ntemplate = \
             \"transfer_executed\"\nclass = \"{}\"\nreference = \"{{{{ data.transaction }}}}\"\n[webhook]\nallow_networks = \
             [\"127.0.0.0/8\"]\n[client.bench.webhook]\nurl = \"http://{sink}/\"\nsecret = \"{secret}\"\nbatch = {batch}\n",
            self.args.class
        ))
    }
}
