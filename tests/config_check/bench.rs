//! A good configuration to be spoiled, and what is said to it then.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use assert_cmd::Command;
use tempfile::TempDir;

pub(crate) const CLIENT: &str = "[client.bank]\nkey_file = \"bank.key\"\n";
pub(crate) const CARRIER: &str =
    "[carrier.tim]\nhost = \"smsc.tim.example\"\nsystem_id = \"araldo\"\npassword_file = \"tim.pw\"\n";
pub(crate) const ROUTE: &str = "[route.italy]\nprefixes = [\"39\"]\nsteps = [{ carriers = [\"tim\"] }]\n";

/// A directory with a good configuration, to be spoiled.
pub(crate) struct Bench(TempDir);

impl Bench {
    pub(crate) fn new() -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        bench.write("bank.key", "0123456789abcdef0123456789abcdef\n", 0o600);
        bench.write("tim.pw", "hush\n", 0o600);
        bench.config(&[CLIENT, CARRIER, ROUTE]);
        bench
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn config(&self, parts: &[&str]) {
        let store = format!(
            "[store]\nurl = \"sqlite://{}/state/araldo.db\"\n",
            self.path().display()
        );
        self.write("araldo.toml", &(store + &parts.concat()), 0o600);
    }

    pub(crate) fn check(&self, args: &[&str], env: &[(&str, &str)]) -> (i32, String, String) {
        let file = self.path().join("araldo.toml");
        let mut command = Command::cargo_bin("araldo").unwrap();
        let command = command.env_clear().envs(env.iter().copied()).current_dir(self.path());
        let output = command
            .args(["config", "check", "--config"])
            .arg(file)
            .args(args)
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    #[track_caller]
    pub(crate) fn refuses(&self, what: &str, exit: i32, fragments: &[&str]) {
        self.refuses_with(what, &[], &[], exit, fragments);
    }

    #[track_caller]
    pub(crate) fn refuses_with(&self, what: &str, args: &[&str], env: &[(&str, &str)], exit: i32, fragments: &[&str]) {
        let (code, _, err) = self.check(args, env);
        assert_eq!(code, exit, "{what}:\n{err}");
        for fragment in fragments {
            assert!(err.contains(fragment), "{what}: `{fragment}` in\n{err}");
        }
        assert!(!err.contains("panicked") && !err.contains("hush"), "{what}:\n{err}");
    }
}
