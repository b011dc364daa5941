//! The library that is loaded into the daemon to fail its calls: compiled here, steered through a file that both map.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::daemon::House;
use crate::support::nothing_may_be_skipped;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/trials/shim.c");

/// Kinds of calls, as the library numbers them.
pub(crate) const SYNC: u64 = 1;
pub(crate) const WRITE: u64 = 2;
pub(crate) const READ: u64 = 4;
pub(crate) const OPEN: u64 = 8;
pub(crate) const SEND: u64 = 16;
pub(crate) const RECEIVE: u64 = 32;
pub(crate) const CONNECT: u64 = 64;

/// The words of the shared file, in its order.
#[derive(Clone, Copy)]
enum Word {
    Kinds,
    Calls,
    At,
    Error,
    Cut,
    TakeBack,
    Hits,
    Onwards,
}

/// What the library does to the daemon of one house.
pub(crate) struct Shim {
    control: File,
}

impl Shim {
    /// Has every daemon that the house starts from now on load it. `None` where there is no C compiler.
    pub(crate) fn load(house: &mut House) -> Option<Self> {
        let library = compiled()?;
        let path = house.path().join("shim");
        let control = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .unwrap();
        control.set_len(4096).unwrap();
        let state = house.state_dir();
        house.environment("LD_PRELOAD", library);
        house.environment("ARALDO_SHIM", path);
        house.environment("ARALDO_SHIM_STATE", state);
        Some(Self { control })
    }

    /// Counts calls of these kinds from now on, and hits none.
    pub(crate) fn count(&self, kinds: u64) {
        self.arm(kinds, 0, 0, false, false);
    }

    /// Fails the call of this number, from now, of these kinds; a call on a file with this error.
    pub(crate) fn fail(&self, kinds: u64, number: u64, error: u64) {
        self.arm(kinds, number, error, false, false);
    }

    /// Fails every call from that of this number on.
    pub(crate) fn fail_from(&self, kinds: u64, number: u64, error: u64) {
        self.arm(kinds, number, error, false, true);
    }

    /// Cuts the power at the call of this number, from now.
    pub(crate) fn cut(&self, kinds: u64, number: u64) {
        self.arm(kinds, number, 0, true, false);
    }

    fn arm(&self, kinds: u64, at: u64, error: u64, cut: bool, onwards: bool) {
        // While nothing is armed, nothing counts.
        self.set(Word::Kinds, 0);
        for (word, value) in [
            (Word::Calls, 0),
            (Word::Hits, 0),
            (Word::At, at),
            (Word::Error, error),
            (Word::Cut, u64::from(cut)),
            (Word::Onwards, u64::from(onwards)),
            (Word::Kinds, kinds),
        ] {
            self.set(word, value);
        }
    }

    /// What was not synced is lost when the power goes or a sync fails. To be said before the daemon starts.
    pub(crate) fn lose_what_is_not_synced(&self) {
        self.set(Word::TakeBack, 1);
    }

    pub(crate) fn calls(&self) -> u64 {
        self.get(Word::Calls)
    }

    pub(crate) fn hits(&self) -> u64 {
        self.get(Word::Hits)
    }

    fn get(&self, word: Word) -> u64 {
        let mut octets = [0; 8];
        self.control.read_exact_at(&mut octets, word as u64 * 8).unwrap();
        u64::from_ne_bytes(octets)
    }

    fn set(&self, word: Word, value: u64) {
        self.control
            .write_all_at(&value.to_ne_bytes(), word as u64 * 8)
            .unwrap();
    }
}

/// Compiled once, beside the tests.
fn compiled() -> Option<&'static Path> {
    static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    let compile = || {
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("shim-{}.so", std::process::id()));
        let output = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-o"])
            .arg(&library)
            .args([SOURCE, "-ldl"])
            .output();
        match output {
            Ok(output) if output.status.success() => Some(library),
            Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => {
                assert!(!nothing_may_be_skipped(), "cc: {error}; install a C compiler");
                eprintln!("passed over: no C compiler: {error}");
                None
            }
        }
    };
    LIBRARY.get_or_init(compile).as_deref()
}
