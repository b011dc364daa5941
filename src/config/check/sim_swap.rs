//! `[sim_swap]`: whether it can be asked.

use std::time::Duration;

use super::{Check, secs};

impl Check<'_> {
    pub(super) fn sim_swap(&mut self) {
        let Some(sim_swap) = &self.config.sim_swap else { return };
        let example = "write e.g. url = \"https://operator.example/sim-swap/v0/check\"";
        self.target("sim_swap.url", &sim_swap.url, example);
        let hours = Duration::from_hours(1)..=Duration::from_hours(2_400);
        self.span("sim_swap.max_age", sim_swap.max_age, hours);
        if !sim_swap.max_age.as_secs().is_multiple_of(3_600) {
            let cause = "is no number of whole hours";
            self.wrong("sim_swap.max_age", cause, "write e.g. max_age = \"72h\"");
        }
        self.span(
            "sim_swap.timeout",
            sim_swap.timeout,
            Duration::from_millis(100)..=secs(30),
        );
        if !sim_swap.token.expose().bytes().all(|octet| octet.is_ascii_graphic()) {
            let cause = "is no token: it holds spaces, or what is not ASCII";
            self.wrong("sim_swap.token", cause, "give the token alone, without `Bearer`");
        }
    }
}
