//! What is wrong with a configuration: cause, place and cure.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The daemon's own default.
    Default,
    /// A line of a file, both counted from 1.
    File {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The column, in characters.
        column: usize,
    },
    /// An environment variable, by its name.
    Environment(String),
    /// `--set`, by its key.
    Set(String),
}

impl Place {
    /// The directory that relative paths are relative to: that of the file naming them. `None`: the working directory.
    pub fn directory(&self) -> Option<&Path> {
        match self {
            Self::File { path, .. } => path.parent(),
            Self::Default | Self::Environment(_) | Self::Set(_) => None,
        }
    }

    /// The layer's name, without file or line.
    pub const fn layer(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File { .. } => "file",
            Self::Environment(_) => "environment",
            Self::Set(_) => "set",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Set(key) => write!(f, "--set {key}"),
        }
    }
}

/// One thing wrong, or worth a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key's full path; empty where there is none.
    pub key: String,
    /// What is wrong. Never holds a secret.
    pub cause: String,
    /// Where: the value's own place first, then any other that it disagrees with.
    pub places: Vec<Place>,
    /// The line and a caret under the spot, where that helps.
    pub excerpt: Option<String>,
    /// What to do.
    pub cure: Option<String>,
}

impl Problem {
    /// Something wrong with a key.
    pub fn new(key: impl Into<String>, cause: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            cause: cause.into(),
            places: Vec::new(),
            excerpt: None,
            cure: None,
        }
    }

    /// Adds what to do.
    #[must_use]
    pub fn cure(mut self, cure: impl Into<String>) -> Self {
        self.cure = Some(cure.into());
        self
    }

    /// Adds where it is.
    #[must_use]
    pub fn at(mut self, place: Option<Place>) -> Self {
        self.places.extend(place);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.places.first() {
            write!(f, "{place}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.cause)?;
        for place in self.places.iter().skip(1) {
            write!(f, "\n  see also {place}")?;
        }
        if let Some(excerpt) = &self.excerpt {
            write!(f, "\n{excerpt}")?;
        }
        if let Some(cure) = &self.cure {
            write!(f, "\n  cure: {cure}")?;
        }
        Ok(())
    }
}

/// Why there is no configuration to run with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file could not be read.
    #[error("{}: cannot be read: {source}{}", path.display(), cure_of(source))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The values are wrong: everything found in one go, at least one.
    #[error("{}", Listed(.0))]
    Invalid(Vec<Problem>),
}

impl ConfigError {
    /// The exit code by sysexits.h: 77 no permission, 74 I/O, 78 for everything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Read { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied => 77,
                io::ErrorKind::NotFound | io::ErrorKind::IsADirectory | io::ErrorKind::InvalidData => 78,
                _ => 74,
            },
            Self::Invalid(_) => 78,
        }
    }
}

fn cure_of(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::NotFound => {
            "\n  cure: name an existing file with --config; `araldo config default` prints one to start from"
        }
        io::ErrorKind::PermissionDenied => {
            "\n  cure: let the daemon's user read it (mode 0640, its group), or run as that user"
        }
        io::ErrorKind::InvalidData => "\n  cure: write the file in UTF-8",
        _ => "",
    }
}

/// Problems, one under the other.
struct Listed<'a>(&'a [Problem]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            write!(f, "{gap}{problem}")?;
        }
        Ok(())
    }
}
