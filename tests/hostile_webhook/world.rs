//! The world's part: every address there is, and one back end.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::listener::Listener;
use crate::sender::MARK;
use crate::{DIR, PUBLIC, Pass, Report, WORLD, ip, part};

pub(crate) fn run() {
    let dir = std::env::var(DIR).unwrap();
    let dir = Path::new(&dir);
    let tls = certificate(&dir.join("ca.pem"));
    ip("link set lo up");
    // Every address is this machine's, but for what a nearer route says.
    ip("route add local 0.0.0.0/0 dev lo table main");
    ip("-6 route add local ::/0 dev lo table main");
    let listener = Listener::start(Some(&tls));

    let mut sender = part("sender", &["unshare", "--net", "--mount"]);
    let mut sender = sender.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut words = BufReader::new(sender.stdout.take().unwrap()).lines();
    let mut hear = || {
        words
            .find_map(|line| line.unwrap().strip_prefix(MARK).map(str::to_owned))
            .expect("the sender says how it went")
    };
    let mut to_sender = sender.stdin.take().unwrap();
    let mut go_on = || to_sender.write_all(b"go on\n").unwrap();

    assert_eq!(hear(), "ready");
    ip(&format!(
        "link add outside type veth peer name inside netns {}",
        sender.id()
    ));
    ip("link set outside up");
    ip(&format!("addr add {}/30 dev outside", WORLD[0]));
    ip(&format!("-6 addr add {}/64 dev outside nodad", WORLD[1]));
    go_on();

    let mut pass = || {
        let mut pass: Pass = serde_json::from_str(&hear()).unwrap();
        for (address, count) in listener.take() {
            *pass.hits.entry(address).or_default() += count;
        }
        go_on();
        pass
    };
    let report = Report {
        daemon: pass(),
        guarded: pass(),
        control: pass(),
    };
    assert!(sender.wait().unwrap().success(), "the sender failed");
    std::fs::write(dir.join("report.json"), serde_json::to_vec(&report).unwrap()).unwrap();
}

/// The back end's certificate, by an authority whose own goes into the file.
fn certificate(ca_file: &Path) -> Arc<ServerConfig> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(ca_file, authority.pem()).unwrap();
    let names = ["*.rig.example", PUBLIC[0], PUBLIC[1]].map(str::to_owned);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(names)
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth();
    Arc::new(config.with_single_cert(vec![certificate.der().clone()], key).unwrap())
}
