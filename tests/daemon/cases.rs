//! What no machine decides is left to a person: over the real binary, a carrier, an operator and a clock that runs out.

use std::fs;
use std::time::Duration;

use hyper::Method;
use rand::RngExt;
use serde_json::{Value, json};

use crate::support::bank::{Bank, Mood, code};
use crate::support::http::Http;
use crate::support::owner::SECRET;
use crate::support::scene::{Scene, action};
use crate::support::seed::{rng, seed};
use crate::support::sink::Sink;
use crate::support::{alone, long, together, until};

const LIMIT: Duration = Duration::from_secs(30);
/// How long the bank may take, for the customer to hear nothing meanwhile.
const MANNER: &str = "timeout = \"1s\"\nretries = 1";
const SENTENCE: &str = "La sedia che ho ordinato da voi ha una gamba storta";
const MORE: &str = "E il cane abbaia tutta la notte";

/// People who answer within `wait`, and a client who hears of it.
async fn scene(wait: &str) -> (Scene, Sink) {
    let sink = Sink::plain(&[SECRET]).await;
    let ours = |bank: &Bank| {
        let [topup, balance] = ["topup", "balance"].map(|command| action(bank, command, MANNER));
        format!("[command.topup]\nauthorisation = \"none\"\n{topup}{balance}")
    };
    let more = format!(
        "[client.bank.webhook]\nurl = \"{}\"\nsecret = \"{SECRET}\"\n[care]\nanswer_within = \"{wait}\"\n",
        sink.url("/hook")
    );
    (Scene::new(ours, &more).await, sink)
}

async fn cases(scene: &Scene, filter: &str) -> Vec<Value> {
    let mut client = scene.house.client();
    let page = client.get(&format!("/v1/cases?{filter}")).await.unwrap().json();
    page["data"].as_array().unwrap_or_else(|| panic!("{page}")).clone()
}

/// What webhooks told of cases, in their order.
fn events_of_cases(sink: &Sink) -> Vec<(String, Value)> {
    let seen = sink.seen();
    let events = seen.iter().map(|seen| {
        assert_eq!(seen.signature, Ok(()));
        serde_json::from_slice::<Value>(&seen.body).unwrap()
    });
    let of_cases = events.filter(|event| event["type"].as_str().unwrap().starts_with("case."));
    of_cases
        .map(|event| (event["type"].as_str().unwrap().to_owned(), event["data"].clone()))
        .collect()
}

async fn hears_event(sink: &Sink, kind: &str) -> Value {
    until(LIMIT, kind, async || {
        let found = events_of_cases(sink).into_iter().find(|(told, _)| told == kind);
        found.map(|(_, data)| data)
    })
    .await
}

async fn act(client: &mut Http, case: &str, act: &str, body: Value) -> (u16, Value) {
    let headers = [("content-type", "application/json".to_owned())];
    let path = format!("/v1/cases/{case}/{act}");
    let answer = client.request(Method::POST, &path, &headers, body.to_string().into_bytes());
    let answer = answer.await.unwrap();
    (answer.status.as_u16(), answer.json())
}

