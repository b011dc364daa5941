//! Carriers whose TLS cannot be trusted.

use std::fs;
use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::carrier::{Hostile, Peer, route};
use crate::daemon::{Daemon, Home};

/// An authority that the daemon trusts.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A server's settings with a certificate of this authority's.
    fn server(&self, name: &str, expired: bool) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        if expired {
            (params.not_before, params.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        server(certificate.der().clone(), &key)
    }
}

fn server(certificate: rustls::pki_types::CertificateDer<'static>, key: &KeyPair) -> Arc<ServerConfig> {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    Arc::new(
        builder
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap(),
    )
}

fn start(hostile: &Hostile, authority: &Authority) -> Daemon {
    let table = hostile.table("evil", "tls_ca_file = \"ca.pem\"\ntls_server_name = \"smsc.example\"");
    let table = table.replace("tls = false\ninsecure_plaintext = true\n", "");
    let home = Home::new(&(table + &route("evil")));
    write_authority(home.0.path(), authority);
    home.start()
}

fn write_authority(dir: &Path, authority: &Authority) {
    fs::write(dir.join("ca.pem"), authority.0.pem()).unwrap();
}

/// Shakes hands as far as the daemon goes along.
fn shake(tcp: TcpStream, config: Arc<ServerConfig>) -> Result<StreamOwned<ServerConnection, TcpStream>, String> {
    let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), tcp);
    while stream.conn.is_handshaking() {
        stream
            .conn
            .complete_io(&mut stream.sock)
            .map_err(|error| error.to_string())?;
    }
    Ok(stream)
}

#[test]
fn a_certificate_that_does_not_hold_is_refused_and_plain_text_is_never_tried() {
    let authority = Authority::new("trusted");
    let hostile = Hostile::new();
    let mut daemon = start(&hostile, &authority);
    let own_key = KeyPair::generate().unwrap();
    let mut own = CertificateParams::new(vec!["smsc.example".to_owned()]).unwrap();
    own.distinguished_name.push(DnType::CommonName, "smsc.example");
    let own = own.self_signed(&own_key).unwrap();
    for (config, why) in [
        (authority.server("smsc.example", true), "expired"),
        (authority.server("other.example", false), "not valid for name"),
        (server(own.der().clone(), &own_key), "UnknownIssuer"),
        (
            Authority::new("somebody").server("smsc.example", false),
            "UnknownIssuer",
        ),
    ] {
        let shaken = shake(hostile.accept_stream(), config);
        // In TLS 1.3 the server may think that it is done; the daemon says no with its next words.
        if let Ok(mut stream) = shaken {
            let mut octets = Vec::new();
            stream.read_to_end(&mut octets).expect_err(why);
            assert!(octets.is_empty(), "{why}: it said {octets:02x?}");
        }
        daemon.until_log(why);
        assert_eq!(daemon.carrier("evil")["state"], "down");
    }
    assert!(
        daemon.log().contains("smsc.example") && daemon.log().contains("other.example"),
        "{}",
        daemon.log()
    );
    // A peer that answers the hello in plain SMPP, or with nothing, hears no bind.
    for answer in [&crate::carrier::pdu(0x15, 0, 1, b"")[..], b""] {
        let mut tcp = hostile.accept_stream();
        let mut hello = [0; 5];
        tcp.read_exact(&mut hello).unwrap();
        assert_eq!((hello[0], hello[1]), (0x16, 0x03), "a TLS hello");
        std::io::Write::write_all(&mut tcp, answer).unwrap();
        if answer.is_empty() {
            tcp.shutdown(std::net::Shutdown::Write).unwrap();
        }
        let mut rest = Vec::new();
        tcp.read_to_end(&mut rest).ok();
        let password = crate::daemon::PASSWORD.as_bytes();
        assert!(
            !rest.windows(password.len()).any(|window| window == password),
            "the password in the clear"
        );
    }
    let good = authority.server("smsc.example", false);
    let mut peer = Peer::new(shake(hostile.accept_stream(), good).unwrap());
    peer.let_in();
    peer.lives("with a good certificate");
    daemon.is_well();
}

#[test]
fn a_carrier_that_cuts_tls_without_notify_is_a_lost_link() {
    let authority = Authority::new("trusted");
    let hostile = Hostile::new();
    let mut daemon = start(&hostile, &authority);
    let good = authority.server("smsc.example", false);
    for _ in 0..2 {
        let mut peer = Peer::new(shake(hostile.accept_stream(), good.clone()).unwrap());
        peer.let_in();
        peer.lives("bound over TLS");
        // Dropped without close_notify.
    }
    let id = daemon.send_text("over the third link");
    let mut peer = Peer::new(shake(hostile.accept_stream(), good).unwrap());
    peer.let_in();
    peer.accept_submit("tls-1");
    daemon.until(&id, "submitted");
    assert!(daemon.log().contains("link_lost"));
    daemon.is_well();
}
