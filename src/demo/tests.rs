//! The page over HTTP, on a demo that really runs. Tom's phone has SMS alone, Giulia's has RCS too.

mod rcs;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::guard::POLICY;
use super::setting::PHONES;
use super::*;

/// How long anything may take that takes a second or two.
const PATIENCE: Duration = Duration::from_secs(15);

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    /// As text; what is no UTF-8 is replaced.
    body: String,
    octets: Vec<u8>,
}

async fn demo() -> Demo {
    Demo::start(&DemoOptions {
        keep: None,
        any_port: true,
        quiet: true,
    })
    .await
    .unwrap()
}

async fn ask(page: SocketAddr, method: &str, path: &str, form: &str, headers: &[(&str, &str)]) -> Answer {
    let stream = TcpStream::connect(page).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    let driver = tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header(HOST, page.to_string());
    }
    if method == "POST" {
        request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = sender
        .send_request(request.body(Full::new(Bytes::from(form.to_owned()))).unwrap())
        .await
        .unwrap();
    let (parts, mut body) = answer.into_parts();
    let mut text = Vec::new();
    // A stream of events does not end: its beginning is enough.
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            text.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
        }
    };
    tokio::time::timeout(Duration::from_secs(1), reading).await.ok();
    driver.abort();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8_lossy(&text).into_owned(),
        octets: text,
    }
}

