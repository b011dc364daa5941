//! Whether the state directory can hold the database.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Why the state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateDirError {
    /// It is missing, and cannot be made.
    #[error("{}: the state directory is missing and cannot be made: {source}\n  cure: mkdir -p it and give it to the daemon's user, or name another with store.url", path.display())]
    CannotCreate {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is a file, or on a file system mounted read-only or over a network.
    #[error("{}: {cause}\n  cure: name a directory on a local disk with store.url", path.display())]
    Unfit {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// We may not write there.
    #[error("{}: we may not write in the state directory: {source}\n  cure: chown it to the daemon's user, mode 0700", path.display())]
    Permission {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The disk does not do as told.
    #[error("{}: the state directory cannot be used: {source}\n  cure: look at the disk and its mount", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl StateDirError {
    /// The exit code by sysexits.h: 73 cannot be created, 74 I/O, 77 no permission.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::CannotCreate { .. } | Self::Unfit { .. } => 73,
            Self::Permission { .. } => 77,
            Self::Io { .. } => 74,
        }
    }
}

/// Looks whether files can be made in the directory, or the directory be made. Leaves nothing behind.
pub fn check_state_dir(directory: &Path) -> Result<(), StateDirError> {
    let path = directory.to_owned();
    let existing = directory
        .ancestors()
        .map(|ancestor| {
            if ancestor == Path::new("") {
                Path::new(".")
            } else {
                ancestor
            }
        })
        .find(|ancestor| !matches!(ancestor.try_exists(), Ok(false)))
        .unwrap_or(Path::new("."));
    let meta = fs::metadata(existing).map_err(|source| refused(&path, existing == directory, source))?;
    if !meta.is_dir() {
        let cause = format!("{} is not a directory", existing.display());
        return Err(StateDirError::Unfit { path, cause });
    }
    if let Some(kind) = network_file_system(existing) {
        let cause = format!("is on a network file system ({kind}), where SQLite's locks and syncs cannot be trusted");
        return Err(StateDirError::Unfit { path, cause });
    }
    let probe = existing.join(format!(".araldo-check-{}", std::process::id()));
    let made = OpenOptions::new().write(true).create_new(true).open(&probe);
    made.map_err(|source| refused(&path, existing == directory, source))?;
    fs::remove_file(&probe).map_err(|source| StateDirError::Io { path, source })
}

fn refused(path: &Path, exists: bool, source: io::Error) -> StateDirError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::ReadOnlyFilesystem => StateDirError::Unfit {
            path,
            cause: "is on a file system that is mounted read-only".into(),
        },
        io::ErrorKind::NotADirectory => StateDirError::Unfit {
            path,
            cause: "is beneath something that is not a directory".into(),
        },
        io::ErrorKind::PermissionDenied => StateDirError::Permission { path, source },
        _ if !exists => StateDirError::CannotCreate { path, source },
        _ => StateDirError::Io { path, source },
    }
}

/// The kind of network file system a directory is on, as the kernel's table of mounts has it; `None` where it is local
/// or the table cannot be read.
fn network_file_system(directory: &Path) -> Option<String> {
    file_system(directory).filter(|kind| {
        const NETWORK: [&str; 9] = ["nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "afs", "9p", "ncpfs"];
        NETWORK.contains(&kind.as_str()) || ["fuse.sshfs", "fuse.glusterfs", "fuse.s3fs"].contains(&kind.as_str())
    })
}

/// The kind of file system a directory is on, as the kernel's table of mounts has it.
pub fn file_system(directory: &Path) -> Option<String> {
    let directory = directory.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    kind_of_mount(&mounts, &directory)
}

/// The type of the mount that holds a directory (proc(5), mountinfo: field 5 is the mount point, the type follows ` - `).
fn kind_of_mount(mounts: &str, directory: &Path) -> Option<String> {
    let mut best: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        let Some((left, right)) = line.split_once(" - ") else {
            continue;
        };
        let (Some(point), Some(kind)) = (left.split(' ').nth(4), right.split(' ').next()) else {
            continue;
        };
        let point = point.replace("\\040", " ");
        // A later mount on the same point covers an earlier one.
        if directory.starts_with(&point) && best.is_none_or(|(length, _)| point.len() >= length) {
            best = Some((point.len(), kind));
        }
    }
    best.map(|(_, kind)| kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_nearest_to_the_directory_counts() {
        let mounts = "22 1 0:20 / / rw - ext4 /dev/sda1 rw\n\
                      30 22 0:33 / /var/lib/araldo rw shared:1 - nfs4 server:/x rw\n\
                      31 22 0:34 / /var/lib/with\\040space rw - cifs //s/x rw\n";
        let kind = |path: &str| kind_of_mount(mounts, Path::new(path));
        assert_eq!(kind("/var/lib/araldo/db").as_deref(), Some("nfs4"));
        assert_eq!(kind("/var/lib/araldo-old").as_deref(), Some("ext4"));
        assert_eq!(kind("/var/lib/with space").as_deref(), Some("cifs"));
    }

    #[test]
    fn a_directory_that_can_be_made_is_fine_and_is_not_made() {
        let dir = tempfile::tempdir().unwrap();
        let wanted = dir.path().join("one/two");
        check_state_dir(&wanted).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_in_the_place_of_the_directory_is_exit_73() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = check_state_dir(&file.path().join("state")).unwrap_err();
        assert_eq!(error.exit_code(), 73, "{error}");
        assert!(error.to_string().contains("cure"), "{error}");
    }
}
