//! `[command.ID]`: the lints of the catalogue, each with the place of its key.

use super::Check;
use crate::command::catalogue::lint;

impl Check<'_> {
    pub(super) fn commands(&mut self) {
        for fault in lint(&self.config.command) {
            match &fault.other {
                Some(other) => self.disagrees(&fault.key, other, fault.cause, fault.cure),
                None => self.wrong(&fault.key, fault.cause, fault.cure),
            }
        }
    }
}
