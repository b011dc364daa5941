//! A rich message said in text, for SMS.

use std::borrow::Cow;

use super::{Card, Rich, Suggestion};

impl Rich {
    /// What it says as text: titles and texts, then a line an action with where it leads, then what may be replied. What
    /// stands there already is not said twice. Media are shown by their address only where there is nothing else.
    pub fn plain(&self) -> String {
        let mut lines = Lines::default();
        if let Some(text) = &self.text {
            lines.add(text);
        }
        for (index, card) in self.cards().iter().enumerate() {
            if index > 0 {
                lines.gap();
            }
            lines.card(card);
        }
        if let Some(file) = &self.media {
            lines.add(&file.url);
        }
        if self.carousel.is_some() && !self.suggestions.is_empty() {
            lines.gap();
        }
        lines.suggestions(&self.suggestions);
        lines.0
    }
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, line: &str) {
        let line = line.trim();
        if line.is_empty() {
            return;
        }
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.push_str(line);
    }

    /// An empty line before what follows.
    fn gap(&mut self) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
    }

    fn card(&mut self, card: &Card) {
        for text in [&card.title, &card.text].into_iter().flatten() {
            self.add(text);
        }
        let is_bare = card.title.is_none() && card.text.is_none();
        if let Some(media) = card.media.as_ref().filter(|_| is_bare) {
            self.add(&media.url);
        }
        self.suggestions(&card.suggestions);
    }

    fn suggestions(&mut self, suggestions: &[Suggestion]) {
        for suggestion in suggestions {
            match leads_to(suggestion) {
                Some(target) if !self.0.contains(&target) => self.add(&format!("{}: {target}", suggestion.label())),
                Some(_) | None => {}
            }
        }
        let replies: Vec<Cow<'_, str>> = suggestions.iter().filter_map(reply).collect();
        self.add(&replies.join(" / "));
    }
}

/// What may be texted instead of tapping: what a tap says, and before it the label where that is something else.
fn reply(suggestion: &Suggestion) -> Option<Cow<'_, str>> {
    let (label, says) = (suggestion.label(), suggestion.says()?);
    let is_same = label.trim().to_lowercase() == says.trim().to_lowercase();
    Some(match is_same {
        true => Cow::Borrowed(label),
        false => Cow::Owned(format!("{label}: {says}")),
    })
}

/// What a reader of text can do instead of tapping; `None` where there is nothing.
fn leads_to(suggestion: &Suggestion) -> Option<String> {
    match suggestion {
        Suggestion::Reply { .. } | Suggestion::ShareLocation { .. } => None,
        Suggestion::Link { url, .. } => Some(url.clone()),
        Suggestion::Dial { number, .. } => Some(number.clone()),
        Suggestion::Location {
            at,
            name,
            search,
            otherwise,
            ..
        } => {
            let position = || at.map(|at| format!("{:.5},{:.5}", at.latitude, at.longitude));
            otherwise
                .clone()
                .or_else(|| name.clone())
                .or_else(|| search.clone())
                .or_else(position)
        }
        Suggestion::Calendar {
            title,
            starts_at,
            otherwise,
            ..
        } => Some(
            otherwise
                .clone()
                .unwrap_or_else(|| format!("{title}, {}", clock_time(starts_at))),
        ),
    }
}

/// A time as people write it, by the clock of the zone in which it was given.
fn clock_time(time: &str) -> String {
    let zone = if time.ends_with(['Z', 'z']) { " UTC" } else { "" };
    match (time.get(..10), time.get(11..16)) {
        (Some(day), Some(hour)) => format!("{day} {hour}{zone}"),
        _ => time.to_owned(),
    }
}
