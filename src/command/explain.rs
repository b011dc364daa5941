//! Each stage of the matcher for one text, as `araldo commands explain` shows it.

use super::matcher::{Heard, Matcher, Understanding};
use super::normalise::{fold, tokens};
use super::reading::Reading;
use super::{Locale, feature};
use crate::domain::Name;

/// What each stage made of a text.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The language guessed.
    pub locale: Locale,
    /// The folded view.
    pub folded: String,
    /// Text-speak spelt out.
    pub spelt_out: String,
    /// Misspelt words set right; `None` where there are none.
    pub corrected: Option<String>,
    /// What is left without courtesy, values and the frame of a request.
    pub content: String,
    /// What the model says of every command, the likeliest first, whether it was asked or not.
    pub model: Vec<(Name, f32)>,
    /// The model's probability of ordinary chatter.
    pub chatter: f32,
    /// What came of it.
    pub understanding: Understanding,
}

impl Matcher {
    /// Goes through every stage, also those that a text would not reach.
    pub fn explain(&self, heard: &Heard<'_>) -> Explanation {
        let tokens = tokens(heard.text);
        let reading = Reading::new(&tokens, heard.text, heard.locale);
        let corrected = reading.corrected(&self.speller);
        let seen = corrected.as_ref().unwrap_or(&reading);
        let mut probabilities = self.model.predict(&feature::features(seen, &self.counts, 0));
        let chatter = probabilities.pop().unwrap_or_default();
        let named = self.classes.iter().map(|index| self.names[*index].clone());
        let mut model: Vec<(Name, f32)> = named.zip(probabilities).collect();
        model.sort_by(|one, other| other.1.total_cmp(&one.1));
        let content: Vec<&str> = seen.content(true).map(|word| word.text.as_str()).collect();
        Explanation {
            locale: reading.locale,
            folded: fold(heard.text),
            spelt_out: words(&reading),
            content: content.join(" "),
            corrected: corrected.as_ref().map(words),
            model,
            chatter,
            understanding: self.understand(heard),
        }
    }
}

fn words(reading: &Reading) -> String {
    let words: Vec<&str> = reading.words.iter().map(|word| word.text.as_str()).collect();
    words.join(" ")
}
