//! `[event.NAME]`: which events it is for, and what messages they make.

use std::str::FromStr;
use std::time::Duration;

use glob::Pattern;
use jiff::Timestamp;
use minijinja::value::{Value, ValueKind};

use super::event::Event;
use super::expression::Expression;
use super::literal;
use super::locale::Locale;
use super::template::{Context, Misfit, Templates, told};
use crate::accept::{Code, Fault, nearest};
use crate::config::{EventConfig, Problem, Truth, Words};
use crate::domain::{Class, Name, UnixMillis};

/// A rule, compiled.
pub(super) struct Rule {
    pub(super) name: Name,
    types: Vec<Pattern>,
    sources: Vec<Pattern>,
    clients: Vec<Name>,
    when: Option<Expression>,
    to: Vec<Expression>,
    template: Expression,
    locale: Option<Expression>,
    class: Option<Expression>,
    from: Option<Expression>,
    channels: Vec<Expression>,
    validity: Option<Expression>,
    not_before: Option<Expression>,
    reference: Option<Expression>,
    personal: Option<Expression>,
    always_personal: bool,
}

/// A message that a rule asks for.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) to: String,
    pub(super) template: String,
    pub(super) locale: Option<Locale>,
    pub(super) class: Option<String>,
    pub(super) from: Option<String>,
    pub(super) channels: Option<Vec<String>>,
    pub(super) not_before: Option<String>,
    pub(super) expires_at: Option<String>,
    pub(super) reference: String,
    /// Whether it is for the recipient's eyes alone.
    pub(super) personal: bool,
    /// Which of several recipients it is for, from 1; `None` where there is one.
    pub(super) recipient: Option<usize>,
    /// With `recipient` among them.
    pub(super) context: Context,
}

/// What a rule is run over.
pub(super) struct Matter<'a> {
    pub(super) templates: &'a Templates,
    pub(super) event: &'a Event,
    pub(super) context: &'a Context,
    pub(super) now: UnixMillis,
    /// Messages that the event may make.
    pub(super) most: usize,
}

impl Rule {
    /// Compiles a rule. Everything wrong with it is told.
    pub(super) fn compile(
        name: &Name,
        config: &EventConfig,
        templates: &mut Templates,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut compiler = Compiler {
            name,
            templates,
            problems,
        };
        if !config.template.contains("{{") && !compiler.templates.families().contains_key(config.template.as_str()) {
            let fault = compiler.templates.unknown(&config.template);
            let cure = fault.hint.map_or_else(
                || compiler.templates.how_to_add(&config.template),
                |hint| hint.into_owned(),
            );
            compiler.wrong("template", fault.detail, cure);
        }
        compiler.falls_back(&config.template, config.locale.as_deref());
        Self {
            types: compiler.patterns("type", &config.types),
            sources: compiler.patterns("source", &config.source),
            clients: config.client.clone(),
            when: config.when.as_deref().map(|when| compiler.condition(when)),
            to: compiler.all("to", &config.to),
            template: compiler.one("template", &config.template),
            locale: compiler.optional("locale", config.locale.as_deref()),
            class: compiler.optional("class", config.class.as_deref()),
            from: compiler.optional("from", config.from.as_deref()),
            channels: compiler.all("channels", &config.channels),
            validity: compiler.optional("validity", config.validity.as_deref()),
            not_before: compiler.optional("not_before", config.not_before.as_deref()),
            reference: compiler.optional("reference", config.reference.as_deref()),
            personal: match &config.personal {
                Truth::Known(_) => None,
                Truth::Asked(asked) => Some(compiler.one("personal", asked)),
            },
            always_personal: config.personal == Truth::Known(true),
            name: name.clone(),
        }
    }

    /// Whether the rule knows events of this type, from whatever source.
    pub(super) fn knows_type(&self, event: &Event) -> bool {
        self.types.iter().any(|kind| kind.matches(event.kind()))
    }

    /// Whether the rule knows such events of this client's, whatever they say.
    pub(super) fn knows(&self, client: &Name, event: &Event) -> bool {
        self.knows_type(event)
            && (self.sources.is_empty() || self.sources.iter().any(|source| source.matches(event.source())))
            && (self.clients.is_empty() || self.clients.contains(client))
    }

