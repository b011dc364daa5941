//! Signatures of Standard Webhooks 1.0.0, scheme `v1`: HMAC-SHA-256 over `id.timestamp.body`.
//!
//! Made here from `hmac` and `sha2`, not by the crate `standardwebhooks`: it takes one key, copies each body, wants UTF-8,
//! hashes without the processor's help, and brings its own base64 and calendar. Vectors of the PyPI and npm libraries hold
//! the two together.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Octets of a key.
const KEY_OCTETS: std::ops::RangeInclusive<usize> = 24..=64;
/// What a secret begins with.
const PREFIX: &str = "whsec_";

/// The keys that a client's webhooks are signed with. Cloned freely; shown without what they hold.
#[derive(Clone)]
pub struct Keys(Arc<[Hmac<Sha256>]>);

/// A secret that makes no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a webhook secret: write `whsec_` and the base64 of 24 to 64 random bytes")]
pub struct InvalidKey;

impl Keys {
    /// Reads secrets: the current one first, then those that receivers may still hold while keys are changed. At least
    /// one.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidKey> {
        let keys: Vec<_> = secrets.into_iter().map(key).collect::<Result<_, _>>()?;
        if keys.is_empty() {
            return Err(InvalidKey);
        }
        Ok(Self(keys.into()))
    }

    /// The value of `webhook-signature`: one signature a key, separated by spaces.
    pub(super) fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let head = format!("{id}.{seconds}.");
        let mut signatures = String::with_capacity(self.0.len() * 48);
        for key in self.0.iter() {
            if !signatures.is_empty() {
                signatures.push(' ');
            }
            let mac = key.clone().chain_update(&head).chain_update(body).finalize();
            signatures.push_str("v1,");
            STANDARD.encode_string(mac.into_bytes(), &mut signatures);
        }
        signatures
    }
}

fn key(secret: &str) -> Result<Hmac<Sha256>, InvalidKey> {
    let octets = secret
        .strip_prefix(PREFIX)
        .and_then(|text| STANDARD.decode(text).ok())
        .filter(|octets| KEY_OCTETS.contains(&octets.len()))
        .ok_or(InvalidKey)?;
    Hmac::new_from_slice(&octets).map_err(|_| InvalidKey)
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRETS: [&str; 3] = [
        "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX",
        "whsec_ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoM=",
        "whsec_//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eDf3t3c29rZ2NfW1dTT0tHQz87NzMvKycjHxsXEw8LBwA==",
    ];

    /// What PyPI `standardwebhooks` 1.1.0 and npm `standardwebhooks` 1.1.1 make of these, a signature a secret.
    fn vectors() -> [(&'static str, i64, String, [&'static str; 3]); 4] {
        let data = r#"{"type":"message.delivered","timestamp":"2026-01-01T00:00:00Z","data":{"id":"msg_1","text":"però €, 🎉"}}"#;
        let batch = format!("[{}]", [r#"{"n":1}"#; 40].join(","));
        [
            (
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                r#"{"test": 2432232314}"#.to_owned(),
                [
                    "v1,/485aUtxlie+TIScVpHggMfqOB4so2KWb7+Gf727B44=",
                    "v1,nreglw9HPgFb2Lfl1Wu4xzLPBPNc6RIasyTtCP2K77o=",
                    "v1,W1ii68kLynfAoav0UlTrIO+lTT1zTkDmOLFsgDKwzJ8=",
                ],
            ),
            (
                "evt_0193b3e0-7d2c-7a51-8c1e-3f0a5b6c7d8e",
                1_767_225_600,
                data.to_owned(),
                [
                    "v1,nkfDsrkRCyO/k6dFtpCtbGOq9tt2vEN3Q3xaf+0zmq4=",
                    "v1,/qnNPhLz3ADJQsMPBPAKLTNM42TrZmv3PHPfAKuiosE=",
                    "v1,vXeGRUtoN3pOPzRaGca5ZZC3Xa8NeZsSjkSnvX87gGQ=",
                ],
            ),
            (
                "a",
                0,
                String::new(),
                [
                    "v1,N+Hx3edQLOlFWLC6mCr/sY5tyN1fcB3a/kg4SRyryWQ=",
                    "v1,i1aFcJHKgQco0gD6DTgFwgWxvuK7hzMn0TsEEpPScoY=",
                    "v1,TbLGNyaDflzG/fjdOX+6cTKMFqBDvHLfe5LgMGTohYE=",
                ],
            ),
            (
                "batch_1",
                4_102_444_800,
                batch,
                [
                    "v1,DvW6R/IzZ3irte0/Z78d3qOhOGCuRUAzVxOzu26opIw=",
                    "v1,fcuW05ibyx14zksFcLijuEUKlb03cvgsfpR9yROX2Ns=",
                    "v1,JwYohnN37sBIqPOSD0r8G8u7ot6PR9PHnYH5hYnATqw=",
                ],
            ),
        ]
    }

    #[test]
    fn signatures_are_those_of_the_libraries_of_pypi_and_npm() {
        for (id, seconds, body, signatures) in vectors() {
            for (secret, signature) in SECRETS.into_iter().zip(signatures) {
                let keys = Keys::new([secret]).unwrap();
                assert_eq!(keys.sign(id, seconds, body.as_bytes()), signature, "{id}");
            }
        }
    }

    #[test]
    fn while_keys_are_changed_each_signs_and_the_current_one_is_first() {
        let keys = Keys::new(SECRETS).unwrap();
        for (id, seconds, body, signatures) in vectors() {
            assert_eq!(keys.sign(id, seconds, body.as_bytes()), signatures.join(" "), "{id}");
        }
    }

    #[test]
    fn a_secret_of_another_form_or_size_makes_no_key_and_none_is_shown() {
        let sized = |octets: usize| format!("whsec_{}", STANDARD.encode(vec![7; octets]));
        for size in [24, 64] {
            assert!(Keys::new([sized(size).as_str()]).is_ok(), "{size}");
        }
        for bad in [
            sized(23),
            sized(65),
            sized(32).replace("whsec_", "whsek_"),
            "whsec_~".to_owned(),
            String::new(),
        ] {
            assert_eq!(Keys::new([SECRETS[0], &bad]).map(|_| ()), Err(InvalidKey), "{bad}");
        }
        assert_eq!(Keys::new([]).map(|_| ()), Err(InvalidKey));
        assert_eq!(format!("{:?}", Keys::new(SECRETS).unwrap()), "Keys(3)");
    }
}
