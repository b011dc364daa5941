//! The phone with RCS: cards, taps, and the SMS where there is none.

use super::*;
use crate::clock::monotonic;
use crate::demo::platform::{PLATFORM, WAIT};

const GIULIA: &str = PHONES[0].number;
const TEXT: &str = "Hai fatto tu il pagamento di 249,90";

/// The demo, once the agent has signed in.
async fn signed_in() -> Demo {
    let demo = demo().await;
    shows(demo.page, "the agent has signed in", |page| page.contains("signed in")).await;
    demo
}

/// Waits until Giulia's phone, or the page around it, is as wanted.
async fn shows(page: SocketAddr, what: &str, wanted: impl Fn(&str) -> bool) -> String {
    let looking = async {
        loop {
            let body = get(page, &format!("/?phone={GIULIA}")).await.body;
            let body = body.replace("&#x2f;", "/");
            if wanted(&body) {
                return body;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, looking).await;
    found.unwrap_or_else(|_| panic!("in time {what}"))
}

async fn does(page: SocketAddr, path: &str, form: &str) -> Answer {
    ask(page, "POST", path, form, &[("hx-request", "true")]).await
}

async fn reached(page: SocketAddr, reach: &str) {
    let answer = does(page, "/demo/reach", &format!("phone={GIULIA}&reach={reach}")).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
}

/// What a tap on the chip with this label brings back.
fn postback(page: &str, label: &str) -> String {
    let (before, _) = page.split_once(&format!("{label}</span></button>")).expect("the chip");
    let (_, rest) = before.rsplit_once("name=\"postback\" value=\"").expect("a button");
    rest.split_once('"').expect("its value").0.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_comes_by_rcs_and_a_tap_on_its_chip_blocks_the_bank_card() {
    let demo = signed_in().await;
    let (id, _) = publish(demo.page, "suspicious-payment", "it").await;
    let page = shows(demo.page, "the card is read", |page| {
        page.contains("data-tick=\"read\"")
    })
    .await;
    for part in [
        "Hai fatto tu questo pagamento?",
        "k-reply",
        "k-dial",
        "dials +39800000100",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(!page.contains(TEXT), "no SMS came");
    let tap = format!("from={GIULIA}&postback={}", postback(&page, "Blocca carta"));
    let tapped = does(demo.page, "/demo/tap", &tap).await;
    assert_eq!((tapped.status, tapped.body.trim()), (StatusCode::OK, ""));
    shows(demo.page, "the bank asks", |page| page.contains("SI o NO")).await;
    let said = does(demo.page, "/demo/text", &format!("from={GIULIA}&text=si")).await;
    assert_eq!(said.body.trim(), "");
    shows(demo.page, "the card is blocked", |page| page.contains("Carta bloccata")).await;
    let detail = get(demo.page, &format!("/demo/messages/{id}")).await.body;
    for part in [
        "<strong>tapped</strong>",
        "<strong>read</strong>",
        "standaloneCard",
        "RCS · transaction · read",
    ] {
        assert!(detail.contains(part), "{part} in {detail}");
    }
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tap_that_recognises_the_payment_is_answered_and_blocks_nothing() {
    let demo = signed_in().await;
    for (locale, label, answer) in [
        ("it", "Sì, sono stato io", "il pagamento è confermato"),
        ("en", "Yes, it was me", "the payment is confirmed"),
    ] {
        publish(demo.page, "suspicious-payment", locale).await;
        let chip = format!("{label}</span></button>");
        let page = shows(demo.page, "the card is there", |page| page.contains(&chip)).await;
        let tap = format!("from={GIULIA}&postback={}", postback(&page, label));
        assert_eq!(does(demo.page, "/demo/tap", &tap).await.body.trim(), "");
        shows(demo.page, "the bank thanks", |page| page.contains(answer)).await;
    }
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_switched_to_sms_has_the_text_of_the_same_event_within_a_second() {
    let demo = signed_in().await;
    reached(demo.page, "sms").await;
    let begun = monotonic();
    let (id, _) = publish(demo.page, "suspicious-payment", "it").await;
    let page = shows(demo.page, "the text is there", |page| page.contains(TEXT)).await;
    let took = monotonic().duration_since(begun);
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(!page.contains("Blocca carta</span>"), "no card");
    let detail = delivered(demo.page, &id).await;
    assert!(detail.contains("bank, step 2"), "{detail}");
    let refused = does(demo.page, "/demo/tap", &format!("from={GIULIA}&postback=x")).await;
    assert!(refused.body.contains("not on RCS"), "{}", refused.body);
    reached(demo.page, "rcs").await;
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_without_data_has_the_sms_once_the_card_was_taken_back() {
    let demo = signed_in().await;
    reached(demo.page, "no_data").await;
    let begun = monotonic();
    let (id, _) = publish(demo.page, "suspicious-payment", "en").await;
    let page = shows(demo.page, "the text is there", |page| page.contains("Did you pay")).await;
    assert!(monotonic().duration_since(begun) >= WAIT);
    reached(demo.page, "rcs").await;
    let detail = delivered(demo.page, &id).await;
    assert!(detail.contains("RCS · transaction · withdrawn"), "{detail}");
    assert!(!page.contains("Did you make this payment?"), "the card came too");
    assert_eq!(demo.stop().await.delivered, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pictures_of_cards_side_by_side_are_the_page_s_own() {
    let demo = signed_in().await;
    publish(demo.page, "card-offers", "en").await;
    let page = shows(demo.page, "the cards are there", |page| page.contains("Travel card")).await;
    let (_, rest) = page
        .split_once("data-f=\"picture\" alt=\"\" src=\"")
        .expect("a picture");
    let picture = get(demo.page, rest.split_once('"').unwrap().0).await;
    assert!(picture.octets.starts_with(b"\x89PNG"));
    assert!(page.contains("Home loan") && page.contains("aria-label=\"Cards side by side\""));
    let tap = format!("from={GIULIA}&postback={}", postback(&page, "What is my balance?"));
    does(demo.page, "/demo/tap", &tap).await;
    shows(demo.page, "the balance is said", |page| page.contains("2418,06 EUR")).await;
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_is_done_by_the_phone_and_a_place_is_shared() {
    let demo = signed_in().await;
    publish(demo.page, "branch-opening", "it").await;
    let page = shows(demo.page, "the card is there", |page| page.contains("Segna in agenda")).await;
    for (label, does_it) in [
        ("Segna in agenda", "the phone notes “Apertura della filiale”"),
        (
            "Mostra sulla mappa",
            "the phone shows Piazza della Scala 4, Milano on the map",
        ),
        ("Chiama", "the phone dials +39800000100"),
        ("Visita il sito", "the phone opens https://bancaaurea.example/filiali"),
        ("Quanto sono lontano?", "the phone shares where it is"),
    ] {
        let tap = format!("from={GIULIA}&postback={}", postback(&page, label));
        assert_eq!(does(demo.page, "/demo/tap", &tap).await.body.trim(), "", "{label}");
        shows(demo.page, does_it, |page| page.contains(does_it)).await;
    }
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_taps_what_another_was_offered_or_switches_a_phone_that_is_not_there() {
    let demo = signed_in().await;
    publish(demo.page, "suspicious-payment", "it").await;
    let page = shows(demo.page, "the card is there", |page| page.contains("Blocca carta")).await;
    let tom = format!("phone={}&reach=rcs", PHONES[1].number);
    assert_eq!(
        does(demo.page, "/demo/reach", &tom).await.status,
        StatusCode::NO_CONTENT
    );
    for (form, why) in [
        (
            format!("from={}&postback={}", PHONES[1].number, postback(&page, "Blocca carta")),
            "No message on this phone",
        ),
        (format!("from={GIULIA}&postback=x"), "No message on this phone"),
        ("from=1&postback=x".to_owned(), "no such phone"),
    ] {
        let refused = does(demo.page, "/demo/tap", &form).await;
        assert!(refused.body.contains(why), "{}", refused.body);
    }
    for form in ["phone=1&reach=rcs".to_owned(), format!("phone={GIULIA}&reach=pigeon")] {
        assert_eq!(
            does(demo.page, "/demo/reach", &form).await.status,
            StatusCode::NOT_FOUND,
            "{form}"
        );
    }
    assert!(
        get(demo.page, "/")
            .await
            .body
            .contains(&format!("id=\"carrier-{PLATFORM}\""))
    );
    demo.stop().await;
}
