//! `araldo template …`: the texts of messages, tried before anybody gets one.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use araldo_sms::{Measure, SplitOptions, measure};
use clap::Subcommand;
use minijinja::value::{Serde, Value};
use serde_json::{Value as Json, json};

use super::table::Screen;
use super::{Exit, Global, report};
use crate::accept::Fault;
use crate::config::{Config, Origins};
use crate::domain::Name;
use crate::notify::{Context, Event, Locale, Notifier, Rendered, Templates};

/// What to do with templates. Reads the configuration, and needs no daemon.
#[derive(Clone, Debug, Subcommand)]
pub enum TemplateVerb {
    /// Check every template in every language: syntax, variables, the size of its sample, languages that it lacks.
    #[command(
        after_help = "Exit code: 1 if a sample fails or is too long, 3 if there is no template, 78 if a template or rule is wrong, else 0."
    )]
    Check {
        /// Only this template.
        name: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Render a template, and say what it would cost.
    #[command(
        after_help = "Example:\n  araldo template render card_shipped --locale it --vars '{\"card\":\"*1234\",\"arrives\":\"2026-11-26\"}'\n\nExit code: 1 if it cannot be rendered, 3 if there is no such template, else 0."
    )]
    Render {
        /// The template.
        name: String,
        /// The language [default: that of the configuration].
        #[arg(long)]
        locale: Option<String>,
        /// What the template calls `data`, as a JSON object [default: the template's sample].
        #[arg(long, value_name = "JSON", conflicts_with = "event")]
        vars: Option<String>,
        /// A structured CloudEvent to render it for.
        #[arg(long, value_name = "FILE")]
        event: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// One template in one language.
struct Checked {
    name: Name,
    locale: Locale,
    variables: BTreeSet<String>,
    /// Of its sample, where it has one.
    sample: Option<Result<Sized, String>>,
    missing: Vec<String>,
}

/// A text and its size.
struct Sized {
    text: String,
    measure: Measure,
}

impl TemplateVerb {
    /// Does it.
    pub fn run(&self, global: &Global) -> Exit {
        let loaded = Config::load_without_secrets(&global.load_options()).and_then(|config| {
            Ok((
                Notifier::load(&config, &Origins::default())?,
                config.outbox.max_segments,
            ))
        });
        let (notifier, most) = match loaded {
            Ok(loaded) => loaded,
            Err(error) => return report(&error, &mut io::stderr().lock()).unwrap_or(Exit::Config),
        };
        let desk = Desk {
            templates: &notifier.templates,
            most,
        };
        let done = match self {
            Self::Check { name, json } => desk.check(name.as_deref(), *json),
            Self::Render {
                name,
                locale,
                vars,
                event,
                json,
            } => {
                let given = match (vars, event) {
                    (Some(vars), _) => Given::Vars(vars),
                    (None, Some(file)) => Given::Event(file),
                    (None, None) => Given::Sample,
                };
                desk.show(name, locale.as_deref(), &given, *json)
            }
        };
        match done {
            Ok(exit) => exit,
            // Whoever reads has had enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
            Err(_) => Exit::Io,
        }
    }
}

/// What a template is rendered with.
enum Given<'a> {
    Vars(&'a str),
    Event(&'a PathBuf),
    Sample,
}

struct Desk<'a> {
    templates: &'a Templates,
    /// Segments of a text where its template says nothing.
    most: u8,
}

impl Desk<'_> {
    fn check(&self, only: Option<&str>, json: bool) -> io::Result<Exit> {
        let mut screen = Screen::of_stdout(json);
        let all: BTreeSet<&Locale> = self
            .templates
            .families()
            .values()
            .flat_map(|family| &family.locales)
            .collect();
        let mut checked = Vec::new();
        for (name, family) in self.templates.families() {
            if only.is_some_and(|only| only != name.as_str()) {
                continue;
            }
            for locale in &family.locales {
                // Italian stands in for that of Switzerland.
                let covers = |known: &Locale| {
                    family
                        .locales
                        .iter()
                        .any(|own| own == known || own.as_str() == known.language())
                };
                let missing = all.iter().filter(|known| !covers(known));
                checked.push(Checked {
                    name: name.clone(),
                    locale: locale.clone(),
                    variables: self.templates.variables(name, locale),
                    sample: self.sample(name, locale),
                    missing: missing.map(ToString::to_string).collect(),
                });
            }
        }
        if let Some(only) = only.filter(|_| checked.is_empty()) {
            return not_found(only);
        }
        if checked.is_empty() {
            eprintln_line(&match self.templates.dir() {
                Some(dir) => format!("there is no template in {}", dir.display()),
                None => {
                    "there is no folder of templates: none beside the configuration, and none named by templates.dir"
                        .to_owned()
                }
            })?;
            return Ok(Exit::NotFound);
        }
        let failed = checked.iter().any(|one| matches!(one.sample, Some(Err(_))));
        if json {
            screen.json(&checked.iter().map(Checked::document).collect())?;
        } else {
            let head = [
                "template",
                "language",
                "encoding",
                "segments",
                "units",
                "variables",
                "lacks",
            ];
            let mut table = screen.rows(&head, "");
            for one in &checked {
                screen.add(&mut table, one.cells());
            }
            screen.table(&table)?;
            for one in &checked {
                if let Some(Err(why)) = &one.sample {
                    screen.line(&format!("error: {}.{}: the sample: {why}", one.name, one.locale))?;
                }
            }
        }
        Ok(if failed { Exit::Error } else { Exit::Ok })
    }

    fn show(&self, name: &str, locale: Option<&str>, given: &Given<'_>, json: bool) -> io::Result<Exit> {
        let wrong = |what: String| {
            eprintln_line(&what)?;
            Ok(Exit::Error)
        };
        let Some((name, family)) = self.templates.families().get_key_value(name) else {
            return not_found(name);
        };
        let locale = match locale.map(str::parse::<Locale>).transpose() {
            Ok(locale) => locale,
            Err(error) => return wrong(format!("--locale {error}")),
        };
        let context = match given {
            Given::Vars(vars) => match serde_json::from_str::<serde_json::Map<String, Json>>(vars) {
                Ok(vars) => data(&Json::Object(vars)),
                Err(error) => return wrong(format!("--vars is not a JSON object: {error}")),
            },
            Given::Event(file) => match read_event(file) {
                Ok(event) => event.context(),
                Err(why) => return wrong(format!("{}: {why}", file.display())),
            },
            Given::Sample => {
                let chain = Locale::chain(locale.as_ref(), self.templates.default_locale());
                let mut known = chain.filter_map(|locale| family.locales.iter().find(|known| known.as_str() == locale));
                match known.next().and_then(|locale| self.templates.sample(name, locale)) {
                    Some(Ok(sample)) => sample.context(),
                    Some(Err(why)) => return wrong(format!("the sample is not JSON: {why}")),
                    None => return wrong("the template has no sample; give --vars or --event".to_owned()),
                }
            }
        };
        let rendered = match self.templates.render(name.as_str(), locale.as_ref(), &context) {
            Ok(rendered) => rendered,
            Err(faults) => return wrong(told(&faults)),
        };
        let sized = match self.sized(&rendered) {
            Ok(sized) => sized,
            Err(why) => return wrong(why),
        };
        let mut screen = Screen::of_stdout(json);
        let Measure {
            encoding,
            segments,
            units,
            ..
        } = sized.measure;
        if json {
            screen.json(&json!({
                "template": name, "locale": rendered.locale.as_str(), "text": sized.text,
                "encoding": encoding.as_str(), "segments": segments, "units": units, "rich": rendered.rich,
            }))?;
        } else {
            if let Some(rich) = &rendered.rich {
                let pretty = serde_json::to_string_pretty(rich).unwrap_or_default();
                pretty.lines().try_for_each(|line| screen.line(line))?;
            }
            screen.line(&sized.text)?;
            let plural = if segments == 1 { "" } else { "s" };
            let size = format!("{}, {segments} segment{plural}, {units} units", encoding.as_str());
            eprintln_line(&format!("{}.{}: {size}", name, rendered.locale))?;
        }
        Ok(Exit::Ok)
    }

    fn sample(&self, name: &Name, locale: &Locale) -> Option<Result<Sized, String>> {
        let sample = match self.templates.sample(name, locale)? {
            Ok(sample) => sample,
            Err(why) => return Some(Err(format!("is not JSON: {why}"))),
        };
        let rendered = self.templates.render(name.as_str(), Some(locale), &sample.context());
        Some(
            rendered
                .map_err(|faults| told(&faults))
                .and_then(|rendered| self.sized(&rendered)),
        )
    }

    fn sized(&self, rendered: &Rendered) -> Result<Sized, String> {
        let measure = measure(&rendered.text, &SplitOptions::default()).map_err(|error| error.to_string())?;
        let most = rendered.max_segments.unwrap_or(self.most);
        if measure.segments > most {
            let (segments, encoding) = (measure.segments, measure.encoding.as_str());
            return Err(format!(
                "makes {segments} segments in {encoding}; at most {most} are sent"
            ));
        }
        Ok(Sized {
            text: rendered.text.clone(),
            measure,
        })
    }
}