    /// The messages that it asks for; none where its condition does not hold.
    pub(super) fn drafts(&self, matter: &Matter<'_>) -> Result<Vec<Draft>, Vec<Fault>> {
        let one = |fault| vec![fault];
        let all = Value::from_pairs(matter.context.iter().cloned());
        if let Some(when) = &self.when
            && !self.value(matter, "when", when, &all).map_err(one)?.is_true()
        {
            return Ok(Vec::new());
        }
        let recipients = self.recipients(matter, &all).map_err(one)?;
        let mut drafts = Vec::with_capacity(recipients.len());
        let mut faults = Vec::new();
        let several = recipients.len() > 1;
        for (number, recipient) in (1..).zip(recipients) {
            let number = several.then_some(number);
            match self.draft(matter, recipient) {
                Ok(draft) => drafts.push(Draft {
                    recipient: number,
                    ..draft
                }),
                Err(fault) => faults.push(self.fault_of(number, fault)),
            }
        }
        if faults.is_empty() { Ok(drafts) } else { Err(faults) }
    }

    /// Numbers, or objects with `to`.
    fn recipients(&self, matter: &Matter<'_>, all: &Value) -> Result<Vec<Value>, Fault> {
        let mut recipients = Vec::new();
        for to in &self.to {
            let value = self.value(matter, "to", to, all)?;
            match value.kind() {
                ValueKind::Seq | ValueKind::Iterable => {
                    let items = value.try_iter().map_err(|error| self.fault("to", &told(&error)))?;
                    // One more than allowed is enough to know.
                    recipients.extend(items.take(matter.most + 1));
                }
                _ => recipients.push(value),
            }
        }
        // Null is nobody, as for the co-holder of a card that has none.
        recipients.retain(|recipient| !recipient.is_none());
        if recipients.len() > matter.most {
            let detail = format!("gives more than {} recipients", matter.most);
            return Err(self.fault("to", &detail).limit(matter.most));
        }
        Ok(recipients)
    }

