//! What the fake bank knows of each phone, and what it does when a customer asks: each wish once, by its key.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Answers kept by their keys; the oldest go first.
const KEYS: usize = 10_000;
/// Hundredths on the account of a phone that has not been heard of.
const OPENING: i64 = 241_806;

/// The commands that the bank does.
pub(super) const COMMANDS: [&str; 10] = [
    "balance",
    "topup",
    "last_call_cost",
    "last_transactions",
    "block_card",
    "card_delivery",
    "apn_settings",
    "data_usage",
    "offers_info",
    "transfer_status",
];

/// What the daemon asks for, as far as the bank looks.
#[derive(Deserialize)]
pub(super) struct Wish {
    command: String,
    number: String,
    language: String,
    #[serde(default)]
    slots: Map<String, Value>,
}

/// Every account.
#[derive(Default)]
pub(super) struct Accounts(Mutex<Books>);

#[derive(Default)]
struct Books {
    accounts: BTreeMap<String, Account>,
    answers: BTreeMap<String, Value>,
}

struct Account {
    hundredths: i64,
    blocked: bool,
    movements: Vec<String>,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            hundredths: OPENING,
            blocked: false,
            movements: vec!["-34,90 Trenitalia".to_owned(), "-8,40 Bar Centrale".to_owned()],
        }
    }
}

impl Accounts {
    /// What became of a wish, if it ever came.
    pub(super) fn known(&self, key: &str) -> Option<Value> {
        self.books().answers.get(key).cloned()
    }

    /// Does what is asked for, once under one key.
    pub(super) fn act(&self, key: &str, wish: &Wish) -> Value {
        let mut books = self.books();
        if let Some(answer) = books.answers.get(key) {
            return answer.clone();
        }
        let answer = books.accounts.entry(wish.number.clone()).or_default().act(wish);
        if books.answers.len() >= KEYS {
            books.answers.pop_first();
        }
        books.answers.insert(key.to_owned(), answer.clone());
        answer
    }

    fn books(&self) -> std::sync::MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    fn act(&mut self, wish: &Wish) -> Value {
        let italian = wish.language == "it";
        let say = |it: &'static str, en: &'static str| if italian { it } else { en };
        let vars = match wish.command.as_str() {
            "balance" => json!({ "balance": money(self.hundredths) }),
            "topup" => {
                let amount = wish.slots.get("amount").and_then(Value::as_str).unwrap_or_default();
                let Ok(hundredths) = amount.replace('.', "").parse::<i64>() else {
                    return json!({ "result": "refused" });
                };
                if hundredths > self.hundredths {
                    return json!({ "result": "refused", "code": "no_funds" });
                }
                self.hundredths -= hundredths;
                self.movements.insert(
                    0,
                    format!("-{} {}", amount.replace('.', ","), say("ricarica", "top-up")),
                );
                json!({ "balance": money(self.hundredths) })
            }
            "last_call_cost" => json!({ "cost": say("0,19 EUR (3 min 12 s)", "0.19 EUR (3 min 12 s)") }),
            "last_transactions" => {
                let count = wish.slots.get("count").and_then(Value::as_u64).unwrap_or(3);
                let count = usize::try_from(count).unwrap_or(3).min(5);
                let latest: Vec<&str> = self.movements.iter().take(count).map(String::as_str).collect();
                json!({ "transactions": latest.join("; ") })
            }
            "block_card" => {
                self.blocked = true;
                json!({})
            }
            "card_delivery" if self.blocked => {
                json!({ "status": say("quella nuova parte domani", "the new one leaves tomorrow") })
            }
            "card_delivery" => {
                json!({ "status": say("in consegna oggi tra le 14 e le 16", "out for delivery today, 2 to 4 pm") })
            }
            "data_usage" => json!({ "data": "12,4 GB", "minutes": say("340 minuti", "340 minutes") }),
            "offers_info" => json!({ "offers": say(
                "Lumen 50: 50 GB a 7,99 al mese. Lumen 150: 150 GB a 9,99.",
                "Lumen 50: 50 GB for 7.99 a month. Lumen 150: 150 GB for 9.99."
            ) }),
            "transfer_status" => json!({ "status": say("eseguito stamattina", "executed this morning") }),
            "apn_settings" => json!({}),
            _ => return json!({ "result": "refused" }),
        };
        json!({ "result": "ok", "vars": vars })
    }
}

fn money(hundredths: i64) -> String {
    format!("{},{:02} EUR", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(command: &str, amount: &str) -> Wish {
        Wish {
            command: command.to_owned(),
            number: "+393475550199".to_owned(),
            language: "it".to_owned(),
            slots: Map::from_iter([("amount".to_owned(), amount.into())]),
        }
    }

    #[test]
    fn a_top_up_moves_money_once_under_one_key() {
        let accounts = Accounts::default();
        assert_eq!(accounts.known("a"), None);
        for _ in 0..3 {
            let answer = accounts.act("a", &wish("topup", "10.00"));
            assert_eq!(answer["vars"]["balance"], "2408,06 EUR");
        }
        assert_eq!(accounts.known("a").unwrap()["result"], "ok");
        assert_eq!(
            accounts.act("b", &wish("topup", "10.00"))["vars"]["balance"],
            "2398,06 EUR"
        );
        assert_eq!(accounts.act("c", &wish("topup", "9000.00"))["code"], "no_funds");
    }

    #[test]
    fn every_command_has_an_answer() {
        let accounts = Accounts::default();
        for (n, command) in COMMANDS.iter().enumerate() {
            let answer = accounts.act(&n.to_string(), &wish(command, "10.00"));
            assert_eq!(answer["result"], "ok", "{command}");
        }
    }
}
