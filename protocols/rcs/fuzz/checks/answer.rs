//! What must hold of any octets as an answer: the first two are the status. The fuzz target and its twin in
//! `tests/fuzz_twin.rs` share this file.

use araldo_rcs::{Accepted, AccessToken, ApiError, Capabilities, Reach, Revocation, ServiceAccount, StoredFile};
use bytes::Bytes;
use http::{Response, StatusCode};

/// Every answer is read as what it answers or as an error, and errors agree with the status.
pub(crate) fn check(octets: &[u8]) {
    let Some((head, body)) = octets.split_first_chunk::<2>() else {
        return;
    };
    let status = 100 + u16::from_be_bytes(*head) % 500;
    let mut answer = Response::new(Bytes::copy_from_slice(body));
    *answer.status_mut() = StatusCode::from_u16(status).expect("100 to 599 are statuses");

    let is_success = (200..300).contains(&status);
    assert_eq!(ApiError::read(&answer).is_none(), is_success);
    assert!(is_success || Capabilities::read(&answer).is_err());
    assert!(is_success || Reach::read(&answer).is_err());
    assert!(is_success || StoredFile::read(&answer).is_err());
    assert!(is_success || AccessToken::read(&answer).is_err());
    assert!(is_success || status == 409 || Accepted::read(&answer).is_err());
    // A 404 may be of a message that is not there any more, or of a path that the API has not.
    let revoked = Revocation::read(&answer).is_ok();
    assert!(revoked == is_success || status == 404 && revoked);
    if let Err(error) = Accepted::read(&answer) {
        let _ = error.advice();
        assert!(error.field_violations.len() <= 16 && error.message.chars().count() <= 300);
    }
    let _ = ServiceAccount::from_json(body);
}
