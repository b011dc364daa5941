//! What no machine decides is left to a person: over the real binary, a carrier, an operator and a clock that runs out.

use std::fs;
use std::time::Duration;

use hyper::Method;
use rand::RngExt;
use serde_json::{Value, json};

use crate::support::bank::{Bank, Mood};
use crate::support::carrier::Carrier;
use crate::support::daemon::{Daemon, House};
use crate::support::http::Http;
use crate::support::ledger::Ledger;
use crate::support::owner::SECRET;
use crate::support::seed::{rng, seed};
use crate::support::sink::Sink;
use crate::support::{alone, long, together, until};

const LIMIT: Duration = Duration::from_secs(30);
const CODE: &str = "48400";
const SENTENCE: &str = "La sedia che ho ordinato da voi ha una gamba storta";
const MORE: &str = "E il cane abbaia tutta la notte";

struct Scene {
    house: House,
    carrier: Carrier,
    bank: Bank,
    sink: Sink,
}

impl Scene {
    /// A daemon with the shipped catalogue, and people who answer within `wait`.
    async fn new(wait: &str) -> Self {
        let house = House::new("");
        let carrier = Carrier::start(house.path(), "c", &[]);
        let (bank, sink) = (Bank::open().await, Sink::plain(&[SECRET]).await);
        let conf = house.path().join("conf.d");
        fs::create_dir(&conf).unwrap();
        let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/config/commands.toml");
        fs::copy(shipped, conf.join("10-commands.toml")).unwrap();
        let action = |command: &str| {
            let url = bank.url(&format!("/do/{command}"));
            format!("[command.{command}.action]\nurl = \"{url}\"\ntimeout = \"1s\"\nretries = 1\n")
        };
        let ours = format!(
            "[command.topup]\nauthorisation = \"none\"\n{}{}",
            action("topup"),
            action("balance")
        );
        fs::write(conf.join("20-bank.toml"), ours).unwrap();
        house.configure(&format!(
            "[client.bank.webhook]\nurl = \"{}\"\nsecret = \"{SECRET}\"\n[care]\nanswer_within = \"{wait}\"\n\
             [outbox]\ndoubt_hold = \"1s\"\n[webhook]\nallow_networks = [\"127.0.0.0/8\"]\n\
             [address.\"{CODE}\"]\nclient = \"bank\"\nlocale = \"it\"\n{}[route.all]\nsteps = [{{ carriers = [\"c\"] }}]\n",
            sink.url("/hook"),
            carrier.section("")
        ));
        Self {
            house,
            carrier,
            bank,
            sink,
        }
    }

    async fn start(&self) -> Daemon {
        let daemon = self.house.start().await;
        self.carrier.until(LIMIT, "bound", 1).await;
        daemon
    }

    /// Texts, and waits for the carrier's answer.
    async fn text(&self, from: &str, text: &str) {
        until(LIMIT, "the text is taken", async || {
            let statuses = self.carrier.text(from, CODE, text).await?;
            statuses.iter().all(|status| status == "ESME_ROK").then_some(())
        })
        .await;
    }

    /// What the phone has, oldest first.
    fn phone(&self, number: &str) -> Vec<String> {
        let texts = Ledger::texts(self.carrier.ledger_file());
        let own = texts.into_iter().filter(|(to, _)| to == number.trim_start_matches('+'));
        own.map(|(_, text)| text).collect()
    }

    /// Waits for a text on the phone that has this in it.
    async fn hears_of(&self, number: &str, part: &str) -> String {
        let what = format!("a text with `{part}` on the phone");
        let found = async || self.phone(number).into_iter().find(|text| text.contains(part));
        until(LIMIT, &what, found).await
    }

    /// Waits until nothing that came is still to be handled.
    async fn handled(&self) {
        let unhandled = "SELECT count(*) FROM inbound WHERE handled_at IS NULL";
        until(LIMIT, "all texts are handled", async || {
            (self.house.database().number(unhandled).await == 0).then_some(())
        })
        .await;
    }

    async fn cases(&self, filter: &str) -> Vec<Value> {
        let mut client = self.house.client();
        let page = client.get(&format!("/v1/cases?{filter}")).await.unwrap().json();
        page["data"].as_array().unwrap_or_else(|| panic!("{page}")).clone()
    }

    /// What webhooks told of cases, in their order.
    fn told(&self) -> Vec<(String, Value)> {
        let seen = self.sink.seen();
        let events = seen.iter().map(|seen| {
            assert_eq!(seen.signature, Ok(()));
            serde_json::from_slice::<Value>(&seen.body).unwrap()
        });
        let of_cases = events.filter(|event| event["type"].as_str().unwrap().starts_with("case."));
        of_cases
            .map(|event| (event["type"].as_str().unwrap().to_owned(), event["data"].clone()))
            .collect()
    }

    async fn hears_event(&self, kind: &str) -> Value {
        until(LIMIT, kind, async || {
            self.told()
                .into_iter()
                .find(|(told, _)| told == kind)
                .map(|(_, data)| data)
        })
        .await
    }
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
    let scene = Scene::new("4h").await;
    let daemon = scene.start().await;
    let number = "+393331234601";
    scene.text(number, SENTENCE).await;
    let told = scene.hears_of(number, "una persona entro il").await;
    let case = case_in(&told);
    scene.text(number, MORE).await;
    scene.handled().await;
    let listed = scene.cases("state=opened").await;
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
    scene.hears_event("case.solved").await;
    let told: Vec<String> = scene.told().into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(told, ["case.opened", "case.taken", "case.solved"]);
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
    let scene = Scene::new("2s").await;
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
    let overdue = scene.hears_event("case.overdue").await;
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
    let scene = Scene::new("4h").await;
    let daemon = scene.start().await;
    let number = "+393331234621";
    scene.text(number, "ricarica 15 euro").await;
    let sent = scene.hears_of(number, "Per confermare").await;
    let words = sent.split(|c: char| !c.is_ascii_digit());
    let code = words.into_iter().find(|word| word.len() == 6).unwrap();
    // Done, and never answered; nor can the bank be asked.
    scene.bank.set_mood(Mood::Mute);
    scene.text(number, code).await;
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
    let reasons: Vec<Value> = scene
        .cases("")
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
    let scene = Scene::new("4h").await;
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
        let cases = scene.cases(&format!("msisdn=%2B{digits}")).await;
        assert_eq!(cases.len(), 1, "run {run}, ARALDO_SEED={seed}: {cases:?}");
        assert_eq!(cases[0]["id"], case_in(&told));
        assert_eq!(cases[0]["joined"], 0, "{cases:?}");
    }
    assert!(daemon.stop().await.success());
    assert!(scene.house.alarms().is_empty());
}
