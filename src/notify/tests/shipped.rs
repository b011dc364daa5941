//! Each event that comes with the daemon, as it is shipped: the exact texts in both languages.

use std::path::Path;

use super::*;
use crate::config::LoadOptions;
use crate::domain::{Class, Encoding};
use crate::notify::shipped;

/// What each event says in Italian and in English, and the class of its messages.
const TEXTS: [(&str, Class, &str, &str); 10] = [
    (
        "appointment-reminder",
        Class::Service,
        "Ti ricordiamo l'appuntamento del 24/11/2026 alle 15:30, Filiale di Via Roma 12. A presto!",
        "A reminder of your appointment on 24 Nov 2026 at 15:30, Filiale di Via Roma 12. See you soon!",
    ),
    (
        "bill-due",
        Class::Service,
        "La bolletta FT2026-1187 di 64,35 € scade il 30/11/2026. Se hai già pagato, ignora questo messaggio.",
        "Your bill FT2026-1187 of €64.35 is due on 30 Nov 2026. If you have already paid, please ignore this message.",
    ),
    (
        "card-blocked",
        Class::Alert,
        "La tua carta *1234 è stata bloccata il 21/11/2026 10:40. Per assistenza chiama il numero sul retro della carta.",
        "Your card *1234 was blocked on 21 Nov 2026 10:40. For help, please call the number on the back of the card.",
    ),
    (
        "card-delivered",
        Class::Service,
        "La tua carta *1234 risulta consegnata. Se non l'hai ricevuta, chiama subito il numero sul nostro sito.",
        "Your card *1234 has been delivered. If you did not get it, please call the number on our website now.",
    ),
    (
        "card-shipped",
        Class::Service,
        "La tua carta *1234 è stata spedita. Arrivo previsto entro il 26/11/2026.",
        "Your card *1234 has been shipped. Expected by 26 Nov 2026.",
    ),
    (
        "one-time-code",
        Class::Otp,
        "Codice 482910 per autorizzare 1.250,00 € a favore di Anna Bianchi. Scade tra 5 min. Non comunicarlo a nessuno, \
         nemmeno a noi.",
        "Code 482910 to authorise €1,250.00 to Anna Bianchi. Expires in 5 min. Never share it, not even with us.",
    ),
    (
        "parcel-out-for-delivery",
        Class::Service,
        "Il tuo pacco AR123456789IT è in consegna oggi tra le 13:00 e le 15:00.",
        "Your parcel AR123456789IT is out for delivery today between 13:00 and 15:00.",
    ),
    (
        "suspicious-payment",
        Class::Alert,
        "Hai fatto tu il pagamento di 249,90 € con carta *1234 presso Elettronica Rossi alle 10:40? Rispondi SI o NO. \
         Rif. TX7K2M9",
        "Did you pay €249.90 with card *1234 at Elettronica Rossi at 10:40? Please reply SI (yes) or NO. Ref. TX7K2M9",
    ),
    (
        "topup-done",
        Class::Transaction,
        "Ricarica di 10,00 € sul numero +39333***4567 completata. Rif. RIC90412. Grazie!",
        "Top-up of €10.00 for +39333***4567 completed. Ref. RIC90412. Thank you!",
    ),
    (
        "transfer-executed",
        Class::Transaction,
        "Bonifico di 1.250,00 € a Anna Bianchi eseguito il 21/11/2026. Rif. BON48213",
        "Your transfer of €1,250.00 to Anna Bianchi was executed on 21 Nov 2026. Ref. BON48213",
    ),
];

/// The configuration as it is shipped, with what only an operator knows.
fn shipped_config() -> Config {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/araldo.toml");
    let options = LoadOptions {
        file: Some(file),
        ..LoadOptions::default()
    };
    let shipped = Config::load(&options).unwrap().config;
    let operators = Config::parse(BASE).unwrap();
    Config {
        client: operators.client,
        carrier: operators.carrier,
        route: operators.route,
        ..shipped
    }
}

fn example(name: &str) -> Json {
    let files = shipped::examples();
    let (_, octets) = files.iter().find(|(file, _)| *file == format!("{name}.json")).unwrap();
    serde_json::from_slice(octets).unwrap()
}

#[tokio::test]
async fn every_shipped_event_says_what_is_committed_here_in_both_languages() {
    let house = House::with(&shipped_config()).await;
    assert_eq!(shipped::examples().len(), TEXTS.len());
    for (name, class, italian, english) in TEXTS {
        for (locale, text) in [("it", italian), ("en", english)] {
            let mut event = example(name);
            event["data"]["locale"] = json!(locale);
            event["id"] = json!(format!("{name}-{locale}"));
            let made = house.messages(event).await;
            let [message] = made.as_slice() else {
                panic!("{name}: {made:?}")
            };
            assert_eq!(&*message.text, text, "{name} {locale}");
            assert_eq!(
                (message.row.class, message.encoding),
                (class, Encoding::Gsm7),
                "{name} {locale}"
            );
            assert!(message.row.segments <= 2, "{name} {locale}");
        }
    }
}

#[tokio::test]
async fn no_shipped_text_takes_a_link_from_its_event() {
    let house = House::with(&shipped_config()).await;
    for (name, ..) in TEXTS {
        for key in ["transaction", "payee", "merchant", "place", "parcel"] {
            let mut event = example(name);
            if event["data"].get(key).is_none() {
                continue;
            }
            event["data"][key] = json!("see 93.184.216.34/pay, evil.com");
            event["id"] = json!(format!("{name}-{key}"));
            let text = house.messages(event).await[0].text.clone();
            assert!(text.contains("93.184.216 34/pay, evil com"), "{name}: {text}");
        }
    }
}

#[tokio::test]
async fn a_shipped_text_fits_one_segment_with_usual_values() {
    let house = House::with(&shipped_config()).await;
    for (name, ..) in TEXTS {
        let segments = house.messages(example(name)).await[0].row.segments;
        assert_eq!(segments, 1, "{name}");
    }
}

#[tokio::test]
async fn both_holders_of_a_card_hear_each_in_their_language() {
    let house = House::with(&shipped_config()).await;
    let mut event = example("card-blocked");
    event["data"]["holders"] = json!([
        { "to": "+393331234567", "locale": "it-CH" },
        { "to": "+393331234568", "locale": "en" },
    ]);
    let made = house.messages(event).await;
    let texts: Vec<_> = made
        .iter()
        .map(|message| (&*message.row.to, &message.text[..7]))
        .collect();
    assert_eq!(texts, [("393331234567", "La tua "), ("393331234568", "Your ca")]);
}
