//! What must hold for any text. The fuzz target and its twin in `tests/fuzz_twin.rs` share this file.

use araldo_sms::DeliveryReceipt;

/// What is read from any text can be written, and reads the same then.
pub(crate) fn check(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    let receipt = DeliveryReceipt::parse(&text);
    assert!(receipt.id.is_none_or(|id| !id.is_empty()));
    assert_eq!(receipt.stat.is_none_or(str::is_empty), receipt.state.is_none());
    for date in [receipt.submit_date, receipt.done_date].into_iter().flatten() {
        assert!(text.contains(date.raw));
    }

    let mut written = String::new();
    receipt.write(&mut written).expect("a String takes everything");
    let again = DeliveryReceipt::parse(&written);
    assert_eq!(
        (again.sub, again.dlvrd, again.state),
        (receipt.sub, receipt.dlvrd, receipt.state)
    );
    assert_eq!((again.id, again.stat), (receipt.id, receipt.stat));
}
