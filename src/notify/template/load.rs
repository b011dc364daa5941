//! Reading the folder of templates. Everything wrong is told, with file, line and cure.

use std::fs;
use std::path::{Path, PathBuf};

use super::{LinkHost, RichForm, Templates, key, rich};
use crate::config::{Place, Problem, TemplateConfig};
use crate::domain::Name;
use crate::notify::locale::Locale;

/// Octets of a template file; a text is far shorter.
const MAX_FILE: u64 = 64 << 10;

impl Templates {
    /// Reads every `NAME.LOCALE.txt` and `NAME.LOCALE.rcs.json` of a folder. Other files are left alone.
    pub(in crate::notify) fn load(&mut self, dir: &Path, problems: &mut Vec<Problem>) {
        self.dir = Some(dir.to_owned());
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) => {
                let cause = format!("the folder of templates cannot be read: {error}");
                let cure = "make the folder, or name another with `dir`";
                problems.push(
                    Problem::new("templates.dir", cause)
                        .at(Some(file(dir, 1, 1)))
                        .cure(cure),
                );
                return;
            }
        };
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.retain(|path| is_rich(path) || path.extension().is_some_and(|extension| extension == "txt"));
        paths.sort();
        for path in paths {
            let read = read(&path).map_err(|(cause, cure)| Problem::new("", cause).cure(cure));
            let added = read.and_then(|(name, locale, source)| match is_rich(&path) {
                true => self.add_rich(&path, name, locale, &source),
                false => self.add(&path, name, locale, source),
            });
            if let Err(problem) = added {
                problems.push(match problem.places.is_empty() {
                    true => problem.at(Some(file(&path, 1, 1))),
                    false => problem,
                });
            }
        }
    }

    fn add(&mut self, path: &Path, name: Name, locale: Locale, source: String) -> Result<(), Problem> {
        let lines: Vec<String> = source.lines().map(ToOwned::to_owned).collect();
        let is_static = super::code::blocks(&source).is_empty();
        let key = key(name.as_str(), &locale);
        self.compile(&key, source).map_err(|misfit| {
            let line = misfit.line;
            let mut problem = Problem::new("", misfit.told).at(Some(file(path, line, 1)));
            problem.excerpt = lines
                .get(line.saturating_sub(1))
                .map(|shown| format!("{line} | {shown}"));
            problem.cure("correct the line; `araldo template check` tries it again")
        })?;
        if is_static && self.text(&key, ().into()).is_ok_and(|text| text.is_empty()) {
            return Err(Problem::new("", "has no text, and an empty message is never sent")
                .cure("write one, or remove the file"));
        }
        let family = self.families.entry(name).or_default();
        family.locales.insert(locale.clone());
        match family.texts.insert(locale) {
            true => Ok(()),
            false => Err(twice()),
        }
    }

    fn add_rich(&mut self, path: &Path, name: Name, locale: Locale, source: &str) -> Result<(), Problem> {
        let form = RichForm::compile(self, name.as_str(), &locale, source).map_err(|unfit| unfit.problem(path))?;
        let family = self.families.entry(name).or_default();
        family.locales.insert(locale.clone());
        match family.rich.insert(locale, form) {
            None => Ok(()),
            Some(_) => Err(twice()),
        }
    }

    /// Applies `[template.NAME]`. The key of the table names what has no file.
    pub(in crate::notify) fn limit(&mut self, name: &Name, config: &TemplateConfig) -> Result<(), Problem> {
        let table = format!("template.{name}");
        let how_to_add = self.how_to_add(name.as_str());
        let Some(family) = self.families.get_mut(name.as_str()) else {
            let known: Vec<&str> = self.families.keys().map(Name::as_str).collect();
            let cure = match crate::accept::nearest(name.as_str(), &known) {
                Some(near) => format!("did you mean [template.{near}]?"),
                None => how_to_add,
            };
            return Err(Problem::new(table, "there is no template of this name").cure(cure));
        };
        let mut link_hosts = Vec::new();
        for (index, host) in config.link_hosts.iter().enumerate() {
            let host = LinkHost::parse(host).map_err(|error| {
                Problem::new(format!("{table}.link_hosts[{index}]"), format!("`{host}` {error}"))
                    .cure("write the host that the links lead to, e.g. \"bank.example\"")
            })?;
            link_hosts.push(host);
        }
        family.max_segments = config.max_segments;
        family.link_hosts = link_hosts;
        family.personal = config.personal;
        Ok(())
    }
}

/// Whether a file holds a rich form.
fn is_rich(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.ends_with(rich::SUFFIX))
}

fn twice() -> Problem {
    Problem::new("", "the same template and language is there twice").cure("keep one of the two files")
}

fn read(path: &Path) -> Result<(Name, Locale, String), (String, &'static str)> {
    const NAMING: &str = "name it NAME.LOCALE.txt, e.g. card_shipped.it.txt, or NAME.LOCALE.rcs.json";
    let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
    let stem = file.strip_suffix(rich::SUFFIX).or_else(|| file.strip_suffix(".txt"));
    let stem = stem.unwrap_or_default();
    let (name, locale) = stem
        .rsplit_once('.')
        .ok_or_else(|| ("the file's name has no language".to_owned(), NAMING))?;
    let name = Name::parse(name).map_err(|error| (error.to_string(), NAMING))?;
    let locale: Locale = locale
        .parse()
        .map_err(|error| (format!("`{locale}` {error}"), NAMING))?;
    let read = |error: std::io::Error| {
        (
            format!("cannot be read: {error}"),
            "let the daemon's user read it, in UTF-8",
        )
    };
    if fs::metadata(path).map_err(read)?.len() > MAX_FILE {
        return Err((
            format!("has more than {MAX_FILE} bytes"),
            "a text is far shorter: is it the right file?",
        ));
    }
    Ok((name, locale, fs::read_to_string(path).map_err(read)?))
}

fn file(path: &Path, line: usize, column: usize) -> Place {
    Place::File {
        path: path.into(),
        line,
        column,
    }
}
