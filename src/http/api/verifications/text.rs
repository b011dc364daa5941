//! What is said with a code, and how often.

use std::str::FromStr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::tz::TimeZone;
use minijinja::value::{Serde, Value};
use serde_json::Map;

use super::wish::VerificationWish;
use crate::accept::{Code, Fault};
use crate::config::{Config, ConfigError, Problem as ConfigProblem};
use crate::dialogue::{self, CODE_PATIENCE};
use crate::domain::{Name, UnixMillis};
use crate::http::problem::Problem;
use crate::notify::{Context, Locale, Rendered, Templates};
use crate::store::{Store, StoreError};
use crate::throttle::number::{MOST_NUMBERS, NumberThrottle};

/// In milliseconds.
const HOUR: i64 = 3_600_000;
/// The key of our own words.
const WORDS: &str = "verification";

/// What sends codes.
pub(in crate::http::api) struct Verifying {
    /// Our own words.
    words: ArcSwap<Templates>,
    /// The operator's instead.
    template: Option<Name>,
    throttle: NumberThrottle,
}

impl Verifying {
    pub(in crate::http::api) fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self {
            words: ArcSwap::new(Arc::new(code_words(config)?)),
            template: config.verification.template.clone(),
            throttle: NumberThrottle::new(config.verification.per_hour),
        })
    }

    /// Goes on with other words of our own.
    pub(in crate::http::api) fn renew(&self, words: Templates) {
        self.words.store(Arc::new(words));
    }

    /// Counts the codes that were sent within the last hour, by whichever process.
    pub(in crate::http::api) async fn recall(&self, store: &dyn Store, now: UnixMillis) -> Result<(), StoreError> {
        let since = UnixMillis(now.0.saturating_sub(HOUR));
        for (number, at) in store.codes(since, MOST_NUMBERS).await? {
            self.throttle.take(&number, at).ok();
        }
        Ok(())
    }

    /// Takes a place in the number's hour.
    pub(super) fn take(&self, number: &str, now: UnixMillis) -> Result<(), Problem> {
        self.throttle.take(number, now).map_err(|wait| {
            metrics::counter!("araldo_rate_limited_total", "scope" => "number").increment(1);
            let most = self.throttle.per_hour();
            let detail = format!("{most} codes an hour are sent to one number");
            Problem::with_detail(Code::RateLimited, detail)
                .with("limit", most)
                .retry_after(wait)
        })
    }

    /// The text that brings the code: of the request's template, the operator's, or our own.
    pub(super) fn text(
        &self,
        templates: &Templates,
        wish: &VerificationWish<'_>,
        code: &str,
    ) -> Result<Rendered, Vec<Fault>> {
        let locale = wish.locale.as_deref().map(Locale::from_str).transpose();
        let locale = locale.map_err(|error| vec![Fault::new("/locale", Code::TemplateFailed, error.to_string())])?;
        let minutes = CODE_PATIENCE.as_secs() / 60;
        let mut data = wish.vars.clone().unwrap_or_default();
        data.insert("code".to_owned(), code.into());
        data.insert("minutes".to_owned(), minutes.into());
        let context = context(&data);
        let given = wish.template.as_deref();
        let rendered = match given.or(self.template.as_ref().map(Name::as_str)) {
            Some(name) => templates.render(name, locale.as_ref(), &context),
            None => self.words.load().render(WORDS, locale.as_ref(), &context),
        }?;
        let shows = |rich: &crate::domain::Rich| rich.words().iter().any(|word| word.contains(code));
        if rendered.text.contains(code) && rendered.rich.as_ref().is_none_or(shows) {
            return Ok(rendered);
        }
        let fault = Fault::new("/template", Code::TemplateFailed, "does not say the code");
        Err(vec![fault.hint("write {{ code }} into it")])
    }
}

/// Our own words for a code, or the operator's for them.
pub(crate) fn code_words(config: &Config) -> Result<Templates, ConfigError> {
    let zone = TimeZone::get(&config.templates.time_zone).unwrap_or(TimeZone::UTC);
    let default = Locale::from_str(&config.templates.locale).unwrap_or_else(|_| Locale::english());
    let mut words = Templates::new(default, &zone, config.templates.fuel);
    let mut texts = dialogue::shipped().remove(WORDS).unwrap_or_default();
    texts.extend(config.two_way.words.get(WORDS).cloned().unwrap_or_default());
    let name = Name::parse(WORDS).map_err(|_| ConfigError::Invalid(Vec::new()))?;
    for (locale, text) in texts {
        words.add_text(&name, locale.code(), &text).map_err(|told| {
            let key = format!("two_way.words.{WORDS}.{locale}");
            ConfigError::Invalid(vec![ConfigProblem::new(key, told)])
        })?;
    }
    Ok(words)
}

/// A template finds the code as `code`, and beside its own values as `data.code`.
fn context(data: &Map<String, serde_json::Value>) -> Context {
    let mut context: Context = vec![("data".into(), Value::from(Serde(data)))];
    for name in ["code", "minutes"] {
        context.extend(data.get(name).map(|value| (name.into(), Value::from(Serde(value)))));
    }
    context
}
