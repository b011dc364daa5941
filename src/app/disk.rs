//! Free space: watched, so that new messages are refused while there is still room for receipts, texts and outcomes;
//! and a reserve kept, for when others have filled the disk.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::config::StoreConfig;

/// A file that holds space which receipts and inbound texts may use once the disk is full.
const RESERVE: &str = "reserve";

/// The watch over the state's file system.
pub(super) struct Watch {
    dir: PathBuf,
    min_free: u64,
    reserve: u64,
}

impl Watch {
    /// A watch over `dir`.
    pub(super) fn new(dir: &Path, config: &StoreConfig) -> Self {
        Self {
            dir: dir.to_owned(),
            min_free: config.min_free_bytes,
            reserve: config.reserve_bytes,
        }
    }

    /// Whether new messages are to be refused. Gives up the reserve when even the rest is nearly gone, and takes it
    /// back once there is room.
    pub(super) fn is_low(&self) -> bool {
        let Ok(space) = Space::of(&self.dir) else { return false };
        let threshold = self.min_free.min(space.total / 20);
        let low = space.free < threshold;
        let done = if space.free < threshold / 4 {
            self.release()
        } else if space.free > threshold + 2 * self.reserve {
            self.keep()
        } else {
            Ok(())
        };
        if let Err(error) = done {
            tracing::warn!(event = "reserve_failed", %error);
        }
        low
    }

    fn release(&self) -> io::Result<()> {
        match fs::remove_file(self.dir.join(RESERVE)) {
            Ok(()) => {
                tracing::warn!(event = "reserve_released", bytes = self.reserve);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn keep(&self) -> io::Result<()> {
        let path = self.dir.join(RESERVE);
        if self.reserve == 0 || fs::metadata(&path).is_ok_and(|file| file.len() >= self.reserve) {
            return Ok(());
        }
        let file = File::create(&path)?;
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, self.reserve)?;
        Ok(())
    }
}

/// The space of a file system.
struct Space {
    free: u64,
    total: u64,
}

impl Space {
    fn of(dir: &Path) -> io::Result<Self> {
        let stat = rustix::fs::statvfs(dir)?;
        Ok(Self {
            free: stat.f_bavail * stat.f_frsize,
            total: stat.f_blocks * stat.f_frsize,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_is_held_while_there_is_room() {
        let dir = tempfile::tempdir().unwrap();
        let watch = Watch {
            dir: dir.path().to_owned(),
            min_free: 1,
            reserve: 64 * 1024,
        };
        assert!(!watch.is_low());
        assert_eq!(fs::metadata(dir.path().join(RESERVE)).unwrap().len(), 64 * 1024);
    }

    #[test]
    fn a_file_system_with_too_little_room_is_low_and_gives_up_the_reserve() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(RESERVE), b"x").unwrap();
        let space = Space::of(dir.path()).unwrap();
        // A twentieth of the file system is the most that the threshold can be: only a nearly full one is low.
        let watch = Watch {
            dir: dir.path().to_owned(),
            min_free: u64::MAX,
            reserve: 0,
        };
        assert_eq!(watch.is_low(), space.free < space.total / 20);
    }
}
