//! `[command.ID]`: the lints of the catalogue, each with the place of its key.

use super::Check;
use crate::command::catalogue::{Confirmation, lint};
use crate::command::normalise::fold;
use crate::consent::Ear;

impl Check<'_> {
    pub(super) fn commands(&mut self) {
        for fault in lint(&self.config.command) {
            match &fault.other {
                Some(other) => self.disagrees(&fault.key, other, fault.cause, fault.cure),
                None => self.wrong(&fault.key, fault.cause, fault.cure),
            }
        }
        self.shadowed();
        self.forgeable();
        self.actions();
    }

    /// The sender of a text can be forged, and whoever forges it says yes, too.
    fn forgeable(&mut self) {
        for (name, command) in &self.config.command {
            if command.money && command.confirmation == Confirmation::Yes {
                let cause =
                    "moves money after a mere yes: the sender of a text can be forged, and a yes needs no phone";
                let key = format!("command.{name}.confirmation");
                self.warn(&key, cause, "write confirmation = \"code\"");
            }
        }
    }

    /// What is called, judged as webhooks are.
    fn actions(&mut self) {
        let config = self.config;
        for (name, command) in &config.command {
            let Some(action) = &command.action else { continue };
            let status = action.status_url.as_ref().map(|url| ("status_url", url));
            for (which, url) in [("url", &action.url)].into_iter().chain(status) {
                let key = format!("command.{name}.action.{which}");
                if !self.problems.iter().any(|problem| problem.key == key) {
                    self.target(&key, url, "write e.g. \"https://bank.example/actions/topup\"");
                }
            }
        }
    }

    /// Keywords that are a consent word of some language. The lint itself knows those of the catalogue, and the three that
    /// carriers ask for.
    fn shadowed(&mut self) {
        let commands = &self.config.command;
        // Whatever is heard as STOP once the daemon runs, with the topics that may be named beside it.
        let ear = Ear::new(self.config);
        let words = ear.words();
        let others = commands
            .iter()
            .filter(|(_, command)| command.consent.is_none() && command.answers.is_none());
        for (name, command) in others {
            for (locale, keywords) in &command.keywords {
                for (index, keyword) in keywords.iter().enumerate() {
                    let key = format!("command.{name}.keywords.{locale}[{index}]");
                    let told = self.problems.iter().any(|problem| problem.key == key);
                    // A soft one means what the operator says.
                    let Some(spoken) = words.hear(keyword).filter(|spoken| !spoken.soft && !told) else {
                        continue;
                    };
                    let (folded, word) = (fold(keyword), spoken.word);
                    let cause = format!("`{folded}` is a consent word ({word}), which is obeyed before any command");
                    self.wrong(&key, cause, "choose another keyword");
                }
            }
        }
    }
}
