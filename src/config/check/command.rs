//! `[command.ID]`: the lints of the catalogue, each with the place of its key.

use super::Check;
use crate::command::catalogue::lint;
use crate::command::normalise::fold;
use crate::consent::Words;

impl Check<'_> {
    pub(super) fn commands(&mut self) {
        for fault in lint(&self.config.command) {
            match &fault.other {
                Some(other) => self.disagrees(&fault.key, other, fault.cause, fault.cure),
                None => self.wrong(&fault.key, fault.cause, fault.cure),
            }
        }
        self.shadowed();
    }

    /// Keywords that are a consent word of some language. The lint itself knows those of the catalogue, and the three that
    /// carriers ask for.
    fn shadowed(&mut self) {
        let commands = &self.config.command;
        let keywords = commands
            .values()
            .flat_map(|command| command.keywords.values().flatten());
        let words = Words::new([], keywords.map(String::as_str));
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
