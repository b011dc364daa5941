//! Reading the layers, merging them, and turning the result into the sections.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use config::{Value, ValueKind};
use serde_json::Value as Json;

use super::decode::{Decoder, default_tree};
use super::error::{ConfigError, Place, Problem};
use super::layer::{ENV_PREFIX, Layer, Places, join, to_json};
use super::{Config, check, credential};
use crate::command::catalogue::settle_currencies;

/// Where the configuration is looked for when nobody says.
pub const DEFAULT_FILES: [&str; 2] = ["/etc/araldo/araldo.toml", "araldo.toml"];

/// What the configuration is made of, beside the defaults. Weakest first: file, `conf.d` beside it, environment, set.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// The file; `None`: the first of [`DEFAULT_FILES`] that exists.
    pub file: Option<PathBuf>,
    /// Settings as `key=value`, the last one strongest.
    pub set: Vec<String>,
    /// The environment; only `ARALDO__…` and `CREDENTIALS_DIRECTORY` are looked at.
    pub env: Vec<(String, String)>,
}

/// A configuration that has passed every check.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// What is not wrong but should be seen to; errors under `config check --strict`.
    pub warnings: Vec<Problem>,
    /// The files read, weakest first.
    pub files: Vec<PathBuf>,
    /// Where each value that is not a default comes from, by its key's path.
    pub origins: Origins,
}

/// Where values come from.
#[derive(Clone, Debug, Default)]
pub struct Origins(BTreeMap<String, Place>);

impl LoadOptions {
    /// With the environment of this process. Variables that are not UTF-8 are not ours.
    pub fn from_env(file: Option<PathBuf>, set: Vec<String>) -> Self {
        let ours = |name: &str| name.starts_with(ENV_PREFIX) || name == credential::DIRECTORY_VARIABLE;
        let env = std::env::vars_os()
            .filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)))
            .filter(|(name, _)| ours(name))
            .collect();
        Self { file, set, env }
    }
}

impl Origins {
    /// The place of a key, or of the table around it.
    pub fn place(&self, key: &str) -> Option<&Place> {
        let mut path = key;
        loop {
            if let Some(place) = self.0.get(path) {
                return Some(place);
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }

    /// The place of exactly this key, if it was given.
    pub fn exact(&self, key: &str) -> Option<&Place> {
        self.0.get(key)
    }
}

impl Loaded {
    /// Why there is nothing to run: no file, and nobody has named a client, a carrier or a route in another way.
    pub fn unconfigured(&self) -> Option<ConfigError> {
        let config = &self.config;
        let no_carrier = config.carrier.is_empty() && config.rbm.is_empty();
        let named = !(config.client.is_empty() && no_carrier && config.route.is_empty());
        if named || !self.files.is_empty() {
            return None;
        }
        let looked = DEFAULT_FILES.join(" and ");
        let cause = format!(
            "there is no configuration: looked for {looked}, and no client, carrier or route is named by environment \
             or --set"
        );
        let cure = "`araldo config default > araldo.toml`, and fill in a [client.ID], a [carrier.ID] and a [route.ID]; \
                    or name a file with --config; `araldo demo` needs none";
        Some(ConfigError::Invalid(vec![Problem::new("", cause).cure(cure)]))
    }
}

impl Config {
    /// Reads, merges and checks. The error lists everything found wrong, not only the first.
    pub fn load(options: &LoadOptions) -> Result<Loaded, ConfigError> {
        let (layers, places, files) = layers(options)?;
        let directory = options
            .env
            .iter()
            .find(|(name, _)| name == credential::DIRECTORY_VARIABLE);
        let directory = directory.map(|(_, path)| Path::new(path));
        let (mut config, warnings, origins) = assemble(layers, &places, directory)?;
        config.templates.dir = config.templates.dir.or_else(|| templates_beside(&files));
        let mut loaded = Loaded {
            config,
            warnings,
            files,
            origins,
        };
        if loaded.files.is_empty() && options.env.is_empty() && options.set.is_empty() {
            let looked = DEFAULT_FILES.join(" and ");
            loaded.warnings.push(
                Problem::new("", format!("no configuration file: looked for {looked}"))
                    .cure("`araldo config default > /etc/araldo/araldo.toml`, or name one with --config"),
            );
        }
        Ok(loaded)
    }

    /// Reads and merges without the secrets and without checks: what an operator's tool needs to find the daemon, whose
    /// secrets it may not be allowed to read.
    pub fn load_without_secrets(options: &LoadOptions) -> Result<Self, ConfigError> {
        let (layers, places, files) = layers(options)?;
        let (json, origins) = merge(layers, &places)?;
        let (mut config, problems) = Decoder::new(json, &origins).decode();
        if !problems.is_empty() {
            return Err(ConfigError::Invalid(problems));
        }
        config.state_dir = state_dir(&config);
        settle_currencies(&mut config.command, &config.two_way.country);
        config.templates.dir = config.templates.dir.or_else(|| templates_beside(&files));
        Ok(config)
    }

    /// Reads and checks a text that stands for the whole configuration: no files around it, no environment.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let mut places = Places::default();
        let defaults = Layer::defaults(&default_tree(), &mut places);
        let layer = Layer::file(Path::new("araldo.toml"), text, &mut places).map_err(ConfigError::Invalid)?;
        assemble(vec![defaults, layer], &places, None).map(|(config, ..)| config)
    }
}

/// The layers, weakest first, with the places of their values and the files among them.
fn layers(options: &LoadOptions) -> Result<(Vec<Layer>, Places, Vec<PathBuf>), ConfigError> {
    let mut places = Places::default();
    let mut problems = Vec::new();
    let mut layers = vec![Layer::defaults(&default_tree(), &mut places)];
    let files = files(options.file.as_deref())?;
    for path in &files {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.clone(),
            source,
        })?;
        match Layer::file(path, &text, &mut places) {
            Ok(layer) => layers.push(layer),
            Err(syntax) => problems.extend(syntax),
        }
    }
    match Layer::environment(&options.env, &mut places) {
        Ok(layer) => layers.push(layer),
        Err(names) => problems.extend(names),
    }
    for given in &options.set {
        match Layer::set(given, &mut places) {
            Ok(layer) => layers.push(layer),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok((layers, places, files))
    } else {
        // With a layer missing, whatever else there is to say may be wrong.
        Err(ConfigError::Invalid(problems))
    }
}

