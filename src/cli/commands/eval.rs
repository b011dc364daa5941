//! `araldo commands eval`: the matcher against labelled texts.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::wire::{flat, intent_and_ask, pending};
use crate::cli::Exit;
use crate::cli::table::Screen;
use crate::command::{Catalogue, Heard, Matcher};
use crate::domain::Name;

/// A labelled text.
#[derive(Debug, Deserialize)]
struct Labelled {
    text: String,
    intent: String,
    class: String,
    #[serde(default)]
    context: Option<String>,
    #[serde(default)]
    slots: Map<String, Json>,
    #[serde(default)]
    alternatives: Vec<String>,
}

/// How a text fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// As labelled.
    Right,
    /// A question that offers what is labelled; of a text that asks for nothing, any question.
    Asked,
    /// Nothing, though something is labelled; or a question without it.
    Missed,
    /// Another command.
    Wrong,
}

/// Texts by how they fared.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Tally {
    lines: u32,
    right: u32,
    asked: u32,
    missed: u32,
    wrong: u32,
}

/// What a run found.
#[derive(Debug, Default, Serialize)]
struct Score {
    classes: BTreeMap<String, Tally>,
    in_scope: Tally,
    out_of_scope: Tally,
    context: Tally,
    /// Of the texts in scope that were understood, those whose slots are all as labelled, and all.
    slots_right: u32,
    slots_of: u32,
    /// Commands that move money or harm, taken from texts that ask for something else.
    unrequested: u32,
    /// Yes taken from a text that is none.
    false_yes: u32,
    #[serde(skip)]
    mistakes: Vec<String>,
}

pub(super) fn run(
    matcher: &Matcher,
    catalogue: &Catalogue,
    files: &[PathBuf],
    today: Date,
    mistakes: bool,
    json: bool,
) -> io::Result<Exit> {
    let mut score = Score::default();
    for file in files {
        for text in read(file)? {
            score.hold(matcher, catalogue, &text, today);
        }
    }
    let mut screen = Screen::of_stdout(json);
    if screen.wants_json() {
        screen.json(&json!(score))?;
    } else {
        if mistakes {
            for mistake in &score.mistakes {
                screen.line(mistake)?;
            }
        }
        score.show(&mut screen)?;
    }
    screen.flush().map(|()| Exit::Ok)
}

/// The texts of a file. What cannot be read names its line.
fn read(file: &Path) -> io::Result<Vec<Labelled>> {
    let place = |error: &dyn std::fmt::Display| io::Error::other(format!("{}: {error}", file.display()));
    let text = fs::read_to_string(file).map_err(|error| place(&error))?;
    let chatter = file.extension().is_some_and(|extension| extension == "tsv");
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let labelled = lines.map(|(index, line)| {
        if chatter {
            let (label, text) = line
                .split_once('\t')
                .ok_or_else(|| place(&format!("line {}: no tab", index + 1)))?;
            return Ok(Labelled {
                text: text.to_owned(),
                intent: "oos".to_owned(),
                class: label.to_owned(),
                context: None,
                slots: Map::new(),
                alternatives: Vec::new(),
            });
        }
        serde_json::from_str(line).map_err(|error| place(&format!("line {}: {error}", index + 1)))
    });
    labelled.collect()
}

impl Score {
    fn hold(&mut self, matcher: &Matcher, catalogue: &Catalogue, labelled: &Labelled, today: Date) {
        let understanding = matcher.understand(&Heard {
            text: &labelled.text,
            address: None,
            // A question that we do not know is none.
            pending: pending(labelled.context.as_deref()).unwrap_or_default(),
            locale: None,
            today,
        });
        let (intent, ask) = intent_and_ask(&understanding.outcome);
        let mark = labelled.mark(&intent, &ask);
        self.classes.entry(labelled.class.clone()).or_default().add(mark);
        if labelled.alternatives.is_empty() {
            let group = match (&labelled.context, labelled.intent.as_str()) {
                (None, "oos") => &mut self.out_of_scope,
                (None, _) => &mut self.in_scope,
                (Some(_), _) => &mut self.context,
            };
            group.add(mark);
        }
        let other = intent != labelled.intent && !labelled.alternatives.contains(&intent);
        let delicate = Name::parse(&intent)
            .ok()
            .and_then(|name| catalogue.get(&name))
            .is_some_and(|command| command.is_delicate());
        self.unrequested += u32::from(other && delicate);
        self.false_yes += u32::from(other && intent == "confirm_yes");
        if mark == Mark::Right && intent != "oos" && labelled.alternatives.is_empty() {
            let slots = flat(&understanding.slots);
            self.slots_of += 1;
            self.slots_right += u32::from(slots == labelled.slots);
            if slots != labelled.slots {
                self.mistakes.push(format!(
                    "slots: {} is {}, not {}",
                    labelled.text,
                    json!(labelled.slots),
                    json!(slots)
                ));
            }
        }
        if mark != Mark::Right {
            let offered = if ask.is_empty() {
                String::new()
            } else {
                format!(" (ask: {})", ask.join(", "))
            };
            let line = format!(
                "{}: {} is {}, not {intent}{offered}; {}",
                labelled.class, labelled.text, labelled.intent, understanding.why
            );
            self.mistakes.push(line);
        }
    }

