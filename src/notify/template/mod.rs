//! Templates: files `NAME.LOCALE.txt`, and beside them `NAME.LOCALE.rcs.json`, parsed at start, rendered strictly and with
//! bounds.
//!
//! What is missing is an error rather than a gap in the text; null and lists are errors too. A template that loops runs
//! out of fuel, and one that writes without end meets [`MAX_TEXT`].

mod code;
mod filter;
mod known;
mod link;
mod load;
mod money;
mod order;
mod rich;
mod sample;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};

pub use link::LinkHost;
pub use rich::RichForm;
pub use sample::Sample;

use super::locale::Locale;
use crate::accept::{Code, Fault, Origin};
use crate::domain::{Name, Rich};

/// Octets that a rendered text may have: more than the longest message has, in the alphabet that needs the most.
const MAX_TEXT: usize = 128 << 10;

/// Items of a `range`.
const MAX_RANGE: usize = 10_000;

/// Every template, and the expressions of rules beside them, in one environment.
pub struct Templates {
    env: Environment<'static>,
    families: BTreeMap<Name, Family>,
    default_locale: Locale,
    dir: Option<PathBuf>,
}

/// One template in its languages.
#[derive(Clone, Debug, Default)]
pub struct Family {
    /// Its languages.
    pub locales: BTreeSet<Locale>,
    /// Those in which it has a text; in the others its rich form is said as text.
    pub texts: BTreeSet<Locale>,
    /// Its rich forms.
    pub rich: BTreeMap<Locale, RichForm>,
    /// Segments that its text may make; `None` as many as the route allows.
    pub max_segments: Option<u8>,
    /// Hosts that its links may lead to; empty is none.
    pub link_hosts: Vec<LinkHost>,
    /// Whether its texts are for the recipient's eyes alone.
    pub personal: bool,
}

/// A template's text.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// What it says.
    pub text: String,
    /// What it shows by RCS; `None` is the text.
    pub rich: Option<Rich>,
    /// The language that was found.
    pub locale: Locale,
    /// Segments that it may make.
    pub max_segments: Option<u8>,
    /// Whether it is for the recipient's eyes alone.
    pub personal: bool,
}

/// Why a template or expression cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    /// From 1.
    pub(super) line: usize,
    /// In words.
    pub(super) told: String,
}

impl Misfit {
    /// Of what the engine could not read.
    pub(super) fn of(error: &Error) -> Self {
        Self {
            line: error.line().unwrap_or(1),
            told: told(error),
        }
    }
}

/// Values by name, as templates and expressions see them.
pub type Context = Vec<(Arc<str>, Value)>;

impl Templates {
    /// No template yet.
    pub fn new(default_locale: Locale, zone: &TimeZone, fuel: u64) -> Self {
        let mut env = Environment::new();
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_auto_escape_callback(|_| AutoEscape::None);
        env.set_fuel(Some(fuel));
        env.set_recursion_limit(64);
        env.set_debug(false);
        // A block or comment on a line of its own leaves no line in the text.
        env.set_syntax(
            SyntaxConfig::builder()
                .trim_blocks(true)
                .lstrip_blocks(true)
                .build()
                .unwrap_or_default(),
        );
        env.set_formatter(|out, state, value| match value.kind() {
            ValueKind::None => Err(unprintable("null")),
            ValueKind::Seq | ValueKind::Iterable => Err(unprintable("a list")),
            ValueKind::Map => Err(unprintable("an object")),
            _ => minijinja::escape_formatter(out, state, value),
        });
        filter::add(&mut env, zone);
        // Fuel counts the steps of a text, and not those of a filter within one: with this, nothing that a filter walks
        // is longer than what an event may say.
        env.add_function("range", range);
        order::add(&mut env);
        Self {
            env,
            families: BTreeMap::new(),
            default_locale,
            dir: None,
        }
    }

    /// Adds a text that stands in no file. Its links may lead nowhere; its length is its user's business.
    pub fn add_text(&mut self, name: &Name, locale: &str, source: &str) -> Result<(), String> {
        let locale: Locale = locale
            .parse()
            .map_err(|error: super::locale::InvalidLocale| format!("`{locale}` {error}"))?;
        self.compile(&key(name.as_str(), &locale), source.to_owned())
            .map_err(|misfit| misfit.told)?;
        let family = self.families.entry(name.clone()).or_default();
        family.locales.insert(locale.clone());
        family.texts.insert(locale);
        Ok(())
    }

    /// Every template.
    pub fn families(&self) -> &BTreeMap<Name, Family> {
        &self.families
    }