async fn get(page: SocketAddr, path: &str) -> Answer {
    ask(page, "GET", path, "", &[]).await
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// Sends by the form, to a phone without RCS, and gives the id.
async fn send(page: SocketAddr, text: &str) -> String {
    let form = format!("to={}&from=BancaAurea&class=otp&text={text}", PHONES[1].number);
    let answer = ask(page, "POST", "/demo/send", &form, &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    header(&answer, "location").rsplit_once("sent=").unwrap().1.to_owned()
}

async fn delivered(page: SocketAddr, id: &str) -> String {
    let looking = async {
        loop {
            let detail = get(page, &format!("/demo/messages/{id}")).await.body;
            let is_told = detail.contains("deliver_sm_resp") || detail.contains("aria-label=\"RCS\"");
            if detail.contains("data-final=\"true\"") && is_told {
                return detail;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking)
        .await
        .expect("delivered in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_says_what_a_browser_may_do() {
    let demo = demo().await;
    let style = format!("{}/css/console.css", demo.stage.assets.base());
    for path in [
        "/",
        "/demo/events",
        "/demo/messages/nothing",
        &style,
        "/assets/0/none.js",
    ] {
        let answer = get(demo.page, path).await;
        assert_eq!(header(&answer, "content-security-policy"), POLICY, "{path}");
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header(&answer, "referrer-policy"), "no-referrer", "{path}");
    }
    for path in [
        "/demo/send",
        "/demo/publish",
        "/demo/bank",
        "/demo/measure",
        "/demo/text",
        "/demo/tap",
        "/demo/reach",
        "/demo/trickle",
        "/demo/carriers/aurora",
        "/demo/theme",
    ] {
        for headers in [
            &[][..],
            &[("origin", "http://evil.example")],
            &[("host", "evil.example")],
        ] {
            let answer = ask(demo.page, "POST", path, "nonsense", headers).await;
            assert_eq!(header(&answer, "content-security-policy"), POLICY, "{path}");
        }
    }
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_gets_nothing() {
    let demo = demo().await;
    let ours = format!("http://{}", demo.page);
    let pause = |headers: Vec<(&'static str, String)>| {
        let page = demo.page;
        async move {
            let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            ask(page, "POST", "/demo/trickle", "running=true", &headers)
                .await
                .status
        }
    };
    for foreign in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        assert_eq!(
            pause(vec![("origin", foreign.to_owned())]).await,
            StatusCode::FORBIDDEN,
            "{foreign}"
        );
    }
    assert_eq!(
        pause(vec![("sec-fetch-site", "cross-site".to_owned())]).await,
        StatusCode::FORBIDDEN
    );
    assert!(!*demo.stage.trickle.borrow());
    assert_eq!(pause(vec![("origin", ours)]).await, StatusCode::SEE_OTHER);
    assert!(*demo.stage.trickle.borrow());

    let rebound = ask(demo.page, "GET", "/", "", &[("host", "evil.example:8481")]).await;
    assert_eq!(rebound.status, StatusCode::FORBIDDEN);
    assert!(!rebound.body.contains("Araldo"), "{}", rebound.body);
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_texts_are_shown_as_texts() {
    let demo = demo().await;
    let hostile = "%3Cscript%3Ealert(1)%3C%2Fscript%3E%22%27%3Cimg+src%3Dx+onerror%3Dalert(2)%3E";
    let id = send(demo.page, hostile).await;
    let detail = delivered(demo.page, &id).await;
    let mo = format!("from={}&text={hostile}", PHONES[0].number);
    let texted = ask(demo.page, "POST", "/demo/text", &mo, &[("hx-request", "true")]).await;
    assert_eq!(texted.status, StatusCode::OK, "{}", texted.body);
    let refused = format!("to={hostile}&from={hostile}&class={hostile}&text={hostile}");
    let refused = ask(demo.page, "POST", "/demo/send", &refused, &[("hx-request", "true")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = get(demo.page, "/?phone=all").await.body;
    assert!(page.contains("&lt;script&gt;alert(1)"), "the bubble is there");
    for html in [detail, page, refused.body] {
        assert!(
            !html.contains("<script>alert") && !html.contains("<img src=x"),
            "{html}"
        );
    }
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_sent_by_hand_is_delivered_and_shown_with_its_pdus() {
    let demo = demo().await;
    let id = send(demo.page, "Ciao+dalla+prova").await;
    let detail = delivered(demo.page, &id).await;
    for part in [
        "accepted",
        "submitted",
        "submit_sm",
        "submit_sm_resp",
        "deliver_sm",
        "ESME_ROK",
        "Ciao dalla prova",
    ] {
        assert!(detail.contains(part), "{part} in {detail}");
    }
    let page = get(demo.page, &format!("/?phone={}", PHONES[1].number)).await.body;
    assert!(
        page.contains("Ciao dalla prova") && page.contains("data-by-hand"),
        "{page}"
    );
    let events = get(demo.page, "/demo/events").await.body;
    assert!(events.contains("event: snapshot") && events.contains(&id), "{events}");
    let summary = demo.stop().await;
    assert_eq!((summary.sent, summary.delivered), (1, 1));
    assert!(summary.median.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_carrier_takes_over_from_one_that_is_down_or_refuses() {
    let demo = demo().await;
    for habit in ["down", "refuse"] {
        let form = format!("habit={habit}");
        let set = ask(
            demo.page,
            "POST",
            "/demo/carriers/aurora",
            &form,
            &[("hx-request", "true")],
        )
        .await;
        assert_eq!(set.status, StatusCode::NO_CONTENT);
        for _ in 0..3 {
            let id = send(demo.page, "fail-over").await;
            let detail = delivered(demo.page, &id).await;
            assert!(detail.contains("data-carrier=\"borea\""), "{detail}");
        }
    }
    assert_eq!(
        ask(demo.page, "POST", "/demo/carriers/zephyr", "habit=down", &[])
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    let summary = demo.stop().await;
    assert_eq!((summary.sent, summary.delivered), (6, 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_texts_and_is_answered() {
    let demo = demo().await;
    // The link may not be bound yet: a phone would try again, too.
    let form = format!("from={}&text=saldo", PHONES[1].number);
    let texted = async {
        while !ask(demo.page, "POST", "/demo/text", &form, &[("hx-request", "true")])
            .await
            .body
            .trim()
            .is_empty()
        {}
        loop {
            let page = get(demo.page, "/?phone=all").await.body;
            if page.contains("2418,06 EUR") && page.contains("inbound") {
                return;
            }
        }
    };
    // The daemon learns its catalogue first.
    tokio::time::timeout(PATIENCE * 3, texted)
        .await
        .expect("answered in time");
    demo.stop().await;
}

/// Publishes an event by its button and gives the id of the message that it makes, with the answer.
async fn publish(page: SocketAddr, event: &str, locale: &str) -> (String, String) {
    let form = format!("event={event}&to={}&locale={locale}", PHONES[0].number);
    let answer = ask(page, "POST", "/demo/publish", &form, &[("hx-request", "true")]).await;
    assert_eq!(answer.status, StatusCode::OK, "{event}: {}", answer.body);
    let (_, rest) = answer.body.split_once("data-made=\"").expect("a message is made");
    (rest.split_once('"').unwrap().0.to_owned(), answer.body)
}

/// Waits until the bank's panel has a verified webhook of this message that it has taken.
async fn told(page: SocketAddr, id: &str) -> String {
    let row = format!("data-about=\"{id}\" data-verified=\"true\" data-taken=\"true\"");
    let looking = async {
        loop {
            let body = get(page, "/").await.body;
            if body.contains(&row) {
                return body;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE * 2, looking).await.expect("told in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shipped_event_becomes_a_text_on_the_phone_and_a_verified_webhook_in_both_languages() {
    let demo = demo().await;
    let mut made = Vec::new();
    let events = super::event::all();
    for event in events.iter().map(|choice| &choice.name) {
        for locale in ["it", "en"] {
            let (id, answer) = publish(demo.page, event, locale).await;
            assert!(
                answer.contains("specversion") && answer.contains(event.as_str()),
                "{answer}"
            );
            made.push(id);
        }
    }
    for id in &made {
        told(demo.page, id).await;
    }
    let page = get(demo.page, "/").await.body;
    for text in ["La tua carta *1234 è stata spedita", "Your card *1234 has been shipped"] {
        assert!(page.contains(text), "{text}");
    }
    let detail = get(demo.page, &format!("/demo/messages/{}", made[0])).await.body;
    for part in [
        "by event",
        "rule branch-opening",
        "webhook sent",
        "message.delivered, answered 204",
    ] {
        assert!(detail.contains(part), "{part} in {detail}");
    }
    let summary = demo.stop().await;
    assert_eq!(
        (summary.events, summary.delivered),
        (made.len() as u64, made.len() as u64)
    );
    assert_eq!(summary.webhooks, made.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_nobody_knows_is_not_made_up() {
    let demo = demo().await;
    let number = PHONES[0].number;
    for form in [
        format!("event=nothing&to={number}&locale=it"),
        "event=card-shipped&to=393331234567&locale=it".to_owned(),
        format!("event=card-shipped&to={number}&locale=../../x"),
    ] {
        let answer = ask(demo.page, "POST", "/demo/publish", &form, &[]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{form}");
    }
    let summary = demo.stop().await;
    assert_eq!((summary.events, summary.sent, summary.webhooks), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_script_the_page_shows_the_event_that_was_published() {
    let demo = demo().await;
    let form = format!("event=card-shipped&to={}&locale=en", PHONES[0].number);
    let answer = ask(demo.page, "POST", "/demo/publish", &form, &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let page = get(demo.page, header(&answer, "location")).await.body;
    assert!(
        page.contains("com.bank.card.shipped.v1") && page.contains("follow it"),
        "{page}"
    );
    assert!(page.contains("value=\"en\" checked"), "the language stays");
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_bank_that_is_down_was_not_told_waits_and_is_told_after() {
    let demo = demo().await;
    let down = ask(demo.page, "POST", "/demo/bank", "down=true", &[]).await;
    assert_eq!(down.status, StatusCode::SEE_OTHER);
    let (id, _) = publish(demo.page, "bill-due", "it").await;
    let detail = delivered(demo.page, &id).await;
    assert!(!detail.contains("webhook sent"), "{detail}");
    let refused = async {
        loop {
            let page = get(demo.page, "/").await.body;
            if page.contains("answered 503") && page.contains("<b data-f=\"pending\">1</b>") {
                return page;
            }
        }
    };
    let page = tokio::time::timeout(PATIENCE, refused).await.expect("refused in time");
    assert!(page.contains("data-down=\"true\""), "{page}");
    let page = told(demo.page, &id).await;
    assert!(page.contains("answered 204, try 2"), "{page}");
    let summary = demo.stop().await;
    assert_eq!((summary.events, summary.webhooks), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bank_believes_no_webhook_that_is_not_signed() {
    let demo = demo().await;
    let uri: hyper::Uri = demo.bank_url.parse().unwrap();
    let bank: SocketAddr = uri.authority().unwrap().as_str().parse().unwrap();
    let body = r#"{"type":"message.delivered","data":{"id":"msg_forged","state":"delivered"}}"#;
    let headers = [
        ("webhook-id", "evt_1"),
        ("webhook-timestamp", "1"),
        ("webhook-signature", "v1,AAAA"),
    ];
    let answer = ask(bank, "POST", uri.path(), body, &headers).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let page = get(demo.page, "/").await.body;
    assert!(page.contains("time too far off") && page.contains("data-about=\"msg_forged\" data-verified=\"false\""));
    assert_eq!(demo.stop().await.webhooks, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_may_be_kept_for_good_and_pages_not_at_all() {
    let demo = demo().await;
    let base = demo.stage.assets.base();
    for (name, kind) in [
        ("css/console.css", "text/css"),
        ("js/main.js", "text/javascript"),
        ("icon.svg", "image/svg+xml"),
    ] {
        let answer = get(demo.page, &format!("{base}/{name}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}");
        assert!(header(&answer, "cache-control").contains("immutable"), "{name}");
        assert!(
            header(&answer, "content-type").starts_with(kind),
            "{name} is {}",
            header(&answer, "content-type")
        );
    }
    assert_eq!(
        get(demo.page, "/assets/0123/css/console.css").await.status,
        StatusCode::NOT_FOUND
    );
    let page = get(demo.page, "/").await;
    assert_eq!(header(&page, "cache-control"), "no-store");
    assert!(page.body.contains(&base) && !page.body.contains("style=") && !page.body.contains(" onclick"));
    demo.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chosen_theme_is_drawn_by_the_server_so_that_nothing_flashes() {
    let demo = demo().await;
    let chosen = ask(demo.page, "POST", "/demo/theme", "theme=dark", &[]).await;
    let cookie = header(&chosen, "set-cookie").split(';').next().unwrap().to_owned();
    let page = ask(demo.page, "GET", "/", "", &[("cookie", &cookie)]).await;
    assert!(page.body.contains("<html lang=\"en\" data-theme=\"dark\">"), "{cookie}");
    let odd = ask(demo.page, "GET", "/", "", &[("cookie", "araldo_theme=\"><script>")]).await;
    assert!(odd.body.contains("<html lang=\"en\">"));
    demo.stop().await;
}
