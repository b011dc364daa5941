//! TCP and TLS to a carrier. With TLS on, the name is checked and nothing else is ever tried.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Shared;
use crate::carrier::OpenError;
use crate::config::CarrierConfig;

/// A stream of octets, plain or TLS.
pub(super) trait Octets: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Octets for T {}

/// Connects within `connect_timeout`; the stream, and the address and port of its other end.
pub(super) async fn connect(shared: &Shared) -> Result<(Pin<Box<dyn Octets>>, Box<str>), OpenError> {
    let config = &shared.config;
    let unreachable = |error: String| OpenError::Unreachable {
        host: config.host.clone(),
        port: config.port,
        error,
    };
    let tcp = TcpStream::connect((config.host.as_str(), config.port));
    let tcp = match tokio::time::timeout(config.connect_timeout, tcp).await {
        Ok(connected) => connected.map_err(|error| unreachable(error.to_string()))?,
        Err(_) => return Err(unreachable(format!("no answer within {:?}", config.connect_timeout))),
    };
    tcp.set_nodelay(true).map_err(|error| unreachable(error.to_string()))?;
    let peer = tcp.peer_addr().map_err(|error| unreachable(error.to_string()))?;
    let peer = peer.to_string().into();
    let Some(connector) = &shared.tls else {
        return Ok((Box::pin(tcp), peer));
    };
    let tls_error = |error: String| OpenError::Tls {
        host: config.host.clone(),
        error,
    };
    let name = config.tls_server_name.as_deref().unwrap_or(&config.host);
    let name = ServerName::try_from(name.to_owned()).map_err(|error| tls_error(error.to_string()))?;
    match tokio::time::timeout(config.connect_timeout, connector.connect(name, tcp)).await {
        Ok(stream) => Ok((Box::pin(stream.map_err(|error| tls_error(error.to_string()))?), peer)),
        Err(_) => Err(tls_error(format!("no handshake within {:?}", config.connect_timeout))),
    }
}

/// The roots to trust and the certificate to show.
pub(super) fn tls_connector(config: &CarrierConfig) -> Result<TlsConnector, OpenError> {
    let settings = |error: String| OpenError::Settings(error);
    let mut roots = RootCertStore::empty();
    match &config.tls_ca_file {
        Some(file) => {
            for certificate in certificates(file).map_err(settings)? {
                roots
                    .add(certificate)
                    .map_err(|error| settings(format!("{}: {error}", file.display())))?;
            }
        }
        None => {
            let native = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(native.certs);
            if roots.is_empty() {
                return Err(settings(
                    "this machine has no root certificates; install ca-certificates or set tls_ca_file".to_owned(),
                ));
            }
        }
    }
    let builder = ClientConfig::builder().with_root_certificates(roots);
    let client = match (&config.client_cert_file, &config.client_key_file) {
        (Some(cert), Some(key)) => {
            let chain = certificates(cert).map_err(settings)?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(|e| settings(format!("{}: {e}", key.display())))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| settings(error.to_string()))?
        }
        _ => builder.with_no_client_auth(),
    };
    Ok(TlsConnector::from(Arc::new(client)))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = || -> Result<Vec<_>, rustls::pki_types::pem::Error> { CertificateDer::pem_file_iter(file)?.collect() };
    let found = read().map_err(|error| format!("{}: {error}", file.display()))?;
    if found.is_empty() {
        return Err(format!(
            "{}: {}",
            file.display(),
            io::Error::other("holds no certificate")
        ));
    }
    Ok(found)
}
