//! Sign-in against the samples, and its signature against openssl's.

#![expect(clippy::unwrap_used, reason = "in a test it is the assertion")]

use std::time::Duration;

use araldo_rcs::sign_in::{SCOPE, TOKEN_URI};
use araldo_rcs::{AccessToken, Advice, AgentId, Api, Msisdn, Region, ServiceAccount};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use support::{answer, answer_of, assert_valid, json_of, octets, sample_json};
use uuid::Uuid;

mod support;

/// The sample of a key file, with the key of a vector in the place of its placeholder.
fn key_file(key: &str) -> Value {
    let mut file = sample_json("auth-service-account-key.json");
    file["private_key"] = json_of(&octets("sign_in.json"))[key].clone();
    file
}

fn account(key: &str) -> ServiceAccount {
    ServiceAccount::from_json(key_file(key).to_string().as_bytes()).unwrap()
}

fn issued() -> Timestamp {
    Timestamp::from_second(sample_json("auth-jwt-claims.json")["iat"].as_i64().unwrap()).unwrap()
}

#[test]
fn the_assertion_is_the_one_that_openssl_signs() {
    let expected = json_of(&octets("sign_in.json"))["assertion"].clone();
    for key in ["pkcs8", "pkcs1"] {
        assert_eq!(
            json!(account(key).assertion(issued()).expose_secret()),
            expected,
            "{key}"
        );
    }
}

#[test]
fn header_and_claims_are_those_of_the_samples() {
    let assertion = account("pkcs8").assertion(issued());
    let parts: Vec<_> = assertion.expose_secret().split('.').collect();
    let decoded = |part: usize| json_of(&URL_SAFE_NO_PAD.decode(parts[part]).unwrap());
    assert_eq!(decoded(0), sample_json("auth-jwt-header.json"));
    assert_eq!(decoded(1), sample_json("auth-jwt-claims.json"));
    assert_eq!(
        (decoded(1)["scope"].clone(), decoded(1)["aud"].clone()),
        (json!(SCOPE), json!(TOKEN_URI))
    );
    assert_eq!(parts.len(), 3);
}

#[test]
fn an_assertion_is_exchanged_as_a_form() {
    let account = account("pkcs8");
    let request = account.token_request(issued());
    assert_eq!(
        (request.method().as_str(), request.uri().to_string().as_str()),
        ("POST", TOKEN_URI)
    );
    assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
    let form: Vec<(String, String)> = form_urlencoded::parse(request.body()).into_owned().collect();
    let sample = sample_json("auth-token-form.json");
    assert_eq!(form.len(), sample.as_object().unwrap().len());
    assert_eq!(
        (form[0].0.as_str(), json!(form[0].1)),
        ("grant_type", sample["grant_type"].clone())
    );
    assert_eq!(
        (form[1].0.as_str(), form[1].1.as_str()),
        ("assertion", account.assertion(issued()).expose_secret())
    );
}

#[test]
fn the_token_uri_of_the_key_file_is_where_it_goes_and_who_it_is_for() {
    let mut file = key_file("pkcs8");
    file["token_uri"] = json!("http://127.0.0.1:8080/token");
    file.as_object_mut().unwrap().remove("private_key_id");
    let account = ServiceAccount::from_json(file.to_string().as_bytes()).unwrap();
    assert_eq!(account.token_request(issued()).uri(), "http://127.0.0.1:8080/token");
    let assertion = account.assertion(issued());
    let parts: Vec<_> = assertion.expose_secret().split('.').collect();
    let decoded = |part: usize| json_of(&URL_SAFE_NO_PAD.decode(parts[part]).unwrap());
    assert_eq!(decoded(0), json!({"alg": "RS256", "typ": "JWT"}));
    assert_eq!(decoded(1)["aud"], "http://127.0.0.1:8080/token");
    file.as_object_mut().unwrap().remove("token_uri");
    assert_eq!(
        ServiceAccount::from_json(file.to_string().as_bytes())
            .unwrap()
            .token_uri(),
        TOKEN_URI
    );
}

#[test]
fn a_token_goes_into_requests_and_into_no_debug() {
    assert_valid("auth-token.response.json", &sample_json("auth-token.response.json"));
    let token = AccessToken::read(&answer("auth-token.response.json")).unwrap();
    assert_eq!(token.lifetime(), Duration::from_secs(3_599));
    let api = Api::new(Region::Global.base(), AgentId::parse("a").unwrap()).unwrap();
    let mut request = api.revoke(&Msisdn::parse("+447700900123").unwrap(), Uuid::nil());
    token.authorize(&mut request);
    token.authorize(&mut request);
    let values: Vec<_> = request.headers().get_all("authorization").iter().collect();
    assert_eq!(values, ["Bearer ya29.PLACEHOLDER"]);
    let shown = format!("{token:?} {request:?} {:?}", account("pkcs8"));
    assert!(!shown.contains("ya29") && !shown.contains("PRIVATE"), "{shown}");
}

#[test]
fn a_refusal_names_its_cause_and_says_whether_to_try_again() {
    let file = "auth-token-invalid-grant.response.json";
    assert_valid(file, &sample_json(file));
    let error = AccessToken::read(&answer(file)).unwrap_err();
    assert_eq!(
        (error.error.as_str(), error.advice()),
        ("invalid_grant", Advice::Configuration)
    );
    assert_eq!(
        error.description,
        "Invalid JWT: Token must be a short-lived token and in a reasonable timeframe."
    );
    assert_eq!(
        error.to_string(),
        "sign-in was answered 400 invalid_grant: look at the host's clock, and whether the key still exists in the console"
    );
    for status in [429, 500, 503] {
        let error = AccessToken::read(&answer_of(status, "Try later, +447700900123")).unwrap_err();
        assert_eq!(error.advice(), Advice::Retry { after: None });
        assert_eq!(error.to_string(), format!("sign-in was answered {status}: try again"));
    }
    for body in [
        json!({}),
        json!({"access_token": "a", "expires_in": 3_599, "token_type": "mac"}),
        json!({"access_token": "", "expires_in": 3_599, "token_type": "Bearer"}),
        json!({"access_token": "a\nb", "expires_in": 3_599, "token_type": "Bearer"}),
        json!({"access_token": "a", "expires_in": -1, "token_type": "Bearer"}),
    ] {
        let error = AccessToken::read(&answer_of(200, body.to_string())).unwrap_err();
        assert_eq!(error.advice(), Advice::Retry { after: None }, "{body}");
    }
    let endless = json!({"access_token": "a", "expires_in": u64::MAX, "token_type": "bearer"});
    let token = AccessToken::read(&answer_of(200, endless.to_string())).unwrap();
    assert_eq!(token.lifetime(), Duration::from_secs(86_400));
}

#[test]
fn key_files_that_cannot_sign_are_refused_with_the_member_named() {
    let refused = |file: &Value| {
        let error = ServiceAccount::from_json(file.to_string().as_bytes()).unwrap_err();
        assert!(!error.to_string().contains("MII"), "{error}");
        error.path
    };
    assert_eq!(refused(&sample_json("auth-service-account-key.json")), "private_key");
    for key in ["ec", "rsa_1024", "source"] {
        assert_eq!(refused(&key_file(key)), "private_key", "{key}");
    }
    for (member, value) in [
        ("client_email", json!("")),
        ("token_uri", json!("token")),
        ("private_key_id", json!(7)),
    ] {
        let mut file = key_file("pkcs8");
        file[member] = value;
        assert_eq!(refused(&file), member);
    }
}