    fn draft(&self, matter: &Matter<'_>, recipient: Value) -> Result<Draft, Fault> {
        let (to, own_locale) = match recipient.kind() {
            ValueKind::String | ValueKind::Number => (Some(recipient.to_string()), None),
            ValueKind::Map => {
                let member = |name: &str| {
                    recipient
                        .get_attr(name)
                        .ok()
                        .filter(|value| value.kind() == ValueKind::String)
                };
                (member("to").map(|to| to.to_string()), member("locale"))
            }
            _ => (None, None),
        };
        let own_locale = own_locale.filter(|locale: &Value| locale.as_str() != Some(""));
        let to = to.ok_or_else(|| self.fault("to", "gives something else than a number or an object with `to`"))?;
        let mut context = matter.context.clone();
        context.push(("recipient".into(), recipient));
        let all = Value::from_pairs(context.iter().cloned());
        let word = |name: &'static str, expression: &Option<Expression>| match expression {
            Some(expression) => self.word(matter, name, expression, &all),
            None => Ok(None),
        };
        let locale = match own_locale {
            Some(own) => Some(own.to_string()),
            None => word("locale", &self.locale)?,
        };
        let locale = match locale.as_deref().map(Locale::from_str) {
            None => None,
            Some(Ok(locale)) => Some(locale),
            Some(Err(error)) => return Err(self.fault("locale", &error.to_string())),
        };
        let template = self
            .word(matter, "template", &self.template, &all)?
            .ok_or_else(|| self.fault("template", "gives no template"))?;
        let class = word("class", &self.class)?;
        if let Some(class) = &class
            && Class::from_str(class).is_err()
        {
            let known = Class::ALL.map(Class::as_str);
            let fault = self.fault(
                "class",
                &format!("gives no class: it must be one of {}", known.join(", ")),
            );
            return Err(match nearest(class, &known) {
                Some(near) => fault.hint(format!("did you mean `{near}`?")),
                None => fault,
            });
        }
        let not_before = word("not_before", &self.not_before)?
            .map(|at| self.moment("not_before", &at, matter.now))
            .transpose()?;
        let start = not_before.unwrap_or(matter.now).max(matter.now);
        let expires_at = word("validity", &self.validity)?
            .map(|span| self.moment("validity", &span, start))
            .transpose()?;
        Ok(Draft {
            to,
            template,
            locale,
            class,
            from: word("from", &self.from)?,
            channels: self.channels(matter, &all)?,
            not_before: not_before.map(|at| at.to_string()),
            expires_at: expires_at.map(|at| at.to_string()),
            // An id longer than a reference may be is cut; the timeline names it whole.
            reference: word("reference", &self.reference)?
                .unwrap_or_else(|| matter.event.id().chars().take(crate::accept::MAX_REFERENCE).collect()),
            personal: self.personal(matter, &all)?,
            recipient: None,
            context,
        })
    }

    /// A fault of the rule's own, with the recipient that it is about where there are several.
    fn fault_of(&self, recipient: Option<usize>, fault: Fault) -> Fault {
        let prefix = format!("rule {}: ", self.name);
        match (recipient, fault.detail.strip_prefix(&prefix)) {
            (Some(number), Some(detail)) => Fault {
                detail: format!("{prefix}recipient {number}: {detail}"),
                ..fault
            },
            _ => fault,
        }
    }

    fn personal(&self, matter: &Matter<'_>, all: &Value) -> Result<bool, Fault> {
        let Some(personal) = &self.personal else {
            return Ok(self.always_personal);
        };
        let value = self.value(matter, "personal", personal, all)?;
        match value.kind() {
            ValueKind::Bool => Ok(value.is_true()),
            ValueKind::None => Ok(false),
            _ => Err(self.fault("personal", "gives neither true nor false")),
        }
    }

    fn channels(&self, matter: &Matter<'_>, all: &Value) -> Result<Option<Vec<String>>, Fault> {
        let mut channels = Vec::new();
        for channel in &self.channels {
            let value = self.value(matter, "channels", channel, all)?;
            match value.kind() {
                ValueKind::Seq | ValueKind::Iterable => {
                    let items = value
                        .try_iter()
                        .map_err(|error| self.fault("channels", &told(&error)))?;
                    channels.extend(items.take(8).map(|item| item.to_string()));
                }
                ValueKind::None => {}
                _ => channels.push(value.to_string()),
            }
        }
        channels.retain(|channel| !channel.is_empty());
        Ok((!channels.is_empty()).then_some(channels))
    }

    /// A time, or a span from `start`.
    fn moment(&self, name: &str, text: &str, start: UnixMillis) -> Result<UnixMillis, Fault> {
        if let Ok(at) = text.parse::<Timestamp>() {
            return Ok(at.into());
        }
        match humantime::parse_duration(text) {
            Ok(span) if span <= Duration::from_hours(24 * 366) => Ok(start.after(span)),
            _ => Err(self.fault(
                name,
                "gives neither a span such as 2h nor a time in RFC 3339 with its zone",
            )),
        }
    }

    /// A text; `None` where the expression gives null or nothing.
    fn word(
        &self,
        matter: &Matter<'_>,
        name: &'static str,
        expression: &Expression,
        all: &Value,
    ) -> Result<Option<String>, Fault> {
        let value = self.value(matter, name, expression, all)?;
        match value.kind() {
            ValueKind::None => Ok(None),
            ValueKind::String | ValueKind::Number => Ok(Some(value.to_string()).filter(|text| !text.is_empty())),
            _ => Err(self.fault(name, "gives no text")),
        }
    }

    fn value(
        &self,
        matter: &Matter<'_>,
        name: &'static str,
        expression: &Expression,
        all: &Value,
    ) -> Result<Value, Fault> {
        expression
            .value(matter.templates, all)
            .map_err(|told| self.fault(name, &told))
    }

    fn fault(&self, expression: &str, detail: &str) -> Fault {
        let detail = format!("rule {}: {expression} {detail}", self.name);
        Fault::new("/data", Code::ExpressionFailed, detail).in_rule(self.name.as_str(), expression)
    }
}

struct Compiler<'a> {
    name: &'a Name,
    templates: &'a mut Templates,
    problems: &'a mut Vec<Problem>,
}