    /// The language of a message that asks for none.
    pub fn default_locale(&self) -> &Locale {
        &self.default_locale
    }

    /// The text in the language asked for, or in the one that stands in for it. Links are checked; the length is not.
    pub fn render(&self, name: &str, wanted: Option<&Locale>, context: &Context) -> Result<Rendered, Vec<Fault>> {
        let one = |fault| vec![fault];
        let family = self.families.get(name).ok_or_else(|| vec![self.unknown(name)])?;
        let mut chain = Locale::chain(wanted, &self.default_locale);
        let found = chain.find_map(|locale| family.locales.iter().find(|known| known.as_str() == locale));
        let Some(locale) = found else {
            let known: Vec<_> = family.locales.iter().map(Locale::as_str).collect();
            let detail = "has no text in that language, nor in one that stands in for it";
            return Err(vec![
                Fault::new("/locale", Code::TemplateFailed, detail)
                    .of(Origin::template(name, None))
                    .hint(format!("it has {}", known.join(", "))),
            ]);
        };
        // Amounts and dates follow the region, where the text is in its language.
        let manner = wanted
            .filter(|wanted| wanted.language() == locale.language())
            .unwrap_or(locale);
        let key = key(name, locale);
        let locale_value = (Arc::from("locale"), Value::from(manner.as_str()));
        let all = Value::from_pairs(context.iter().cloned().chain([locale_value]));
        let form = family.rich.get(locale);
        let rich = form
            .map(|form| form.render(self, &all, &family.link_hosts))
            .transpose()?;
        let text = match &rich {
            Some(rich) if !family.texts.contains(locale) => rich.plain(),
            _ => self.text_of(name, &key, &all, family).map_err(one)?,
        };
        Ok(Rendered {
            text,
            rich,
            locale: locale.clone(),
            max_segments: family.max_segments,
            personal: family.personal,
        })
    }

    /// A text whose links lead where they may.
    fn text_of(&self, name: &str, key: &str, all: &Value, family: &Family) -> Result<String, Fault> {
        let text = self.text(key, all.clone()).map_err(|error| {
            Fault::new("/template", Code::TemplateFailed, self.explain(&error, all))
                .of(Origin::template(key, error.line()))
        })?;
        match link::stranger(&text, &family.link_hosts) {
            None => Ok(text),
            Some(host) => Err(link::not_allowed(name, &host).of(Origin::template(key, None))),
        }
    }

    fn text(&self, key: &str, context: Value) -> Result<String, Error> {
        let mut text = Bounded(Vec::with_capacity(256));
        self.env.get_template(key)?.render_captured_to(context, &mut text)?;
        let text = String::from_utf8(text.0).map_err(|_| Error::new(ErrorKind::WriteFailure, "is no text"))?;
        Ok(text.trim().to_owned())
    }

    /// What went wrong in a template or expression; of a variable that is not there, which.
    pub(super) fn explain(&self, error: &Error, context: &Value) -> String {
        match (error.kind(), error.name()) {
            (ErrorKind::UndefinedError, Some(key)) => self.missing(key, error.line(), context),
            _ => told(error),
        }
    }

    /// Says which variables of a line are not there.
    pub(super) fn missing(&self, key: &str, line: Option<usize>, context: &Value) -> String {
        let mut missing = BTreeSet::new();
        if let Ok(template) = self.env.get_template(key) {
            let line = template.source().lines().nth(line.unwrap_or(1).saturating_sub(1));
            let is_missing =
                |path: &String| line.is_some_and(|line| line.contains(path.as_str())) && !is_there(context, path);
            missing.extend(template.undeclared_variables(true).into_iter().filter(is_missing));
        }
        let named: Vec<String> = missing.into_iter().collect();
        let colon = if named.is_empty() { "" } else { ": " };
        format!("uses a variable that is not there{colon}{}", named.join(", "))
    }

    /// Whether what is compiled under a key looks up a variable.
    pub(super) fn uses(&self, key: &str, variable: &str) -> bool {
        let template = self.env.get_template(key);
        template.is_ok_and(|template| template.undeclared_variables(false).contains(variable))
    }

    /// The variables that a template looks up, as far as can be seen without running it.
    pub fn variables(&self, name: &Name, locale: &Locale) -> BTreeSet<String> {
        let template = self.env.get_template(&key(name.as_str(), locale));
        let mut variables: BTreeSet<String> = template.map_or_else(
            |_| BTreeSet::new(),
            |template| template.undeclared_variables(true).into_iter().collect(),
        );
        let form = self.families.get(name).and_then(|family| family.rich.get(locale));
        variables.extend(form.iter().flat_map(|form| form.variables(self)));
        variables
    }

