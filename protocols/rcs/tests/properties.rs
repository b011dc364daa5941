//! What holds for every message, payload and key.

use std::sync::LazyLock;

use araldo_rcs::message::{ActionKind, Content, Suggestion};
use araldo_rcs::webhook::{ClientToken, Payload, Post, envelope};
use araldo_rcs::{AgentMessage, Api, PlainText, Region};
use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::Value;
use support::strategies::{agent_id, message, msisdn, payload};
use support::{json_of, now, schema};
use uuid::Uuid;

mod support;

static MESSAGES: LazyLock<Validator> = LazyLock::new(|| schema("AgentMessage"));

/// The value at a path as violations name it.
fn at<'a>(message: &'a Value, path: &str) -> Option<&'a Value> {
    let pointer = path.replace('[', ".").replace(']', "");
    pointer
        .split('.')
        .filter(|name| !name.is_empty())
        .try_fold(message, |value, name| match name.parse::<usize>() {
            Ok(index) => value.get(index),
            Err(_) => value.get(name),
        })
}

fn suggestions(message: &AgentMessage) -> Vec<Suggestion> {
    let content = &message.content_message;
    let cards = match &content.content {
        Content::RichCard(card) => card.cards(),
        _ => &[],
    };
    cards
        .iter()
        .flat_map(|card| &card.suggestions)
        .chain(&content.suggestions)
        .cloned()
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_message_that_keeps_the_limits_passes_the_schema_and_reads_the_same(message in message()) {
        let written = serde_json::to_value(&message).unwrap();
        prop_assert_eq!(&AgentMessage::from_json(written.to_string().as_bytes()).unwrap(), &message);
        match message.to_json(now()) {
            Ok(json) => {
                prop_assert!(MESSAGES.is_valid(&json_of(&json)));
                prop_assert_eq!(json_of(&json), written);
            }
            Err(violations) => {
                for violation in &violations {
                    let is_there = at(&written, &violation.path).is_some();
                    prop_assert!(is_there, "{} is no member", violation.path);
                }
            }
        }
    }

    #[test]
    fn a_message_that_fails_the_schema_is_refused(message in message()) {
        let written = serde_json::to_value(&message).unwrap();
        if !MESSAGES.is_valid(&written) {
            prop_assert!(message.check(now()).is_err());
        }
    }

    #[test]
    fn every_payload_is_read_as_it_was_written(payload in payload()) {
        prop_assert_eq!(Payload::from_json(&payload.to_json()).unwrap(), payload);
    }

    #[test]
    fn only_the_token_that_signed_a_payload_opens_it(
        payload: Vec<u8>,
        tokens in prop::collection::hash_set("\\PC{1,200}", 2),
    ) {
        let tokens: Vec<_> = tokens.into_iter().map(|token| ClientToken::new(token.into()).unwrap()).collect();
        let post = || match Post::read(&envelope(&payload)).unwrap() {
            Post::Envelope(envelope) => envelope,
            Post::Handshake(_) => panic!("an envelope"),
        };
        let signature = tokens[0].sign(&payload);
        let signature = Some(signature.as_bytes());
        let signed = post().verify(signature, [&tokens[0]]).unwrap();
        prop_assert_eq!(signed.json(), &payload);
        prop_assert!(post().verify(signature, &tokens).is_ok());
        prop_assert!(post().verify(signature, [&tokens[1]]).is_err());
    }

    #[test]
    fn a_request_names_agent_number_and_id(to in msisdn(), agent in agent_id(), id: u128) {
        let id = Uuid::from_u128(id);
        let request = Api::new(Region::Asia.base(), agent.clone()).unwrap().capabilities(&to, id);
        prop_assert_eq!(request.uri().path(), format!("/v1/phones/{to}/capabilities"));
        let query: Vec<(String, String)> =
            form_urlencoded::parse(request.uri().query().unwrap().as_bytes()).into_owned().collect();
        prop_assert_eq!(query, [("requestId".to_owned(), id.to_string()), ("agentId".to_owned(), agent.to_string())]);
    }

    #[test]
    fn text_says_every_reply_with_its_number_and_where_every_link_leads(message in message()) {
        let plain = PlainText::of(&message);
        let suggestions = suggestions(&message);
        let replies = suggestions.iter().filter_map(|suggestion| match suggestion {
            Suggestion::Reply(reply) => Some(reply),
            Suggestion::Action(_) => None,
        });
        prop_assert_eq!(plain.choices.len(), replies.clone().count());
        for ((index, reply), choice) in replies.enumerate().zip(&plain.choices) {
            let numbered = format!("{} {}", index + 1, reply.text);
            prop_assert!(plain.text.contains(&numbered));
            prop_assert_eq!((&choice.text, &choice.postback_data), (&reply.text, &reply.postback_data));
        }
        for suggestion in &suggestions {
            if let Suggestion::Action(action) = suggestion && let ActionKind::OpenUrl(open) = &action.kind {
                prop_assert!(plain.text.contains(&open.url));
            }
        }
    }
}