impl Compiler<'_> {
    fn wrong(&mut self, key: &str, cause: impl Into<String>, cure: impl Into<String>) {
        let key = format!("event.{}.{key}", self.name);
        self.problems.push(Problem::new(key, cause).cure(cure));
    }

    fn one(&mut self, key: &str, source: &str) -> Expression {
        let compiled = Expression::compile(self.templates, self.key(key), source);
        self.good(key, compiled)
    }

    fn optional(&mut self, key: &str, source: Option<&str>) -> Option<Expression> {
        source.map(|source| self.one(key, source))
    }

    fn all(&mut self, key: &str, sources: &Words) -> Vec<Expression> {
        let sources = sources.iter().enumerate();
        sources
            .map(|(index, source)| self.indexed(key, index, source))
            .collect()
    }

    fn indexed(&mut self, key: &str, index: usize, source: &str) -> Expression {
        let compiled = Expression::compile(self.templates, format!("{}[{index}]", self.key(key)), source);
        self.good(key, compiled)
    }

    fn condition(&mut self, source: &str) -> Expression {
        let trimmed = source.trim();
        let inner = trimmed
            .strip_prefix("{{")
            .and_then(|rest| rest.strip_suffix("}}"))
            .unwrap_or(trimmed);
        let compiled = Expression::condition(self.templates, self.key("when"), inner);
        self.good("when", compiled)
    }

    fn good(&mut self, key: &str, compiled: Result<Expression, Misfit>) -> Expression {
        match compiled {
            Ok(expression) => {
                self.check(key, &expression);
                expression
            }
            Err(misfit) => {
                let cure = match key {
                    "when" => "write a condition such as \"data.amount > 100\"",
                    _ => "write a literal, or an expression such as \"{{ data.msisdn }}\"",
                };
                self.wrong(key, format!("the expression {}", misfit.told), cure);
                Expression::Literal("".into())
            }
        }
    }

    /// What no event could make good.
    fn check(&mut self, key: &str, expression: &Expression) {
        match expression {
            Expression::Literal(text) => {
                if let Err((cause, cure)) = literal::check(key, text) {
                    self.wrong(key, cause, cure);
                }
            }
            Expression::Value { key: compiled } | Expression::Text { key: compiled } => {
                let early = matches!(key, "when" | "to") && self.templates.uses(compiled, "recipient");
                if early {
                    let cause = "uses `recipient`, which there is only once `to` has given it";
                    self.wrong(key, cause, "use `data`, or let the template tell recipients apart");
                }
            }
        }
    }

    /// Whether a template has a text for a recipient who asks for no language.
    fn falls_back(&mut self, template: &str, locale: Option<&str>) {
        let is_literal = |text: &str| !text.contains("{{") && !text.contains("{%");
        let (Some(family), true) = (self.templates.families().get(template), locale.is_none_or(is_literal)) else {
            return;
        };
        let wanted: Option<Locale> = locale.and_then(|locale| locale.parse().ok());
        let default = self.templates.default_locale();
        let is_there = |locale: &str| family.locales.iter().any(|known| known.as_str() == locale);
        let found = Locale::chain(wanted.as_ref(), default).any(is_there);
        if found {
            return;
        }
        let first = wanted.as_ref().unwrap_or(default);
        let known: Vec<_> = family.locales.iter().map(Locale::as_str).collect();
        let cause = format!(
            "`{template}` has no text in {first}, nor in one that stands in for it: it has {}",
            known.join(", ")
        );
        let cure = format!("add {template}.{first}.txt, or name the language with `locale`");
        self.wrong("template", cause, cure);
    }

    fn patterns(&mut self, key: &str, words: &Words) -> Vec<Pattern> {
        let mut patterns = Vec::new();
        for word in words.iter() {
            match Pattern::new(word) {
                Ok(pattern) => patterns.push(pattern),
                Err(error) => self.wrong(
                    key,
                    format!("`{word}` is no pattern: {}", error.msg),
                    "use * for any characters",
                ),
            }
        }
        patterns
    }

    /// No template's key has a blank.
    fn key(&self, key: &str) -> String {
        format!("event {} {key}", self.name)
    }
}
