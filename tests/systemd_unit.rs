//! The unit as shipped: good syntax for systemd 252, and little exposed.

use std::process::Command;

/// The script's word for "systemd-analyze is missing".
const SKIPPED: i32 = 77;

#[test]
fn a_reload_checks_the_configuration_before_it_hangs_up() {
    let unit = include_str!("../systemd/araldo.service");
    let reloads: Vec<&str> = unit
        .lines()
        .filter_map(|line| line.strip_prefix("ExecReload="))
        .collect();
    assert_eq!(
        reloads,
        ["/usr/bin/araldo config check --quiet", "/bin/kill -HUP $MAINPID"]
    );
}

#[test]
fn the_unit_is_verified_and_its_exposure_is_at_most_one_and_a_half() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/systemd_unit.sh");
    let output = Command::new("sh").arg(script).output().expect("there is a shell");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | SKIPPED)), "{said}");
}
