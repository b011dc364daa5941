//! Whose hand a number is in, and what follows: over the real binary, a carrier whose phones get the codes, a bank, a
//! service that knows of changed SIMs; and a catalogue that changes while the daemon runs.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::support::bank::{Bank, code};
use crate::support::http::Http;
use crate::support::scene::{ADDRESS, Scene, action, another};
use crate::support::{together, until};

const LIMIT: Duration = Duration::from_secs(30);

/// Knows of changed SIMs. Dropped, it is gone.
struct Operator {
    url: String,
    books: Arc<Mutex<Sims>>,
    task: AbortHandle,
}

#[derive(Default)]
struct Sims {
    /// What it answers: whether the SIM was changed, or a status and nothing more.
    says: Option<Result<bool, u16>>,
    /// Every question, with what was shown as authorisation.
    asked: Vec<(Option<String>, Value)>,
}

impl Operator {
    async fn open() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/sim-swap/v0/check", listener.local_addr().unwrap());
        let books = Arc::new(Mutex::new(Sims::default()));
        let routes = Router::new()
            .route("/sim-swap/v0/check", post(check))
            .with_state(books.clone());
        let task = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() }).abort_handle();
        Self { url, books, task }
    }

    fn says(&self, answer: Result<bool, u16>) {
        self.books.lock().unwrap().says = Some(answer);
    }

    fn asked(&self) -> Vec<(Option<String>, Value)> {
        self.books.lock().unwrap().asked.clone()
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn check(State(sims): State<Arc<Mutex<Sims>>>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let mut sims = sims.lock().unwrap();
    let shown = headers
        .get("authorization")
        .map(|shown| shown.to_str().unwrap().to_owned());
    sims.asked.push((shown, body));
    match sims.says {
        Some(Err(status)) => StatusCode::from_u16(status).unwrap().into_response(),
        Some(Ok(swapped)) => Json(json!({ "swapped": swapped })).into_response(),
        None => Json(json!({ "swapped": false })).into_response(),
    }
}

/// A balance that is personal, a top-up that asks for a certified number, and these sections beside.
async fn scene(more: &str) -> Scene {
    let ours = |bank: &Bank| {
        let [balance, topup] = ["balance", "topup"].map(|command| action(bank, command, "timeout = \"3s\""));
        format!(
            "[command.balance]\npersonal = true\n\
             [command.balance.replies]\nnot_certified = \"Chiama la banca.\"\n{balance}{topup}"
        )
    };
    Scene::new(ours, more).await
}

/// Certifies a number: the code goes to the phone, and from there by way of the bank to the daemon.
async fn certify(scene: &Scene, http: &mut Http, number: &str) -> String {
    let before = scene.phone(number).len();
    let asked = json!({ "to": number, "customer": "c-1", "profile": "gold", "locale": "it", "from": ADDRESS });
    let sent = post_json(http, "/v1/verifications", &asked).await;
    assert_eq!(sent.0, 202, "{}", sent.1);
    let told = scene.hears(number, before + 1).await;
    let path = format!("/v1/verifications/{}/check", sent.1["id"].as_str().unwrap());
    let code = code(&told);
    let wrong = post_json(http, &path, &json!({ "code": another(&code) })).await;
    assert_eq!((wrong.0, &wrong.1["tries_left"]), (422, &json!(2)), "{}", wrong.1);
    let right = post_json(http, &path, &json!({ "code": code })).await;
    assert_eq!((right.0, &right.1["state"]), (200, &json!("verified")), "{}", right.1);
    code
}

async fn post_json(http: &mut Http, path: &str, body: &Value) -> (u16, Value) {
    let headers = [("content-type", "application/json".to_owned())];
    let body = body.to_string().into_bytes();
    let answer = http.request(hyper::Method::POST, path, &headers, body).await.unwrap();
    (answer.status.as_u16(), answer.json())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_personal_is_refused_until_the_code_comes_back_and_after_it_is_revoked() {
    let _stage = together().await;
    let scene = scene("").await;
    let daemon = scene.start().await;
    let mut http = scene.house.client();
    let number = "+393331234601";
    assert_eq!(scene.answer(number, "saldo").await, "Chiama la banca.");
    let refused = scene.answer(number, "ricarica 10 euro").await;
    assert!(refused.contains("va verificato"), "{refused}");
    assert!(scene.bank.asked().is_empty());
    let code = certify(&scene, &mut http, number).await;
    assert_eq!(scene.answer(number, "Saldo!").await, "Il tuo saldo è 12,34 EUR.");
    // It holds over a crash, and the code is nowhere but in the message that brought it.
    daemon.kill();
    let daemon = scene.start().await;
    let in_clear = "SELECT count(*) FROM verification AS v JOIN message AS m ON m.recipient = v.msisdn \
                    AND m.class = 'otp' WHERE instr(v.code, substr(m.text, 1, 6)) > 0";
    assert_eq!(scene.house.database().number(in_clear).await, 0);
    let log = fs::read_to_string(scene.house.path().join("daemon.log")).unwrap();
    assert!(!log.contains(&code) && !log.contains("393331234601"), "{log}");
    assert_eq!(scene.answer(number, "il mio saldo").await, "Il tuo saldo è 12,34 EUR.");
    let listed = scene.house.araldo(&["certified", "list"]);
    let entry = &listed["data"][0];
    assert_eq!((&entry["customer"], &entry["profile"]), (&json!("c-1"), &json!("gold")));
    assert!(!listed.to_string().contains("1234601"), "{listed}");
    let words = ["certified", "revoke", number, "--client", "bank", "--yes"];
    assert_eq!(scene.house.araldo(&words)["history"][0]["state"], "revoked");
    assert_eq!(scene.answer(number, "saldo ora").await, "Chiama la banca.");
    assert_eq!(scene.bank.asked().len(), 2);
    assert!(daemon.stop().await.success());
    assert!(scene.house.alarms().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_sim_stops_what_is_personal_and_one_that_nobody_knows_stops_money() {
    let _stage = together().await;
    let scene = scene("").await;
    let operator = Operator::open().await;
    let sim_swap = format!(
        "[sim_swap]\nurl = \"{}\"\ntoken_file = \"sim.token\"\nmax_age = \"240h\"\ntimeout = \"1s\"\n",
        operator.url
    );
    let conf = scene.house.path().join("conf.d");
    let token = conf.join("sim.token");
    fs::write(&token, "t0ken\n").unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    let limits = "[command.topup.limits]\nvalue_per_day = \"15.00\"\n";
    fs::write(conf.join("30-sim.toml"), format!("{sim_swap}{limits}")).unwrap();
    let daemon = scene.start().await;
    let mut http = scene.house.client();
    let number = "+393331234611";
    certify(&scene, &mut http, number).await;
    let topup = async || {
        let before = scene.phone(number).len();
        scene.text(number, "ricarica 10 euro").await;
        let sent = code(&scene.hears(number, before + 1).await);
        scene.text(number, &sent).await;
        scene.hears(number, before + 2).await
    };
    operator.says(Ok(true));
    assert!(topup().await.contains("per la tua sicurezza"));
    assert!(scene.answer(number, "saldo").await.contains("per la tua sicurezza"));
    // What nobody knows counts as changed where money moves, and not where it does not.
    for unknown in [404, 503] {
        operator.says(Err(unknown));
        assert!(topup().await.contains("per la tua sicurezza"), "{unknown}");
    }
    assert_eq!(scene.answer(number, "il saldo").await, "Il tuo saldo è 12,34 EUR.");
    assert!(
        scene
            .bank
            .done_for(number)
            .iter()
            .all(|body| body["command"] == "balance")
    );
    // A new token is shown from the moment on at which it stands in the file.
    let before = operator.asked().len();
    fs::write(&token, "n3w\n").unwrap();
    // What was stopped has left the day's limit alone.
    operator.says(Ok(false));
    assert!(topup().await.contains("Fatto"));
    let moved = scene.bank.done_for(number);
    assert_eq!(moved.iter().filter(|body| body["command"] == "topup").count(), 1);
    let asked = operator.asked();
    let question = json!({ "phoneNumber": number, "maxAge": 240 });
    for (n, (shown, body)) in asked.iter().enumerate() {
        let token = if n < before { "Bearer t0ken" } else { "Bearer n3w" };
        assert_eq!((shown.as_deref(), body), (Some(token), &question), "{n}");
    }
    assert!(asked.len() > before);
    let outcomes = "SELECT count(*) FROM action WHERE outcome IN ('sim_swapped', 'sim_unknown')";
    assert_eq!(scene.house.database().number(outcomes).await, 4);
    assert!(daemon.stop().await.success());
    let log = fs::read_to_string(scene.house.path().join("daemon.log")).unwrap();
    assert!(
        !log.contains("t0ken") && !log.contains("n3w") && !log.contains("393331234611"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hang_up_brings_the_new_catalogue_whole_and_a_bad_one_changes_nothing() {
    let _stage = together().await;
    let scene = scene("[care]\nopen_cases = false\n").await;
    let daemon = scene.start().await;
    let number = "+393331234621";
    let conf = scene.house.path().join("conf.d");
    let hears = async |text: &str, part: &str| {
        let told = scene.answer(number, text).await;
        assert!(told.contains(part), "{text}: {told}");
    };
    hears("prenotazione", "Non abbiamo capito").await;
    let command = "[command.booking]\ntitle = { it = \"Prenotazione\", en = \"Booking\" }\n\
                   keywords = { it = [\"prenotazione\"], en = [\"booking\"] }\n\
                   [command.booking.replies.ok]\nit = \"Domani alle 10.\"\nen = \"Tomorrow at 10.\"\n";
    let reloaded = async |n: usize, event: &str| {
        let what = format!("{event} {n}");
        until(LIMIT, &what, async || {
            (scene.house.events(event).len() >= n).then_some(())
        })
        .await;
    };
    fs::write(conf.join("30-new.toml"), command).unwrap();
    daemon.hang_up();
    reloaded(1, "reloaded").await;
    hears("prenotazione!", "Domani alle 10.").await;
    // Words change with it; and what is wrong anywhere keeps all of it out.
    let bad = "[two_way.words.not_understood]\nit = \"Eh?\"\n[command.other]\n\
               title = { it = \"Altro\", en = \"Other\" }\nkeywords = { it = [\"prenotazione\"], en = [\"other\"] }\n";
    fs::write(conf.join("40-bad.toml"), bad).unwrap();
    daemon.hang_up();
    reloaded(1, "catalogue_kept").await;
    let told = scene.house.events("reload_refused");
    assert_eq!(told.len(), 1, "{told:?}");
    let told = told[0].to_string();
    assert!(
        told.contains("is a keyword of `booking`, too") && told.contains("40-bad.toml"),
        "{told}"
    );
    hears("la prenotazione", "Domani alle 10.").await;
    fs::write(
        conf.join("40-bad.toml"),
        bad.replace("[\"prenotazione\"]", "[\"altro ancora\"]"),
    )
    .unwrap();
    daemon.hang_up();
    reloaded(2, "reloaded").await;
    hears("vorrei un gelato al limone", "Eh?").await;
    fs::remove_file(conf.join("30-new.toml")).unwrap();
    daemon.hang_up();
    reloaded(3, "reloaded").await;
    hears("prenotazione?", "Eh?").await;
    assert!(daemon.stop().await.success());
    assert!(scene.house.alarms().is_empty());
}
