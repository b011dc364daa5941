//! The unit as shipped: good syntax for systemd 252, and little exposed.

use std::process::Command;

/// The script's word for "systemd-analyze is missing".
const SKIPPED: i32 = 77;

#[test]
fn the_unit_offers_no_reload_while_the_daemon_has_none() {
    let unit = include_str!("../systemd/araldo.service");
    assert!(!unit.contains("ExecReload"), "systemctl says that it does not apply");
}

#[test]
fn the_unit_is_verified_and_its_exposure_is_at_most_one_and_a_half() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/systemd_unit.sh");
    let output = Command::new("sh").arg(script).output().expect("there is a shell");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | SKIPPED)), "{said}");
}
