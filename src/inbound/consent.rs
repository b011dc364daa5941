//! Consent words that wait for the pipeline: in long texts, beside a question, or said in other words.

use super::decide::{Plea, help, locale_of};
use super::turn::Decided;
use super::{Pipeline, say};
use crate::command::{self, Locale, Outcome, Why};
use crate::consent::{Heard, Reaction, Word};
use crate::domain::{Msisdn, UnixMillis};
use crate::store::two_way::QuestionChange;
use crate::store::{Between, Enqueue, Turn};

impl Pipeline {
    pub(super) fn has_commands(&self, between: &Between) -> bool {
        !self.book.is_empty() && self.book.listens_on(&between.address)
    }

    /// Whether the number may be sent a text by itself once more, and for this one.
    pub(super) fn has_room(&self, between: &Between, text: &str) -> bool {
        let (Between { number, address }, now) = (between, self.clock.now());
        self.consent.has_room(number, address, now) && self.limits.may_repeat(number, address, text, now)
    }

    /// A consent word that was not obeyed as it was stored: in a long text, one that means something else beside a
    /// question, or HELP.
    pub(super) fn hear(&self, decided: &Decided, between: &Between, text: &str, now: UnixMillis) -> Option<Reaction> {
        let question = decided.standing.question.as_ref();
        let pending = question.is_some_and(|question| question.expires_at > now);
        let reaction = self.heard(decided, text, pending)?;
        // A keyword of the operator's own comes before what its word means elsewhere.
        let command = reaction.spoken.soft && self.has_commands(between) && self.is_command(between, text, now);
        (!command).then_some(reaction)
    }

    fn heard(&self, decided: &Decided, text: &str, pending: bool) -> Option<Reaction> {
        let came = &decided.ready.joined.text;
        self.consent.hear(&Heard {
            text,
            from: &came.from,
            to: &came.to,
            at: came.at,
            pending,
        })
    }

    /// Whether the text is a word that ends messages where no question waits, and beside one leaves that.
    pub(super) fn leaves_question(&self, decided: &Decided, text: &str) -> bool {
        let stops = |reaction: Reaction| reaction.spoken.soft && reaction.spoken.word == Word::Stop;
        decided.standing.question.is_some() && self.heard(decided, text, false).is_some_and(stops)
    }

    fn is_command(&self, between: &Between, text: &str, now: UnixMillis) -> bool {
        let understanding = self.book.matcher().understand(&command::Heard {
            text,
            address: Some(&between.address),
            pending: None,
            locale: self.book.locale_of(&between.address),
            today: self.book.day(now),
        });
        let Outcome::Accept(name) = &understanding.outcome else {
            return false;
        };
        let command = self.book.command(name);
        matches!(understanding.why, Why::Keyword(_))
            && command.is_some_and(|command| command.consent.is_none() && command.answers.is_none())
    }

    /// What follows from a consent word goes into its turn. HELP is answered by the catalogue where that has a reply.
    pub(super) fn obey(&self, turn: &mut Turn, decided: &Decided, between: &Between, reaction: Reaction) -> String {
        let at = decided.ready.joined.text.at;
        let spoken = &reaction.spoken;
        if spoken.word == Word::Stop && spoken.topic.is_none() && decided.standing.question.is_some() {
            turn.question = Some(QuestionChange::Drop(between.clone()));
        }
        let room = self.has_room(between, decided.ready.joined.text.text.as_deref().unwrap_or_default());
        let helps = room && spoken.word == Word::Help;
        let help = helps.then(|| self.help(decided, between, reaction.locale)).flatten();
        let answered = room && help.is_none();
        let obeyed = self
            .consent
            .obey(reaction, &between.number, &between.address, at, answered);
        turn.consents = obeyed.consents;
        turn.messages.extend(help.or(obeyed.answer));
        obeyed.word.to_owned()
    }

    /// The catalogue's reply to HELP, where it has one for the address.
    fn help(&self, decided: &Decided, between: &Between, locale: Locale) -> Option<Enqueue> {
        let command = self.book.help().filter(|_| self.has_commands(between))?;
        let client = self.book.client(&between.address, Some(command))?;
        let person = decided.standing.person.as_ref();
        let chosen = person.and_then(|person| locale_of(person.language.as_deref()?));
        let (say, at) = (help(command.clone()), decided.ready.joined.text.at);
        let locale = chosen.unwrap_or(locale);
        say::message(&self.book, &self.intake, client, between, locale, &say, at)
    }

    /// What follows from a consent word that was said in other words.
    pub(super) fn plead(
        &self,
        turn: &mut Turn,
        plea: &Plea,
        locale: Locale,
        between: &Between,
        (text, at): (&str, UnixMillis),
    ) {
        let Ok(number) = Msisdn::written(&between.number) else {
            return;
        };
        let reaction = self.consent.understood(
            (plea.word, plea.topic.as_deref()),
            locale,
            &number,
            &between.address,
            at,
        );
        let answered = self.has_room(between, text);
        let obeyed = self
            .consent
            .obey(reaction, &between.number, &between.address, at, answered);
        turn.consents = obeyed.consents;
        turn.messages.extend(obeyed.answer);
    }
}
