//! What a figure stands on: the processor, the file system, how often a second it can sync.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::clock::monotonic;
use crate::config::file_system;

/// How long the disk is measured.
const SYNC_TRIAL: Duration = Duration::from_millis(500);

/// The machine and its disk.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Machine {
    pub(super) cpu: String,
    pub(super) cores: usize,
    pub(super) kernel: String,
    pub(super) file_system: String,
    /// 4 KiB appended and synced, one after the other.
    pub(super) fdatasync_per_second: f64,
}

impl Machine {
    /// Looks at the machine, and at the disk that the directory is on.
    pub(super) fn look(directory: &Path) -> io::Result<Self> {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let cpu = cpuinfo
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Ok(Self {
            cpu: cpu.map_or("unknown", |(_, model)| model).to_owned(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            kernel: kernel.trim().to_owned(),
            file_system: file_system(directory).unwrap_or_else(|| "unknown".to_owned()),
            fdatasync_per_second: syncs_per_second(directory)?,
        })
    }

    /// Whether a sync means nothing there: what is "written" is gone with the power.
    pub(super) fn is_memory(&self) -> bool {
        ["tmpfs", "ramfs", "devtmpfs"].contains(&self.file_system.as_str())
    }
}

fn syncs_per_second(directory: &Path) -> io::Result<f64> {
    let path = directory.join("fdatasync.trial");
    let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
    let measured = measure(file);
    fs::remove_file(&path)?;
    measured
}

fn measure(mut file: File) -> io::Result<f64> {
    let block = [0x5A; 4096];
    let (start, mut count) = (monotonic(), 0_u32);
    while start.elapsed() < SYNC_TRIAL {
        file.write_all(&block)?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_described_and_nothing_is_left_on_its_disk() {
        let dir = tempfile::tempdir().unwrap();
        let machine = Machine::look(dir.path()).unwrap();
        assert!(machine.cores > 0 && machine.fdatasync_per_second > 0.0 && !machine.file_system.is_empty());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