/// The files to read, weakest first.
fn files(named: Option<&Path>) -> Result<Vec<PathBuf>, ConfigError> {
    let main = match named {
        Some(path) => Some(path.to_owned()),
        // One that exists and cannot be read is an error later, rather than a reason to take the next.
        None => DEFAULT_FILES
            .iter()
            .map(PathBuf::from)
            .find(|path| !matches!(path.try_exists(), Ok(false))),
    };
    let Some(main) = main else {
        return Ok(Vec::new());
    };
    let drop_ins = main.parent().unwrap_or(Path::new("")).join("conf.d");
    let mut files = Vec::new();
    match fs::read_dir(&drop_ins) {
        Ok(entries) => {
            for entry in entries {
                let path = entry.map_err(|source| read_error(&drop_ins, source))?.path();
                if path.extension().is_some_and(|extension| extension == "toml") {
                    files.push(path);
                }
            }
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
        Err(error) => return Err(read_error(&drop_ins, error)),
    }
    files.sort();
    files.insert(0, main);
    Ok(files)
}

fn read_error(path: &Path, source: io::Error) -> ConfigError {
    ConfigError::Read {
        path: path.to_owned(),
        source,
    }
}

/// The folder of templates where none is named.
fn templates_beside(files: &[PathBuf]) -> Option<PathBuf> {
    let dir = files.first()?.parent()?.join("templates");
    dir.is_dir().then_some(dir)
}

fn assemble(
    layers: Vec<Layer>,
    places: &Places,
    credentials: Option<&Path>,
) -> Result<(Config, Vec<Problem>, Origins), ConfigError> {
    let (json, origins) = merge(layers, places)?;
    let (mut config, mut problems) = Decoder::new(json, &origins).decode();
    let mut warnings = Vec::new();
    let undecoded = problems.len();
    credential::resolve(&mut config, credentials, &origins, &mut problems, &mut warnings);
    config.state_dir = state_dir(&config);
    settle_currencies(&mut config.command, &config.two_way.country);
    if undecoded == 0 {
        check::check(&config, &origins, &mut problems, &mut warnings);
    }
    if problems.is_empty() {
        Ok((config, warnings, origins))
    } else {
        Err(ConfigError::Invalid(problems))
    }
}

/// One tree of all layers, its paths made whole.
fn merge(layers: Vec<Layer>, places: &Places) -> Result<(Json, Origins), ConfigError> {
    let merge = layers
        .into_iter()
        .fold(config::Config::builder(), |builder, layer| builder.add_source(layer))
        .build();
    let tree = match merge {
        Ok(merged) => merged.cache,
        Err(error) => return Err(ConfigError::Invalid(vec![Problem::new("", error.to_string())])),
    };
    let mut origins = Origins::default();
    collect_origins(&tree, String::new(), places, &mut origins.0);
    let mut json = to_json(&tree);
    resolve_paths(&mut json, "", &origins);
    Ok((json, origins))
}

/// The directory of the database file.
fn state_dir(config: &Config) -> PathBuf {
    match config.store.sqlite_path().as_deref().and_then(Path::parent) {
        Some(directory) if directory != Path::new("") => directory.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn collect_origins(value: &Value, path: String, places: &Places, origins: &mut BTreeMap<String, Place>) {
    match &value.kind {
        ValueKind::Table(table) => {
            for (key, value) in table {
                let mut path = path.clone();
                join(&mut path, key);
                collect_origins(value, path, places, origins);
            }
        }
        ValueKind::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect_origins(item, format!("{path}[{index}]"), places, origins);
            }
        }
        _ => {}
    }
    let place = places.of(value).or_else(|| places.table(&path));
    if let Some(place) = place.filter(|place| **place != Place::Default) {
        origins.insert(path, place.clone());
    }
}

/// Makes every `…_file`, and the folder of templates, relative to the file that names it.
fn resolve_paths(json: &mut Json, path: &str, origins: &Origins) {
    match json {
        Json::Object(map) => {
            for (key, value) in map {
                let mut path = path.to_owned();
                join(&mut path, key);
                if let (true, Json::String(file)) = (key.ends_with("_file") || path == "templates.dir", &mut *value)
                    && let Some(directory) = origins.exact(&path).and_then(Place::directory)
                {
                    *file = directory.join(&*file).to_string_lossy().into_owned();
                }
                resolve_paths(value, &path, origins);
            }
        }
        Json::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                resolve_paths(item, &format!("{path}[{index}]"), origins);
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}