    /// The values that the template's own comment gives as an example; `None` where it gives none and needs some.
    pub fn sample(&self, name: &Name, locale: &Locale) -> Option<Result<Sample, String>> {
        let template = self.env.get_template(&key(name.as_str(), locale)).ok();
        let read = template.and_then(|template| Sample::read(template.source()));
        read.or_else(|| self.variables(name, locale).is_empty().then(|| Ok(Sample::nothing())))
    }

    /// What to do so that there is a template.
    pub(super) fn how_to_add(&self, name: &str) -> String {
        let file = format!("{name}.{}.txt", self.default_locale);
        match &self.dir {
            Some(dir) => format!("add {file} to {}", dir.display()),
            None => {
                format!("there is no folder of templates: make `templates` beside the configuration file, with {file}")
            }
        }
    }

    /// The folder that they were read from.
    pub fn dir(&self) -> Option<&Path> {
        self.dir.as_deref()
    }

    pub(super) fn env(&self) -> &Environment<'static> {
        &self.env
    }

    pub(super) fn compile(&mut self, key: &str, source: String) -> Result<(), Misfit> {
        if let Some(misfit) = known::first_unknown(&self.env, &source) {
            return Err(misfit);
        }
        let misfit = |error: Error| Misfit::of(&error);
        let checked = match order::checked(&source)? {
            Cow::Borrowed(_) => None,
            Cow::Owned(checked) => Some(checked),
        };
        // What is wrong with it is told of what was written.
        self.env.add_template_owned(key.to_owned(), source).map_err(misfit)?;
        match checked {
            Some(checked) => self.env.add_template_owned(key.to_owned(), checked).map_err(misfit),
            None => Ok(()),
        }
    }

    pub(super) fn unknown(&self, name: &str) -> Fault {
        let known: Vec<&str> = self.families.keys().map(Name::as_str).collect();
        let shown: String = name.chars().take(64).flat_map(char::escape_default).collect();
        let fault = Fault::new(
            "/template",
            Code::UnknownTemplate,
            format!("there is no template `{shown}`"),
        );
        match crate::accept::nearest(name, &known) {
            Some(near) => fault.hint(format!("did you mean `{near}`?")),
            None => fault,
        }
    }
}

/// As the engine's own, with fewer items.
fn range(lower: isize, upper: Option<isize>, step: Option<isize>) -> Result<Value, Error> {
    let items = minijinja::functions::range(lower, upper, step)?;
    if items.len().is_none_or(|items| items > MAX_RANGE) {
        return Err(filter::wrong(format!("range gives more than {MAX_RANGE} items")));
    }
    Ok(items)
}

/// Under which a template is known, and shown in errors.
fn key(name: &str, locale: &Locale) -> String {
    format!("{name}.{locale}")
}

/// Whether the variables have something under a path such as `data.amount`.
fn is_there(context: &Value, path: &str) -> bool {
    let found = path
        .split('.')
        .try_fold(context.clone(), |here, name| here.get_attr(name));
    found.is_ok_and(|found| !found.is_undefined())
}

/// What went wrong, without the values that it went wrong with.
pub(super) fn told(error: &Error) -> String {
    let what = match error.kind() {
        ErrorKind::UndefinedError => "uses a variable that is not there",
        ErrorKind::OutOfFuel => "does not come to an end: it ran out of fuel",
        ErrorKind::WriteFailure => "writes a text too long to be sent",
        ErrorKind::UnknownFilter => "uses a filter that is not known",
        ErrorKind::SyntaxError => "has a syntax error",
        _ => "fails",
    };
    let detail = error.detail().filter(|_| error.kind() != ErrorKind::WriteFailure);
    let is_ours = std::error::Error::source(error).is_some_and(|source| source.is::<filter::OwnWords>());
    match detail {
        Some(detail) if is_ours => format!("{what}: {detail}"),
        Some(detail) => format!("{what}: {}", without_numbers(detail)),
        None => what.to_owned(),
    }
}

/// The engine's own sentences may repeat a value: nothing as long as a number or code is shown.
fn without_numbers(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut digits = 0;
    for c in text.chars().take(300) {
        digits = if c.is_ascii_digit() { digits + 1 } else { 0 };
        match digits {
            0..=3 => shown.push(c),
            4 => shown.push_str("***"),
            _ => {}
        }
    }
    shown
}

fn unprintable(what: &str) -> Error {
    Error::new(ErrorKind::BadSerialization, format!("{what} cannot stand in a text"))
}

/// A text with a bound.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if self.0.len() + octets.len() > MAX_TEXT {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "too long to be sent"));
        }
        self.0.extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
