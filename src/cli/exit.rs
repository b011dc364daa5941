//! What the shell is told.

use std::process::ExitCode;

/// How a command ended: the codes of DESIGN §6, where those from 64 are sysexits.h's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// Something went wrong.
    Error = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// There is no such thing.
    NotFound = 3,
    /// The daemon would not.
    Refused = 4,
    /// The daemon cannot be reached.
    Unavailable = 69,
    /// A sync of the disk failed: what was written cannot be trusted.
    SyncFailed = 70,
    /// The state is in use, or cannot be created.
    CannotCreate = 73,
    /// Reading or writing failed.
    Io = 74,
    /// Permission is missing.
    Permission = 77,
    /// The configuration is wrong.
    Config = 78,
}

impl Exit {
    /// The exit for a code of sysexits.h as our errors know it.
    pub const fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Ok,
            2 => Self::Usage,
            3 => Self::NotFound,
            4 => Self::Refused,
            69 => Self::Unavailable,
            70 => Self::SyncFailed,
            73 => Self::CannotCreate,
            74 => Self::Io,
            77 => Self::Permission,
            78 => Self::Config,
            _ => Self::Error,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