/// The number of a case in a text.
fn case_in(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let found = words.into_iter().find(|word| word.starts_with("TK-"));
    found.unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sentence_that_nobody_foresaw_is_taken_answered_and_solved_by_a_person() {
    let _stage = together().await;
    let (scene, sink) = scene("4h").await;
    let daemon = scene.start().await;
    let number = "+393331234601";
    scene.text(number, SENTENCE).await;
    let told = scene.hears_of(number, "una persona entro il").await;
    let case = case_in(&told);
    scene.text(number, MORE).await;
    scene.handled().await;
    let listed = cases(&scene, "state=opened").await;
    assert_eq!(listed.len(), 1, "{listed:?}");
    let (id, joined, colour) = (&listed[0]["id"], &listed[0]["joined"], &listed[0]["colour"]);
    assert_eq!((id, joined, colour), (&json!(case), &json!(1), &json!("red")));
    // Nobody owns the conversation yet: commands go on.
    scene.text(number, "saldo").await;
    scene.hears_of(number, "Il tuo saldo").await;
    // Two at once: one wins.
    let (mut one, mut other) = (scene.house.client(), scene.house.client());
    let (anna, bruno) = tokio::join!(
        act(&mut one, &case, "take", json!({ "by": "anna" })),
        act(&mut other, &case, "take", json!({ "by": "bruno" }))
    );
    let (owner, lost) = if anna.0 == 200 {
        ("anna", bruno)
    } else {
        ("bruno", anna)
    };
    assert_eq!((lost.0, &lost.1["owner"]), (409, &json!(owner)), "{lost:?}");
    let (status, solved) = act(&mut one, &case, "solve", json!({ "by": "clara" })).await;
    assert_eq!(status, 409, "{solved}");
    // The machine is silent now, whatever the text is like.
    let asked = scene.bank.asked().len();
    let before = scene.phone(number).len();
    scene.text(number, "saldo per favore").await;
    scene.text(number, "e poi la gamba della sedia si è rotta").await;
    scene.handled().await;
    // Another customer is answered meanwhile, so what would have been said would be here.
    scene.text("+393331234602", "saldo").await;
    scene.hears_of("+393331234602", "Il tuo saldo").await;
    assert_eq!(
        (scene.bank.asked().len(), scene.phone(number).len()),
        (asked + 1, before)
    );
    let answer = json!({ "by": owner, "text": "Buongiorno, le mandiamo una sedia nuova." });
    let (status, shown) = act(&mut one, &case, "answer", answer).await;
    assert_eq!((status, &shown["due_at"]), (200, &Value::Null), "{shown}");
    scene.hears_of(number, "una sedia nuova").await;
    let (_, shown) = act(&mut one, &case, "note", json!({ "by": owner, "text": "Nuova sedia" })).await;
    let history = shown["history"].as_array().unwrap();
    let first = (&history[0]["direction"], &history[0]["text"]);
    assert_eq!(first, (&json!("in"), &json!(SENTENCE)), "{history:?}");
    assert_eq!(shown["notes"][0]["by"], owner);
    // STOP is heard by the machine alone, whoever owns the conversation.
    scene.text(number, "STOP").await;
    scene.hears_of(number, "START").await;
    scene.text(number, "START").await;
    let (status, _) = act(&mut one, &case, "solve", json!({ "by": owner })).await;
    assert_eq!(status, 200);
    scene.text(number, "qual è il mio saldo").await;
    until(LIMIT, "the machine answers again", async || {
        let balances = scene
            .phone(number)
            .iter()
            .filter(|text| text.contains("Il tuo saldo"))
            .count();
        (balances == 2).then_some(())
    })
    .await;
    hears_event(&sink, "case.solved").await;
    let events: Vec<String> = events_of_cases(&sink).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(events, ["case.opened", "case.taken", "case.solved"]);
    let shown = scene.house.araldo(&["cases", "show", &case]);
    assert_eq!(
        (&shown["state"], &shown["history"][0]["text"]),
        (&json!("solved"), &Value::Null)
    );
    assert!(daemon.stop().await.success());
    assert!(scene.house.alarms().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_is_not_kept_is_told_once_to_the_customer_and_to_the_client() {
    let _stage = together().await;
    let (scene, sink) = scene("2s").await;
    let daemon = scene.start().await;
    let [late, in_time] = ["+393331234611", "+393331234612"];
    scene.text(in_time, SENTENCE).await;
    let case = case_in(&scene.hears_of(in_time, "TK-").await);
    scene.house.araldo(&["cases", "take", &case, "--by", "anna"]);
    scene
        .house
        .araldo(&["cases", "answer", &case, "--by", "anna", "Eccoci!"]);
    scene.text(late, SENTENCE).await;
    let case = case_in(&scene.hears_of(late, "TK-").await);
    let told = scene.hears_of(late, "come promesso").await;
    assert_eq!(case_in(&told), case);
    let overdue = hears_event(&sink, "case.overdue").await;
    assert_eq!((&overdue["id"], &overdue["state"]), (&json!(case), &json!("opened")));
    // Killed and started again it does not say so again.
    daemon.kill();
    let daemon = scene.start().await;
    scene.text("+393331234613", SENTENCE).await;
    scene.hears_of("+393331234613", "come promesso").await;
    assert_eq!(scene.phone(late).len(), 2);
    let to_other = scene.phone(in_time);
    assert!(
        to_other.iter().all(|text| !text.contains("come promesso")),
        "{to_other:?}"
    );
    assert!(daemon.stop().await.success());
    assert!(scene.house.alarms().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_top_up_of_which_nobody_knows_is_left_to_a_person() {
    let _stage = together().await;
    let (scene, _sink) = scene("4h").await;
    let daemon = scene.start().await;
    let number = "+393331234621";
    scene.text(number, "ricarica 15 euro").await;
    let sent = scene.hears_of(number, "Per confermare").await;
    // Done, and never answered; nor can the bank be asked.
    scene.bank.set_mood(Mood::Mute);
    scene.text(number, &code(&sent)).await;
    let told = scene.hears_of(number, "una persona controlla").await;
    let case = case_in(&told);
    let shown = scene.house.araldo(&["cases", "show", &case, "--reveal"]);
    assert_eq!(
        (&shown["reason"], &shown["state"]),
        (&json!("action_unknown"), &json!("opened"))
    );
    let note = shown["notes"][0]["text"].as_str().unwrap();
    let key = &scene.bank.asked()[0].1;
    assert!(note.contains(key) && note.contains("15.00"), "{note}");
    assert_eq!(scene.bank.done_for(number).len(), 1);
    // Who asks for a person has one.
    let other = "+393331234622";
    scene.text(other, "vorrei parlare con un operatore").await;
    scene.hears_of(other, "una persona entro il").await;
    let reasons: Vec<Value> = cases(&scene, "")
        .await
        .iter()
        .map(|case| case["reason"].clone())
        .collect();
    assert_eq!(reasons, ["asked", "action_unknown"]);
    assert!(daemon.stop().await.success());
    assert!(scene.house.alarms().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_text_and_acknowledgement_each_customer_has_one_case_and_one_text() {
    let _stage = alone().await;
    let seed = seed("killed between text and acknowledgement");
    let mut random = rng(seed, 1);
    let (scene, _sink) = scene("4h").await;
    let runs = if long() { 100 } else { 12 };
    let mut daemon = scene.start().await;
    for run in 0..runs {
        let number = format!("+39333{:07}", 6_000_000 + run);
        // The carrier may not hear our answer any more: then it brings the text again.
        let texted = scene.text(&number, SENTENCE);
        let kill = tokio::time::sleep(Duration::from_millis(random.random_range(0..60)));
        tokio::pin!(texted, kill);
        let mut answered = false;
        tokio::select! {
            () = &mut texted => answered = true,
            () = &mut kill => {}
        }
        if answered {
            kill.await;
            daemon.kill();
            daemon = scene.start().await;
        } else {
            daemon.kill();
            let (started, ()) = tokio::join!(scene.start(), texted);
            daemon = started;
        }
        let told = scene.hears_of(&number, "TK-").await;
        let digits = number.trim_start_matches('+');
        let cases = cases(&scene, &format!("msisdn=%2B{digits}")).await;
        assert_eq!(cases.len(), 1, "run {run}, ARALDO_SEED={seed}: {cases:?}");
        assert_eq!(cases[0]["id"], case_in(&told));
        assert_eq!(cases[0]["joined"], 0, "{cases:?}");
    }
    assert!(daemon.stop().await.success());
    assert!(scene.house.alarms().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_of_a_call_goes_to_the_person_who_has_taken_the_conversation_meanwhile() {
    let _stage = together().await;
    let (scene, _sink) = scene("4h").await;
    let slow = "[command.topup.action]\ntimeout = \"30s\"\nlate_after = \"1s\"\n";
    fs::write(scene.house.path().join("conf.d/30-slow.toml"), slow).unwrap();
    let daemon = scene.start().await;
    let number = "+393331234631";
    scene.text(number, SENTENCE).await;
    let case = case_in(&scene.hears_of(number, "TK-").await);
    scene.text(number, "ricarica 15 euro").await;
    let sent = scene.hears_of(number, "Per confermare").await;
    scene.bank.set_mood(Mood::Late(Duration::from_secs(5)));
    scene.text(number, &code(&sent)).await;
    until(LIMIT, "the bank is asked", async || {
        (!scene.bank.asked().is_empty()).then_some(())
    })
    .await;
    let mut client = scene.house.client();
    let (status, taken) = act(&mut client, &case, "take", json!({ "by": "anna" })).await;
    assert_eq!(status, 200, "{taken}");
    let before = scene.phone(number);
    let note = until(LIMIT, "a note on the case", async || {
        let shown = client.get(&format!("/v1/cases/{case}")).await.unwrap().json();
        shown["notes"][0]["text"].as_str().map(str::to_owned)
    })
    .await;
    let key = &scene.bank.asked()[0].1;
    assert!(note.starts_with("topup ") && note.contains("15.00"), "{note}");
    assert!(note.contains(key) && note.contains("has ended: ok."), "{note}");
    // The customer has heard nothing: neither that it takes long nor that it is done. What is said next comes next.
    let answer = json!({ "by": "anna", "text": "La ricarica è fatta." });
    act(&mut client, &case, "answer", answer).await;
    scene.hears_of(number, "La ricarica è fatta.").await;
    let heard = scene.phone(number);
    assert_eq!(heard.len(), before.len() + 1, "{heard:?}");
    assert!(!heard.iter().any(|text| text.contains("Fatto")), "{heard:?}");
    assert_eq!(scene.moved(number), ["15.00"]);
    assert!(daemon.stop().await.success());
    assert!(scene.house.alarms().is_empty());
}
