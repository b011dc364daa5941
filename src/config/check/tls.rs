//! Whether certificates and keys can be used.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::clock::Clock;
use crate::domain::UnixMillis;

/// Warned about when it ends sooner than this.
const SOON: Duration = Duration::from_hours(14 * 24);

/// What a look at a certificate and its key found.
pub(super) enum Found {
    /// Both can be used.
    Fine,
    /// The certificate cannot be used.
    Certificate(String),
    /// The key cannot be used.
    Key(String),
    /// The key is another certificate's.
    Mismatch,
    /// The certificate has ended, on this day.
    Expired(String),
    /// The certificate ends soon, on this day.
    Expiring(String),
}

/// Looks at a certificate and its key.
pub(super) fn check_pair(cert: &Path, key: &Path) -> Found {
    let chain = match certificates(cert) {
        Ok(chain) => chain,
        Err(cause) => return Found::Certificate(cause),
    };
    let key = match private_key(key) {
        Ok(key) => key,
        Err(cause) => return Found::Key(cause),
    };
    let ends = match end(&chain[0]) {
        Ok(ends) => ends,
        Err(cause) => return Found::Certificate(cause),
    };
    match CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider()) {
        Ok(_) => {}
        Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
        Err(rustls::Error::InconsistentKeys(_)) => return Found::Mismatch,
        Err(error) => return Found::Key(format!("cannot be used: {error}")),
    }
    let (now, day) = (Clock::system().now(), ends.timestamp().strftime("%Y-%m-%d").to_string());
    if ends <= now {
        Found::Expired(day)
    } else if ends <= now.after(SOON) {
        Found::Expiring(day)
    } else {
        Found::Fine
    }
}

/// Reads the certificates of a file, at least one.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let shown = path.display();
    let text = fs::read(path).map_err(|error| unreadable(path, &error))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err(format!("{shown} holds no certificate")),
        Ok(chain) => Ok(chain),
        Err(error) => Err(format!("{shown} is not PEM: {error}")),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let shown = path.display();
    let text = fs::read(path).map_err(|error| unreadable(path, &error))?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        pem::Error::NoItemsFound => format!("{shown} holds no private key"),
        error => format!("{shown} is not PEM: {error}"),
    })
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("{} cannot be read: {error}", path.display())
}

fn end(cert: &CertificateDer<'_>) -> Result<UnixMillis, String> {
    let (_, cert) = x509_parser::parse_x509_certificate(cert).map_err(|_| "is not an X.509 certificate".to_owned())?;
    Ok(UnixMillis(cert.validity().not_after.timestamp().saturating_mul(1000)))
}
