//! The sender's part: posts to every hostile address, by the daemon, and by its code with the guard and without.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use araldo::backend::{AddressGuard, Answer, Keys, Post, Webhooks};
use araldo::domain::UnixMillis;
use bytes::Bytes;

use crate::listener::{Listener, PORTS};
use crate::names::Names;
use crate::{DIR, Pass, SENDER, WORLD, gateway, hostile, ip, names};

/// How the sender's lines to the world begin.
pub(crate) const MARK: &str = "@@ ";

pub(crate) fn run() {
    tell("ready");
    listen_to_world();
    ip("link set lo up");
    ip("link set inside up");
    ip(&format!("addr add {}/30 dev inside", SENDER[0]));
    ip(&format!("-6 addr add {}/64 dev inside nodad", SENDER[1]));
    ip(&format!("route add default via {}", WORLD[0]));
    ip(&format!("-6 route add default via {}", WORLD[1]));
    let dir = std::env::var(DIR).unwrap();
    let dir = Path::new(&dir);
    let ca_file = dir.join("ca.pem");
    let listener = Listener::start(None);
    let runtime = tokio::runtime::Runtime::new().unwrap();

    ask_us(dir);
    names::serve(&hostile::cases());
    let answers = runtime.block_on(gateway::pass(dir));
    tell_pass(answers, &listener);

    let guarded = AddressGuard::default();
    let answers = runtime.block_on(pass(guarded, &ca_file));
    tell_pass(answers, &listener);

    let open = AddressGuard::new(&["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()]);
    let answers = runtime.block_on(pass(open, &ca_file));
    // Spellings that we refuse to read are read by others.
    for host in hostile::cases().into_iter().filter_map(|case| case.spelled) {
        let _ = TcpStream::connect((host.as_str(), PORTS[1]));
    }
    tell_pass(answers, &listener);
}

/// Has the system's resolver ask our name server and nobody else: in this mount namespace alone.
fn ask_us(dir: &Path) {
    for (name, text) in [
        ("resolv.conf", "nameserver 127.0.0.1\n"),
        ("nsswitch.conf", "hosts: files dns\n"),
    ] {
        let file = dir.join(name);
        std::fs::write(&file, text).unwrap();
        let mounted = Command::new("mount")
            .arg("--bind")
            .arg(&file)
            .arg(Path::new("/etc").join(name))
            .status();
        assert!(mounted.unwrap().success(), "{name}");
    }
}

fn tell_pass(answers: BTreeMap<String, u64>, listener: &Listener) {
    let hits = listener.take();
    tell(&serde_json::to_string(&Pass { answers, hits }).unwrap());
    listen_to_world();
}

fn tell(line: &str) {
    // Not by `println!`, which the test harness may catch.
    let mut out = io::stdout().lock();
    writeln!(out, "\n{MARK}{line}").unwrap();
}

/// Waits until the world says to go on.
fn listen_to_world() {
    let mut line = String::new();
    assert!(
        io::stdin().lock().read_line(&mut line).unwrap() > 0,
        "the world is gone"
    );
}

async fn pass(guard: AddressGuard, ca_file: &Path) -> BTreeMap<String, u64> {
    let cases = hostile::cases();
    let names = Arc::new(Names::new(&cases));
    let webhooks = Webhooks::with_resolver(guard, Some(ca_file), names).unwrap();
    let keys = Keys::new(["whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"]).unwrap();
    let mut answers = BTreeMap::new();
    let fine = ["https://public.rig.example/", "https://[2606:4700:4700::1111]/"];
    let urls = cases.iter().flat_map(|case| (0..case.posts).map(|_| case.url.as_str()));
    for url in fine.into_iter().chain(urls) {
        let post = Post {
            url,
            id: "evt_1",
            at: UnixMillis(0),
            keys: &keys,
            body: Bytes::from_static(b"{}"),
            timeout: Duration::from_secs(1),
        };
        let word = match webhooks.post(post).await {
            Answer::Taken { .. } => "taken".to_owned(),
            Answer::Gone => "gone".to_owned(),
            Answer::Failed { failure, .. } => failure.to_string(),
        };
        *answers.entry(word).or_default() += 1;
    }
    answers
}
