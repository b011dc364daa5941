//! Connections to back ends. The address that is connected to is the address that was judged.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::Uri;
use futures_util::future::BoxFuture;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower::Service;

use super::guard::AddressGuard;
use super::target::{Host, InvalidTarget, Target};

/// Addresses of one name that are tried, one after the other.
const ADDRESSES_TRIED: usize = 4;
/// How long one of them may take to answer before the next is tried.
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(5);
/// Lookups under way at once. Each holds a thread until the system's resolver gives up, whoever stopped waiting for it.
const LOOKUPS: usize = 64;

/// Turns names into addresses.
pub trait Resolver: Send + Sync + 'static {
    /// The addresses of a name, lower case and without dot at its end.
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// The system's resolver.
pub struct SystemResolver(Arc<Semaphore>);

impl Default for SystemResolver {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(LOOKUPS)))
    }
}

impl Resolver for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let name = name.to_owned();
        Box::pin(async move {
            let permit = Arc::clone(&self.0).acquire_owned().await.map_err(io::Error::other)?;
            let look = move || {
                let _held = permit;
                let found = (name.as_str(), 0).to_socket_addrs()?;
                Ok(found.map(|address| address.ip()).collect())
            };
            tokio::task::spawn_blocking(look).await.map_err(io::Error::other)?
        })
    }
}

/// Certificates that cannot be trusted because they cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}; name a file of certificates in PEM that we may read in webhook.ca_file", file.display())]
pub struct TrustError {
    file: PathBuf,
    cause: String,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("no address that it may reach")]
    Forbidden,
    #[error("no connection: {0}")]
    Unreachable(io::Error),
    #[error("no TLS: {0}")]
    Tls(io::Error),
}

impl From<InvalidTarget> for ConnectError {
    fn from(_: InvalidTarget) -> Self {
        Self::Forbidden
    }
}

/// Opens what the pool of connections asks for.
#[derive(Clone)]
pub(super) struct Connector {
    guard: AddressGuard,
    resolver: Arc<dyn Resolver>,
    tls: TlsConnector,
}

impl Connector {
    pub(super) fn new(
        guard: AddressGuard,
        resolver: Arc<dyn Resolver>,
        ca_file: Option<&Path>,
    ) -> Result<Self, TrustError> {
        let tls = tls(ca_file)?;
        Ok(Self { guard, resolver, tls })
    }

    async fn open(self, uri: Uri) -> Result<TokioIo<Link>, ConnectError> {
        let target = Target::of(uri)?;
        let tcp = self.dial(&target).await?;
        if target.is_plain() {
            return Ok(TokioIo::new(Link::Plain(tcp)));
        }
        let name = match target.host() {
            Host::Address(address) => ServerName::IpAddress((*address).into()),
            Host::Name(name) => {
                ServerName::try_from(name.to_string()).map_err(|error| ConnectError::Tls(io::Error::other(error)))?
            }
        };
        let stream = self.tls.connect(name, tcp).await.map_err(ConnectError::Tls)?;
        Ok(TokioIo::new(Link::Tls(Box::new(stream))))
    }

    /// Connects to the first of the permitted addresses that answers.
    async fn dial(&self, target: &Target) -> Result<TcpStream, ConnectError> {
        let found = match target.host() {
            Host::Address(address) => vec![*address],
            Host::Name(name) => self.resolver.resolve(name).await.map_err(ConnectError::Unreachable)?,
        };
        if found.is_empty() {
            let nobody = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
            return Err(ConnectError::Unreachable(nobody));
        }
        let permitted = found.into_iter().filter(|address| self.permits(*address, target));
        let mut last = ConnectError::Forbidden;
        for address in permitted.take(ADDRESSES_TRIED) {
            let connecting = TcpStream::connect(SocketAddr::new(address, target.port()));
            let tried = match tokio::time::timeout(ADDRESS_TIMEOUT, connecting).await {
                Ok(tried) => tried,
                Err(_) => Err(io::ErrorKind::TimedOut.into()),
            };
            match tried.and_then(|tcp| Ok((tcp.peer_addr()?, tcp))) {
                Ok((peer, tcp)) if peer.ip() == address => {
                    tcp.set_nodelay(true).map_err(ConnectError::Unreachable)?;
                    return Ok(tcp);
                }
                // Somebody on this machine rewrites where connections go.
                Ok(_) => return Err(ConnectError::Forbidden),
                Err(error) => last = ConnectError::Unreachable(error),
            }
        }
        Err(last)
    }

    fn permits(&self, address: IpAddr, target: &Target) -> bool {
        if target.is_plain() {
            return self.guard.lists(address);
        }
        self.guard.lists(address) || (self.guard.permits(address) && !is_our_own(address))
    }
}

/// Whether an address, public by its looks, is this machine's own: the system would talk to it from itself. Connecting a
/// datagram socket asks for the way and sends nothing.
fn is_our_own(address: IpAddr) -> bool {
    let any = match address {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let from = || -> io::Result<IpAddr> {
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect((address, 9))?;
        Ok(socket.local_addr()?.ip())
    };
    // Where there is no way, there is no connection either.
    from().is_ok_and(|from| from == address)
}

/// Trusts the machine's roots and those of the file.
fn tls(ca_file: Option<&Path>) -> Result<TlsConnector, TrustError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = ca_file {
        add_file(&mut roots, file).map_err(|cause| TrustError {
            file: file.to_owned(),
            cause,
        })?;
    }
    if roots.is_empty() {
        tracing::warn!(
            "no root certificates, so no https webhook can leave; install ca-certificates or set webhook.ca_file"
        );
    }
    let builder = ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("ring knows the versions of TLS that rustls calls safe");
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

fn add_file(roots: &mut RootCertStore, file: &Path) -> Result<(), String> {
    let certificates = CertificateDer::pem_file_iter(file).map_err(|error| error.to_string())?;
    let mut found = 0;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
        found += 1;
    }
    if found == 0 {
        Err("holds no certificate".to_owned())
    } else {
        Ok(())
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Link>;
    type Error = ConnectError;
    type Future = BoxFuture<'static, Result<Self::Response, ConnectError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().open(uri))
    }
}

/// A stream of octets, plain or TLS.
pub(super) enum Link {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connection for Link {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Link {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Link {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, octets),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, octets),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
