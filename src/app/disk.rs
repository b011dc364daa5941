//! Free space: watched, so that new messages are refused while there is still room for receipts, texts and outcomes;
//! and a reserve kept, for when others have filled the disk.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::config::StoreConfig;

/// What new messages leave free at least, where the file system is not even four times as large.
const LEAST: u64 = 16 << 20;

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
        let threshold = space.threshold(self.min_free);
        let reserve = self.reserve.min(space.total / 4);
        let holds = self.holds(reserve);
        let done = if space.free < threshold / 4 {
            self.release()
        } else if !holds && space.free > threshold + 2 * reserve {
            self.keep(reserve)
        } else {
            Ok(())
        };
        if let Err(error) = done {
            tracing::warn!(event = "reserve_failed", %error);
        }
        space.is_low(threshold, if holds { 0 } else { reserve })
    }

    fn holds(&self, reserve: u64) -> bool {
        reserve == 0 || fs::metadata(self.dir.join(RESERVE)).is_ok_and(|file| file.len() >= reserve)
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

    fn keep(&self, reserve: u64) -> io::Result<()> {
        let file = File::create(self.dir.join(RESERVE))?;
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, reserve)?;
        Ok(())
    }
}

/// The space of a file system.
struct Space {
    free: u64,
    total: u64,
}

impl Space {
    /// What must be free for new messages: less than is configured where that is more than a twentieth of all.
    fn threshold(&self, min_free: u64) -> u64 {
        min_free.min((self.total / 20).max(LEAST)).min(self.total / 4)
    }

    /// Whether new messages are refused. A reserve that was given up is room for receipts and texts, not for them.
    const fn is_low(&self, threshold: u64, missing: u64) -> bool {
        self.free < threshold + missing
    }

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
        let watch = Watch {
            dir: dir.path().to_owned(),
            min_free: u64::MAX,
            reserve: 0,
        };
        assert_eq!(watch.is_low(), space.free < space.threshold(u64::MAX));
    }

    #[test]
    fn the_threshold_fits_the_file_system() {
        const MIB: u64 = 1 << 20;
        let threshold = |total| Space { free: 0, total }.threshold(256 * MIB);
        assert_eq!(threshold(1 << 40), 256 * MIB);
        assert_eq!(threshold(2_000 * MIB), 100 * MIB);
        assert_eq!(threshold(100 * MIB), 16 * MIB);
        assert_eq!(threshold(40 * MIB), 10 * MIB);
    }

    #[test]
    fn a_reserve_that_was_given_up_is_not_room_for_new_messages() {
        let low = |free, missing| Space { free, total: 1_000 }.is_low(50, missing);
        assert!(low(49, 0), "below the threshold");
        assert!(!low(50, 0) && !low(249, 0), "above it");
        assert!(low(249, 200), "no more than the reserve that is missing");
        assert!(!low(250, 200), "once there is room for both");
    }
}