impl Checked {
    fn document(&self) -> Json {
        let mut document = json!({
            "template": self.name, "locale": self.locale.as_str(), "variables": self.variables, "lacks": self.missing,
        });
        match &self.sample {
            Some(Ok(Sized { text, measure })) => {
                document["sample"] = json!({
                    "text": text, "encoding": measure.encoding.as_str(), "segments": measure.segments,
                    "units": measure.units,
                });
            }
            Some(Err(why)) => document["error"] = json!(why),
            None => {}
        }
        document
    }

    fn cells(&self) -> [String; 7] {
        let (encoding, segments, units) = match &self.sample {
            Some(Ok(Sized { measure, .. })) => (
                measure.encoding.as_str(),
                measure.segments.to_string(),
                measure.units.to_string(),
            ),
            Some(Err(_)) => ("error", String::new(), String::new()),
            None => ("no sample", String::new(), String::new()),
        };
        let variables: Vec<&str> = self.variables.iter().map(String::as_str).collect();
        [
            self.name.to_string(),
            self.locale.to_string(),
            encoding.to_owned(),
            segments,
            units,
            variables.join(" "),
            self.missing.join(" "),
        ]
    }
}

fn data(json: &Json) -> Context {
    vec![("data".into(), Value::from(Serde(json)))]
}

