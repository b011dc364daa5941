//! Understanding a text, with a catalogue of fifty commands in six languages, and learning that catalogue.
//!
//! `cargo bench --bench command`, or for a quick look `cargo bench --bench command -- --quick`.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "a bench tells its figures")]

use std::hint::black_box;
use std::time::Instant;

use araldo::command::catalogue::{Catalogue, shipped};
use araldo::command::{Heard, Locale, Matcher};
use araldo::domain::Name;
use criterion::{Criterion, criterion_group, criterion_main};

/// Commands of the catalogue that is measured.
const COMMANDS: usize = 50;

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
    let matcher = Matcher::new(&catalogue);
    let today = jiff::civil::date(2026, 3, 10);
    let heard = |text| Heard {
        text,
        address: None,
        pending: None,
        locale: Some(Locale::It),
        today,
    };
    println!("{} commands, {} KiB", catalogue.len(), matcher.size() / 1024);
    percentile(|text| drop(black_box(matcher.understand(&heard(text)))));

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
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn percentile(mut understand: impl FnMut(&'static str)) {
    let mut times: Vec<_> = TEXTS
        .into_iter()
        .cycle()
        .take(12_000)
        .map(|text| {
            let begun = Instant::now();
            understand(text);
            begun.elapsed()
        })
        .collect();
    times.sort();
    println!(
        "p50 {:?}, p99 {:?}",
        times[times.len() / 2],
        times[times.len() * 99 / 100]
    );
}

criterion_group!(benches, command);
criterion_main!(benches);
