//! Understanding a text, with a catalogue of fifty commands in six languages, and learning that catalogue.
//!
//! `cargo bench --bench command`, or for a quick look `cargo bench --bench command -- --quick`.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "a bench tells its figures")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use araldo::command::catalogue::{Catalogue, shipped};
use araldo::command::{Heard, Locale, Matcher};
use araldo::domain::Name;
use criterion::{Criterion, criterion_group, criterion_main};

/// Commands of the catalogue that is measured.
const COMMANDS: usize = 50;
/// What is promised of it: the time of one text in a hundred, of learning, and the memory held.
const SLOWEST: Duration = Duration::from_micros(200);
const LEARNING: Duration = Duration::from_secs(1);
const MOST_MEMORY: usize = 20 << 20;

const TEXTS: [&str; 12] = [
    "SALDO",
    "ricarica 20 euro al 333 1234567",
    "slado",
    "Buongiorno, vorrei sapere quanto credito mi rimane sul telefono grazie",
    "my wallet with all my cards was stolen please block everything now",
    "stato segnalazione TK-1029",
    "non voglio più ricevere i vostri messaggi",
    "ok see you later at the station, love you",
    "cuanto saldo me queda en la cuenta",
    "wo ist meine neue karte",
    "Ciao, domani sera andiamo tutti al cinema con Marta e poi a mangiare una pizza dalle parti della stazione, vieni anche tu? \
     Fammi sapere entro oggi che devo prenotare il tavolo",
    "asdfgh qwertyu zxcvbnm poiuyt",
];

/// The shipped commands, and the same again under other words until there are enough.
fn catalogue() -> Catalogue {
    let mut catalogue = shipped();
    let originals: Vec<_> = catalogue
        .iter()
        .filter(|(_, command)| command.answers.is_none())
        .collect();
    let originals: Vec<_> = originals
        .into_iter()
        .map(|(name, command)| (name.clone(), command.clone()))
        .collect();
    for round in 0.. {
        for (name, command) in &originals {
            if catalogue.len() >= COMMANDS {
                return catalogue;
            }
            let mut command = command.clone();
            for phrase in command
                .keywords
                .values_mut()
                .chain(command.examples.values_mut())
                .flatten()
            {
                // Other words of the same length and shape.
                *phrase = phrase
                    .split(' ')
                    .map(|word| format!("{word}{}", ["qua", "zor"][round % 2]))
                    .collect::<Vec<_>>()
                    .join(" ");
            }
            catalogue.insert(Name::parse(&format!("{name}_{round}")).unwrap(), command);
        }
    }
    catalogue
}

fn command(criterion: &mut Criterion) {
    let catalogue = catalogue();
    let (matcher, learning) = timed(|| Matcher::new(&catalogue));
    let today = jiff::civil::date(2026, 3, 10);
    let heard = |text| Heard {
        text,
        address: None,
        pending: None,
        locale: Some(Locale::It),
        today,
    };
    println!(
        "{} commands learnt in {learning:?}, {} KiB",
        catalogue.len(),
        matcher.size() / 1024
    );
    let slowest = percentile(|text| drop(black_box(matcher.understand(&heard(text)))));
    assert!(learning < LEARNING && matcher.size() < MOST_MEMORY && slowest < SLOWEST);

    let mut group = criterion.benchmark_group("command");
    for (name, text) in [
        ("keyword", TEXTS[0]),
        ("misspelt", TEXTS[2]),
        ("sentence", TEXTS[3]),
        ("chatter", TEXTS[10]),
    ] {
        group.bench_function(format!("understand/{name}"), |bencher| {
            bencher.iter(|| matcher.understand(&heard(black_box(text))));
        });
    }
    group.sample_size(10);
    group.bench_function("learn", |bencher| bencher.iter(|| Matcher::new(black_box(&catalogue))));
    group.finish();
}

/// The 99th percentile of single texts, which a mean does not show.
fn percentile(mut understand: impl FnMut(&'static str)) -> Duration {
    let texts = TEXTS.into_iter().cycle().take(12_000);
    let mut times: Vec<_> = texts.map(|text| timed(|| understand(text)).1).collect();
    times.sort();
    let slowest = times[times.len() * 99 / 100];
    println!("p50 {:?}, p99 {slowest:?}", times[times.len() / 2]);
    slowest
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let done = work();
    (done, begun.elapsed())
}

criterion_group!(benches, command);
criterion_main!(benches);