fn read_event(file: &PathBuf) -> Result<Event, String> {
    let text = std::fs::read(file).map_err(|error| format!("cannot be read: {error}"))?;
    let json = serde_json::from_slice(&text).map_err(|error| format!("is not JSON: {error}"))?;
    Event::from_json(json).map_err(|faults| {
        let told: Vec<_> = faults
            .iter()
            .map(|fault| format!("{}: {}", fault.pointer, fault.detail))
            .collect();
        told.join("; ")
    })
}

fn told(faults: &[Fault]) -> String {
    let all: Vec<String> = faults.iter().map(told_of).collect();
    all.join("; ")
}

fn told_of(fault: &Fault) -> String {
    let origin = fault.origin.as_deref();
    let place = origin.and_then(|origin| Some((origin.template.as_deref()?, origin.line)));
    let place = match place {
        Some((template, Some(line))) => format!("{template}, line {line}: "),
        Some((template, None)) => format!("{template}: "),
        None => String::new(),
    };
    let hint = fault
        .hint
        .as_deref()
        .map_or_else(String::new, |hint| format!(" ({hint})"));
    format!("{place}{}{hint}", fault.detail)
}

fn not_found(name: &str) -> io::Result<Exit> {
    eprintln_line(&format!(
        "there is no template `{name}`; `araldo template check` lists them"
    ))?;
    Ok(Exit::NotFound)
}

fn eprintln_line(text: &str) -> io::Result<()> {
    use io::Write;
    writeln!(io::stderr().lock(), "{text}")
}
