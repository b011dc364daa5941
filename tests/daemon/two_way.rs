//! What a customer texts becomes the right act, once: over the real binary, a carrier and a bank with books of its own.

use std::time::Duration;

use rand::RngExt;
use serde_json::json;

use crate::support::bank::{Bank, Mood, code};
use crate::support::scene::{ADDRESS, Scene, action, another};
use crate::support::seed::{rng, seed};
use crate::support::{alone, long, together, until};

const LIMIT: Duration = Duration::from_secs(30);

/// A bank that may be asked what became of a top-up, and whatever the catalogue has beside that.
async fn scene(more: &str) -> Scene {
    const MANNER: &str = "timeout = \"3s\"\nretries = 10\nlate_after = \"1s\"";
    let ours = |bank: &Bank| {
        let asked = format!("{MANNER}\nstatus_url = \"{}\"", bank.url("/status"));
        let [topup, balance, block] = [("topup", &*asked), ("balance", MANNER), ("block_card", MANNER)]
            .map(|(command, manner)| action(bank, command, manner));
        format!("[command.topup]\nauthorisation = \"none\"\n{topup}{balance}{block}{more}")
    };
    Scene::new(ours, "").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_is_asked_of_the_bank_and_told() {
    let _stage = together().await;
    let scene = scene("").await;
    let daemon = scene.start().await;
    scene.text("+393331234501", "Saldo!!").await;
    assert_eq!(scene.hears("+393331234501", 1).await, "Il tuo saldo è 12,34 EUR.");
    let asked = scene.bank.asked();
    let (command, key, body) = &asked[0];
    assert_eq!((asked.len(), command.as_str()), (1, "balance"));
    assert!(key.starts_with("act_"), "{key}");
    assert_eq!(
        (&body["number"], &body["to"]),
        (&json!("+393331234501"), &json!(ADDRESS))
    );
    assert_eq!((&body["text"], &body["language"]), (&json!("Saldo!!"), &json!("it")));
    // In English one is answered in English.
    scene.text("+393331234502", "what is my account balance please").await;
    assert_eq!(scene.hears("+393331234502", 1).await, "Your balance is 12,34 EUR.");
    // Who is no person is not answered; nor is a machine.
    scene.text("MyBank", "saldo").await;
    scene.text("+393331234503", "Risposta automatica: sono in ferie").await;
    scene.text("+393331234504", "saldo").await;
    scene.hears("+393331234504", 1).await;
    assert_eq!(scene.bank.asked().len(), 3);
    assert!(scene.phone("+393331234503").is_empty());
    assert!(daemon.stop().await.success());
    let unhandled = "SELECT count(*) FROM inbound WHERE handled_at IS NULL";
    assert_eq!(scene.house.database().number(unhandled).await, 0);
    assert!(scene.house.alarms().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn money_moves_by_the_code_alone_and_for_what_it_was_given() {
    let _stage = together().await;
    let scene = scene("").await;
    let daemon = scene.start().await;
    let number = "+393331234511";
    scene.text(number, "ricarica 10 euro").await;
    let first = scene.hears(number, 1).await;
    assert!(first.starts_with("Ricarica 10,00 EUR. Per confermare"), "{first}");
    // A forged originator says yes without the phone.
    scene.text(number, "si").await;
    scene.hears_of(number, "6 cifre").await;
    scene.text(number, &another(&code(&first))).await;
    scene.hears_of(number, "Tentativi rimasti: 2").await;
    // Another amount is another wish: the code of the first is none for it.
    scene.text(number, "ricarica 20 euro").await;
    let second = scene.hears_of(number, "20,00").await;
    scene.text(number, &code(&first)).await;
    until(LIMIT, "it is refused", async || {
        let refused = scene
            .phone(number)
            .iter()
            .filter(|text| text.contains("Tentativi rimasti: 2"))
            .count();
        (refused == 2).then_some(())
    })
    .await;
    assert!(scene.bank.asked().is_empty(), "nothing moves without the code");
    scene.text(number, &code(&second)).await;
    assert_eq!(
        scene.hears_of(number, "Fatto").await,
        "Fatto: 20,00 euro. Nuovo credito 12,34 EUR."
    );
    assert_eq!(scene.moved(number), ["20.00"]);
    // A code is used up.
    scene.text(number, &code(&second)).await;
    // No is no; and what is too little is asked about.
    let other = "+393331234512";
    scene.text(other, "ricarica 2 euro").await;
    scene.hears_of(other, "da 5,00 fino a 1000,00").await;
    scene.text(other, "7").await;
    scene.hears_of(other, "7,00 EUR").await;
    scene.text(other, "annulla").await;
    scene.hears_of(other, "Annullato").await;
    assert!(scene.moved(other).is_empty());
    assert_eq!(scene.moved(number), ["20.00"]);
    assert!(daemon.stop().await.success());
    assert!(scene.house.alarms().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_says_twice_is_answered_twice_and_moves_money_for_each_code_alone() {
    let _stage = together().await;
    let scene = scene("").await;
    let daemon = scene.start().await;
    let number = "+393331234571";
    for n in 1..=2 {
        scene.text(number, "saldo").await;
        assert_eq!(scene.hears(number, n).await, "Il tuo saldo è 12,34 EUR.");
    }
    // The wish said again is a wish of its own, instead of the first: its code alone stands.
    scene.text(number, "ricarica 10 euro").await;
    let first = code(&scene.hears(number, 3).await);
    scene.text(number, "ricarica 10 euro").await;
    let second = code(&scene.hears(number, 4).await);
    scene.text(number, &first).await;
    assert!(scene.hears(number, 5).await.contains("Tentativi rimasti: 2"));
    assert_eq!(scene.moved(number), [""; 0]);
    // Its code said twice is one confirmation.
    scene.text(number, &second).await;
    assert!(scene.hears(number, 6).await.contains("Fatto"));
    scene.text(number, &second).await;
    scene.text(number, "saldo").await;
    assert!(
        scene.hears(number, 7).await.contains("saldo"),
        "of the code said again nothing came"
    );
    assert_eq!(scene.moved(number), ["10.00"]);
    // Another wish of the same words, another code, another move.
    let other = "+393331234572";
    for n in [1, 3] {
        scene.text(other, "ricarica 10 euro").await;
        let sent = scene.hears(other, n).await;
        scene.text(other, &code(&sent)).await;
        assert!(scene.hears(other, n + 1).await.contains("Fatto"));
    }
    assert_eq!(scene.moved(other), ["10.00", "10.00"]);
    assert!(daemon.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_leaves_the_question_too() {
    let _stage = together().await;
    let scene = scene("").await;
    let daemon = scene.start().await;
    let number = "+393331234581";
    scene.text(number, "ricarica 10 euro").await;
    let code = code(&scene.hears(number, 1).await);
    scene.text(number, "STOP").await;
    scene.hears_of(number, "START").await;
    scene.text(number, "START").await;
    scene.hears(number, 3).await;
    scene.text(number, &code).await;
    scene.text(number, "saldo").await;
    scene.hears_of(number, "Il tuo saldo").await;
    assert_eq!(scene.moved(number), [""; 0]);
    assert!(daemon.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn six_wrong_codes_lock_a_number_for_money_alone() {
    let _stage = together().await;
    let scene = scene("").await;
    let daemon = scene.start().await;
    let number = "+393331234521";
    let mut wrong = 0;
    for _ in 0..2 {
        let before = scene.phone(number).len();
        scene.text(number, "ricarica 10 euro").await;
        let sent = scene.hears(number, before + 1).await;
        for n in 0..3 {
            scene.text(number, &another(&code(&sent))).await;
            scene.hears(number, before + 2 + n).await;
            wrong += 1;
        }
    }
    assert_eq!(wrong, 6);
    scene.hears_of(number, "per 24 ore").await;
    let daemon = {
        // It holds over a restart.
        daemon.kill();
        scene.start().await
    };
    let before = scene.phone(number).len();
    // Another text: the same one so soon after a lost link would be the carrier's repetition.
    scene.text(number, "ricarica 30 euro").await;
    assert!(scene.hears(number, before + 1).await.contains("per 24 ore"));
    scene.text(number, "saldo").await;
    scene.hears_of(number, "Il tuo saldo").await;
    assert!(scene.moved(number).is_empty());
    assert!(daemon.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_s_limit_holds_and_a_wish_that_comes_to_nothing_leaves_room() {
    let _stage = together().await;
    let scene = scene("[command.topup.limits]\nvalue_per_day = \"25.00\"\n").await;
    let daemon = scene.start().await;
    let number = "+393331234531";
    for (amount, moves) in [("20", true), ("10", false), ("5", true)] {
        let before = scene.phone(number).len();
        scene.text(number, &format!("ricarica {amount} euro")).await;
        let sent = scene.hears(number, before + 1).await;
        scene.text(number, &code(&sent)).await;
        let said = scene.hears(number, before + 2).await;
        assert_eq!(said.contains("Fatto"), moves, "{said}");
        assert_eq!(said.contains("supera il massimo"), !moves, "{said}");
    }
    assert_eq!(scene.moved(number).len(), 2);
    assert!(daemon.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_that_is_down_late_or_mute_moves_money_once_and_the_customer_hears_the_truth() {
    let _stage = together().await;
    let scene = scene("").await;
    let daemon = scene.start().await;
    let confirmed = async |number: &str, mood: Mood| {
        scene.text(number, "ricarica 15 euro").await;
        let sent = scene.hears(number, 1).await;
        scene.bank.set_mood(mood);
        scene.text(number, &code(&sent)).await;
    };
    let [down, late, mute] = ["+393331234541", "+393331234542", "+393331234543"];
    confirmed(down, Mood::Down).await;
    scene.hears_of(down, "ci stiamo lavorando").await;
    scene.bank.set_mood(Mood::Well);
    scene.hears_of(down, "Fatto").await;
    confirmed(late, Mood::Late(Duration::from_secs(2))).await;
    scene.hears_of(late, "ci stiamo lavorando").await;
    scene.hears_of(late, "Fatto").await;
    // Done, and never answered: the bank is asked what became of it.
    confirmed(mute, Mood::Mute).await;
    scene.hears_of(mute, "Fatto").await;
    for number in [down, late, mute] {
        assert_eq!(scene.moved(number), ["15.00"], "{number}");
    }
    assert!(scene.bank.done_for("twice").is_empty());
    assert!(daemon.stop().await.success());
    assert!(scene.house.alarms().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_text_is_understood_and_told_whole_over_a_restart_too() {
    let _stage = together().await;
    let scene = scene("").await;
    let daemon = scene.start().await;
    let number = "+393331234551";
    let text = format!("saldo {}", "per favore grazie mille ".repeat(9));
    scene.text(number, &text).await;
    scene.hears_of(number, "Il tuo saldo").await;
    let listed = scene.house.araldo(&["inbound", "list"]);
    let rows = listed
        .as_array()
        .cloned()
        .unwrap_or_else(|| listed["data"].as_array().cloned().unwrap());
    assert_eq!(rows.len(), 1, "{listed}");
    assert!(daemon.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn cancel_leaves_the_question_and_stop_however_it_is_said_is_obeyed_and_answered_once() {
    let _stage = together().await;
    let scene = scene("").await;
    let daemon = scene.start().await;
    let number = "+393331234561";
    let consents = |number: &str| {
        let shown = scene.house.araldo(&["consent", "show", number.trim_start_matches('+')]);
        shown["consents"].as_array().map_or(0, Vec::len)
    };
    scene.text(number, "ricarica 10 euro").await;
    let code = code(&scene.hears(number, 1).await);
    scene.text(number, "cancel").await;
    scene.hears(number, 2).await;
    assert_eq!(consents(number), 0, "the top-up alone is left");
    scene.text(number, &code).await;
    scene.text(number, "cancel").await;
    scene.hears_of(number, "START").await;
    assert_eq!(consents(number), 1, "no question waits: it is a STOP");
    assert_eq!(scene.moved(number), [""; 0]);

    let other = "+393331234562";
    let plea = format!(
        "non voglio più ricevere i vostri messaggi, {}",
        "per favore ".repeat(14)
    );
    scene.text(other, &plea).await;
    scene.hears_of(other, "START").await;
    assert_eq!(consents(other), 1);
    scene.text(other, "help").await;
    scene.hears(other, 2).await;
    scene.text(other, "saldo").await;
    scene.hears_of(other, "Il tuo saldo").await;
    assert_eq!(scene.phone(other).len(), 3, "each text is answered once");
    assert!(daemon.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_action_and_reply_money_moves_exactly_once() {
    let _stage = alone().await;
    let seed = seed("killed between action and reply");
    let mut random = rng(seed, 1);
    let scene = scene("").await;
    let runs = if long() { 500 } else { 30 };
    let mut daemon = scene.start().await;
    for run in 0..runs {
        let number = format!("+39333{:07}", 5_000_000 + run);
        let mood = match random.random_range(0..3) {
            0 => Mood::Late(Duration::from_millis(random.random_range(1..60))),
            _ => Mood::Well,
        };
        scene.bank.set_mood(mood);
        scene.text(&number, "ricarica 10 euro").await;
        let sent = scene.hears(&number, 1).await;
        // The carrier may not hear our answer any more: then it brings the text again.
        let code = code(&sent);
        let texted = scene.text(&number, &code);
        let kill = tokio::time::sleep(Duration::from_millis(random.random_range(0..80)));
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
        scene.bank.set_mood(Mood::Well);
        scene.hears_of(&number, "Fatto").await;
        assert_eq!(scene.moved(&number), ["10.00"], "run {run}, ARALDO_SEED={seed}");
    }
    assert!(scene.bank.done_for("twice").is_empty());
    assert!(daemon.stop().await.success());
    assert!(scene.house.alarms().is_empty());
}