    fn show(&self, screen: &mut Screen) -> io::Result<()> {
        let mut rows = screen.rows(&["CLASS", "LINES", "RIGHT", "ASKED", "MISSED", "WRONG"], "no lines");
        for (class, tally) in &self.classes {
            screen.add(&mut rows, tally.cells(class));
        }
        for (group, tally) in [
            ("in scope", &self.in_scope),
            ("out of scope", &self.out_of_scope),
            ("with a question pending", &self.context),
        ] {
            if tally.lines > 0 {
                screen.add(&mut rows, tally.cells(group));
            }
        }
        screen.table(&rows)?;
        let resolved = percent(self.in_scope.right + self.in_scope.asked, self.in_scope.lines);
        screen.line(&format!(
            "resolved within one question {resolved}, slots right {}, unrequested sensitive acts {}, false yes {}",
            percent(self.slots_right, self.slots_of),
            self.unrequested,
            self.false_yes
        ))
    }
}

impl Labelled {
    fn mark(&self, intent: &str, ask: &[String]) -> Mark {
        if !self.alternatives.is_empty() {
            return match self.alternatives.iter().all(|one| ask.contains(one)) {
                true => Mark::Right,
                false if self.alternatives.iter().any(|one| one == intent || ask.contains(one)) => Mark::Asked,
                false if intent == "oos" => Mark::Missed,
                false => Mark::Wrong,
            };
        }
        if self.intent == "oos" {
            return match (intent, ask) {
                ("oos", []) => Mark::Right,
                ("oos", _) => Mark::Asked,
                _ => Mark::Wrong,
            };
        }
        if intent == self.intent {
            Mark::Right
        } else if ask.contains(&self.intent) {
            Mark::Asked
        } else if intent == "oos" {
            Mark::Missed
        } else {
            Mark::Wrong
        }
    }
}

impl Tally {
    fn add(&mut self, mark: Mark) {
        self.lines += 1;
        match mark {
            Mark::Right => self.right += 1,
            Mark::Asked => self.asked += 1,
            Mark::Missed => self.missed += 1,
            Mark::Wrong => self.wrong += 1,
        }
    }

    fn cells(&self, name: &str) -> [String; 6] {
        let share = |count| format!("{count} ({})", percent(count, self.lines));
        [
            name.to_owned(),
            self.lines.to_string(),
            share(self.right),
            share(self.asked),
            share(self.missed),
            share(self.wrong),
        ]
    }
}

fn percent(part: u32, whole: u32) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    format!("{:.1} %", f64::from(part) * 100.0 / f64::from(whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::catalogue::shipped;

    /// The file's score, from beside the repository or from its own copies; `None` where it is in neither.
    fn score(files: &[&str]) -> Option<Score> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let places = ["../shared/corpora", "../../shared/corpora", "tests/corpora"].map(|place| root.join(place));
        let catalogue = shipped();
        let matcher = Matcher::new(&catalogue);
        let mut score = Score::default();
        for file in files {
            let path = places.iter().map(|place| place.join(file)).find(|path| path.exists())?;
            for text in read(&path).unwrap() {
                score.hold(&matcher, &catalogue, &text, jiff::civil::date(2026, 3, 10));
            }
        }
        Some(score)
    }

    fn share(part: u32, whole: u32) -> f64 {
        f64::from(part) / f64::from(whole)
    }

    #[test]
    fn the_labelled_texts_are_understood_as_well_as_promised() {
        let score = score(&["commands.jsonl", "commands_noise.jsonl"]).unwrap();
        let (within, without, context) = (score.in_scope, score.out_of_scope, score.context);
        let mistakes = score.mistakes.join("\n");
        assert!(share(within.right, within.lines) >= 0.85, "{within:?}\n{mistakes}");
        assert!(
            share(within.right + within.asked, within.lines) >= 0.92,
            "{within:?}\n{mistakes}"
        );
        assert!(share(within.wrong, within.lines) <= 0.02, "{within:?}\n{mistakes}");
        assert!(share(without.right, without.lines) >= 0.90, "{without:?}\n{mistakes}");
        assert!(share(context.right, context.lines) >= 0.95, "{context:?}\n{mistakes}");
        assert_eq!(score.slots_right, score.slots_of, "{mistakes}");
        assert_eq!((score.unrequested, score.false_yes), (0, 0), "{mistakes}");
    }

    #[test]
    fn private_chatter_hardly_ever_fires_and_never_does_harm() {
        let Some(score) = score(&["sms_chatter.tsv"]) else {
            eprintln!("skipped: sms_chatter.tsv is not here, since its licence is in doubt");
            return;
        };
        let mistakes = score.mistakes.join("\n");
        assert!(
            share(score.out_of_scope.wrong, score.out_of_scope.lines) <= 0.005,
            "{mistakes}"
        );
        assert_eq!(score.unrequested, 0, "{mistakes}");
    }
}
