//! Messages as back ends send them: every class, many lengths and alphabets, each to a phone of its own and with its
//! number in the text, so that whatever reaches a carrier can be told apart.

use araldo::domain::Class;
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::seed::rng;

/// A message to send.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// Its number: in its text, in its recipient, in its idempotency key.
    pub(crate) token: u32,
    pub(crate) class: Class,
    /// E.164 without plus.
    pub(crate) to: String,
    pub(crate) from: &'static str,
    pub(crate) text: String,
}

const SENDERS: [&str; 4] = ["Banca Roma", "48480", "+393399990001", "Corriere"];

const WORDS: [&[&str]; 7] = [
    &[
        "pagamento",
        "carta",
        "conto",
        "del",
        "presso",
        "importo",
        "EUR",
        "alle ore",
        "grazie",
        "saldo",
        "12,50",
        "se non sei tu chiama 800123456",
    ],
    &[
        "è stato",
        "più",
        "perché",
        "città",
        "già",
        "però",
        "novità",
        "Ñandú",
        "straße",
        "Ångström",
        "Ω",
        "¿qué?",
    ],
    &[
        "€ 19,90",
        "[ok]",
        "{codice}",
        "a|b",
        "~",
        "x^2",
        "c:\\carte",
        "50 €",
        "e così via",
    ],
    &[
        "Ваш",
        "платёж",
        "принят",
        "карта",
        "заблокирована",
        "спасибо",
        "код",
        "действует 10 минут",
    ],
    &["您的", "验证码", "是", "请勿", "告诉", "他人", "交易", "成功", "余额"],
    &[
        "🎉",
        "offerta",
        "👩‍👩‍👧",
        "sconto",
        "😀😀",
        "solo oggi",
        "🇮🇹",
        "fino al 50%",
    ],
    &[
        "رمز",
        "التحقق",
        "الخاص بك",
        "هو",
        "لا تشاركه",
        "مع أحد",
        "שלום",
        "ευχαριστώ",
    ],
];

impl Sample {
    /// The body of its request.
    pub(crate) fn body(&self) -> Value {
        json!({ "to": format!("+{}", self.to), "from": self.from, "class": self.class, "text": self.text })
    }

    /// The key under which it is one message however often it is asked for.
    pub(crate) fn key(&self) -> String {
        format!("journey-{}", self.token)
    }

    /// Its line of NDJSON.
    pub(crate) fn line(&self) -> Value {
        let mut line = self.body();
        line["idempotency_key"] = self.key().into();
        line
    }
}

/// Begins every text of a class, so that a fault script can aim at it.
pub(crate) fn mark(class: Class) -> String {
    format!("{class}#")
}

/// The number in a text.
pub(crate) fn token_of(text: &str) -> Option<u32> {
    let digits: String = text
        .split_once('#')?
        .1
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}

/// The number in a recipient made by [`recipient`].
pub(crate) fn token_of_recipient(digits: &str) -> Option<u32> {
    (digits.len() == 12).then(|| digits[5..].parse().ok())?
}

/// A mobile number that belongs to this message alone; `operator` is its three digits after +39.
pub(crate) fn recipient(operator: u32, token: u32) -> String {
    format!("39{operator:03}{token:07}")
}

/// What one client of a load has to send: so many messages of every class, its own and no other client's.
pub(crate) fn mixed(seed: u64, client: u32, count: u32) -> Vec<Sample> {
    let mut rng = rng(seed, 100 + u64::from(client));
    let mut make = |n: u32| {
        let class = Class::ALL[rng.random_range(0..Class::ALL.len())];
        sample(&mut rng, client * 100_000 + n, class, 330)
    };
    (1..=count).map(&mut make).collect()
}

/// A message of a class with any length and alphabet.
pub(crate) fn sample(rng: &mut StdRng, token: u32, class: Class, operator: u32) -> Sample {
    let characters = match rng.random_range(0..100) {
        0..55 => rng.random_range(30..120),
        // The edges, where one character more makes a segment more.
        55..60 => rng.random_range(68..=72),
        60..66 => rng.random_range(158..=162),
        66..70 => rng.random_range(304..=308),
        70..92 => rng.random_range(120..400),
        _ => rng.random_range(400..640),
    };
    let alphabet = match rng.random_range(0..100) {
        0..50 => 0,
        50..70 => 1,
        70..80 => 2,
        other => 3 + other as usize % 4,
    };
    sized(rng, token, class, operator, alphabet, characters)
}

/// A message that makes five segments.
pub(crate) fn five_segments(rng: &mut StdRng, token: u32, class: Class, operator: u32) -> Sample {
    let characters = rng.random_range(640..760);
    sized(rng, token, class, operator, 0, characters)
}

/// A message that makes one segment.
pub(crate) fn short(rng: &mut StdRng, token: u32, class: Class, operator: u32) -> Sample {
    let characters = rng.random_range(30..140);
    sized(rng, token, class, operator, 0, characters)
}

fn sized(rng: &mut StdRng, token: u32, class: Class, operator: u32, alphabet: usize, characters: usize) -> Sample {
    let mut text = format!("{}{token}", mark(class));
    while text.chars().count() < characters {
        text.push(' ');
        // A word of plain letters between, so that most of a text is what a person writes.
        let words = WORDS[if rng.random_bool(0.8) { alphabet } else { 0 }];
        text.push_str(words[rng.random_range(0..words.len())]);
    }
    let mut text: String = text.chars().take(characters).collect();
    // Ten segments are the most that is taken, and a text does not end with a blank.
    while text.encode_utf16().count() > 650 && alphabet > 0 || text.ends_with(' ') {
        text.pop();
    }
    Sample {
        token,
        class,
        to: recipient(operator, token),
        from: SENDERS[token as usize % SENDERS.len()],
        text,
    }
}
