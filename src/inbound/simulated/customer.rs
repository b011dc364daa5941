//! Customers, and the carrier that brings what they text until it is answered.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use rand::RngExt;
use rand::rngs::StdRng;
use sha2::{Digest, Sha256};

use super::world::{DAWN, World};
use crate::clock;
use crate::domain::{Msisdn, UnixMillis};
use crate::fixture::bind;
use crate::outbox::Outbox;
use crate::store::{MessageQuery, NewInbound, Store};

/// How often a customer looks at the phone, and the carrier tries.
const TICK: Duration = Duration::from_millis(500);
/// Wishes of each: with all that goes wrong beside them, no more texts than the fence lets through.
const WISHES: u8 = 2;
/// How long a customer waits for a code before asking for another sum.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long after the wish the last code that it may bring has come.
const SETTLED: Duration = Duration::from_secs(15);

pub(super) struct Customer {
    number: String,
    wishes: u8,
    step: Step,
    /// What is texted and not taken, the oldest first: what it says and the carrier's own id.
    texts: VecDeque<(String, String)>,
    /// Texts so far.
    count: u32,
    old_code: Option<String>,
}

/// How far the wish is.
enum Step {
    /// None, until then.
    Rests(UnixMillis),
    /// The sum was texted then, and its code is awaited.
    Asks(String, UnixMillis),
    /// Its code was texted then, and the end is awaited.
    Confirms(String, UnixMillis),
}

impl Customer {
    pub(super) fn new(n: usize, random: &mut StdRng) -> Self {
        Self {
            number: format!("39333{:07}", 3_000_000 + n),
            wishes: 0,
            step: Step::Rests(DAWN.after(Duration::from_millis(random.random_range(0..60_000)))),
            texts: VecDeque::new(),
            count: 0,
            old_code: None,
        }
    }

    fn text(&mut self, said: &str) {
        self.count += 1;
        let id = format!("{}-{}", self.number, self.count);
        self.texts.push_back((said.to_owned(), id));
    }
}

/// Lives as long as the process.
pub(super) async fn live(n: usize, world: Arc<Mutex<World>>, outbox: Outbox, store: Arc<dyn Store>) {
    loop {
        tokio::time::sleep(TICK).await;
        let next = world.lock().unwrap().customers[n].texts.front().cloned();
        match next {
            Some((said, id)) => bring(n, &world, &outbox, &said, &id).await,
            None => {
                let number = world.lock().unwrap().customers[n].number.clone();
                let phone = phone(&*store, &number).await;
                world.lock().unwrap().go_on(n, &phone);
            }
        }
    }
}

/// What the phone has, oldest first.
pub(super) async fn phone(store: &dyn Store, number: &str) -> Vec<String> {
    let query = MessageQuery {
        to: Some(Msisdn::written(number).unwrap()),
        limit: 1_000,
        ..MessageQuery::default()
    };
    let rows = store.messages(&query).await.unwrap().rows;
    rows.into_iter().rev().map(|record| record.text.into()).collect()
}

/// The carrier brings a text, which is its no more once it has heard that it was taken.
async fn bring(n: usize, world: &Mutex<World>, outbox: &Outbox, said: &str, id: &str) {
    let text = {
        let world = world.lock().unwrap();
        let (number, at) = (&world.customers[n].number, world.clock.now());
        NewInbound {
            id: clock::inbound_id(at),
            bind: bind(),
            from: number.as_str().into(),
            to: "12345".into(),
            data_coding: 0,
            esm_class: 0,
            octets: Bytes::new(),
            text: Some(said.into()),
            code: None,
            lossy: false,
            segment: None,
            carrier_message_id: world.names_texts.then(|| id.into()),
            digest: Sha256::digest(format!("{number} {said}")).into(),
            losses: world.losses.clone(),
            at,
            note: None,
            handled: None,
            consents: Vec::new(),
            answers: Vec::new(),
        }
    };
    let taken = outbox.inbound(text).await;
    let mut world = world.lock().unwrap();
    let lost = world.faults.answer_lost;
    let heard = taken.is_ok() && !world.fails(lost);
    world.note(format_args!("{id} brought: {taken:?}, heard: {heard}"));
    if heard {
        world.customers[n].texts.pop_front();
    } else {
        world.lose_answers();
    }
}

impl World {
    /// A customer whose texts are all taken looks at the phone.
    fn go_on(&mut self, n: usize, phone: &[String]) {
        let (now, errs) = (self.clock.now(), self.faults.errs);
        match &self.customers[n].step {
            Step::Rests(until) if *until <= now && self.customers[n].wishes < WISHES => {
                let sum = format!("{},{:02}", 10 + self.customers[n].wishes, n * 10 + self.count_of(n));
                let said = format!("ricarica {sum} euro");
                let twice = self.fails(errs);
                let customer = &mut self.customers[n];
                customer.wishes += 1;
                customer.text(&said);
                if twice {
                    customer.text(&said);
                }
                customer.step = Step::Asks(sum, now);
            }
            Step::Rests(_) => {}
            Step::Asks(sum, since) => {
                let (sum, waits) = (sum.clone(), now.since(*since));
                let asked = phone.iter().rev().find(|text| text.contains(&sum));
                match asked.and_then(|text| code(text)) {
                    Some(code) if waits >= SETTLED => self.confirm(n, &sum, &code),
                    None if waits >= PATIENCE => self.rest(n),
                    Some(_) | None => {}
                }
            }
            Step::Confirms(sum, since) => {
                let over = phone.iter().any(|text| end(text, sum).is_some());
                if over || now.since(*since) > Duration::from_mins(3) {
                    self.rest(n);
                }
            }
        }
    }

    fn count_of(&self, n: usize) -> usize {
        usize::from(self.customers[n].wishes)
    }

    /// Texts the code, perhaps after something that is none, perhaps twice.
    fn confirm(&mut self, n: usize, sum: &str, code: &str) {
        let errs = self.faults.errs;
        if self.fails(errs) {
            let wrong = match self.random.random_range(0..3) {
                0 => "sì".to_owned(),
                1 => another(code),
                _ => self.customers[n].old_code.clone().unwrap_or_else(|| another(code)),
            };
            self.customers[n].text(&wrong);
        }
        let twice = self.fails(errs);
        let customer = &mut self.customers[n];
        customer.text(code);
        if twice {
            customer.text(code);
        }
        customer.old_code = Some(code.to_owned());
        customer.step = Step::Confirms(sum.to_owned(), self.clock.now());
        *self.confirmed.entry(sum.to_owned()).or_default() += 1;
    }

    fn rest(&mut self, n: usize) {
        let rest = Duration::from_millis(self.random.random_range(40_000..90_000));
        self.customers[n].step = Step::Rests(self.clock.now().after(rest));
    }

    /// The numbers of all customers.
    pub(super) fn numbers(&self) -> Vec<String> {
        self.customers.iter().map(|customer| customer.number.clone()).collect()
    }
}

/// The end of a wish, where this text tells it.
pub(super) fn end<'a>(text: &'a str, sum: &str) -> Option<&'a str> {
    let (word, rest) = text.split_once(' ')?;
    (rest == sum && ["Fatto", "Rifiutato", "Fallito", "Ignoto"].contains(&word)).then_some(word)
}

/// The code in a text.
fn code(text: &str) -> Option<String> {
    let mut words = text.split(|c: char| !c.is_ascii_digit());
    words.find(|word| word.len() == 6).map(str::to_owned)
}

fn another(code: &str) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}
