//! The log beside the file (`-wal`), looked at before SQLite reads it.
//!
//! SQLite takes a log up to its first frame that does not add up, since that is how a power cut ends one. A frame that
//! a disk has spoilt looks the same, and every commit behind it would be gone without a word. So the log is refused
//! where it once held more than adds up now, which shows in two ways: its index (`-shm`), which a killed process leaves
//! behind, counts more frames; or a commit stands behind the damage and was followed by another frame, which is only
//! written once the commit is synced. (Formats: sqlite.org/fileformat2.html#walformat, sqlite.org/walformat.html.)

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::store::StoreError;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// The last bit says in which order of octets the checksums are reckoned.
const MAGIC: u32 = 0x377f_0682;
/// Copies of the index's header: two of 48 octets.
const INDEX_HEADER: usize = 48;

/// The file with this ending beside the database.
pub(super) fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(ending);
    PathBuf::from(path)
}

/// Refuses a log that has lost commits.
pub(super) fn check(file: &Path) -> Result<(), StoreError> {
    let log = beside(file, "-wal");
    let looked = || -> io::Result<Option<String>> {
        // Another program may be writing: what is wrong stays so.
        match fault(file, &log)? {
            Some(_) => fault(file, &log),
            None => Ok(None),
        }
    };
    match looked() {
        Ok(None) => Ok(()),
        Ok(Some(what)) => Err(StoreError::Damaged(format!("{}: {what}", log.display()))),
        Err(error) => Err(StoreError::Open(format!("{}: {error}", log.display()))),
    }
}

fn fault(file: &Path, log: &Path) -> io::Result<Option<String>> {
    let index = Index::read(&beside(file, "-shm"))?;
    let length = match std::fs::metadata(log) {
        Ok(meta) => meta.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    if length <= HEADER as u64 {
        let lost = index.filter(|index| index.frames > index.in_file);
        return Ok(lost.map(|index| {
            let restore = "restore a backup, or put the log back in its place";
            format!("is cut: it held {} frames of commits\n  cure: {restore}", index.frames)
        }));
    }
    let mut reader = BufReader::with_capacity(1 << 20, File::open(log)?);
    let mut header = [0; HEADER];
    reader.read_exact(&mut header)?;
    let Some(mut sum) = Sum::begin(&header) else {
        return Ok(Some(
            "its first 32 octets are damaged, and SQLite would throw it away\n  cure: restore a backup; or, to go on \
             without what is in the log, move it elsewhere"
                .to_owned(),
        ));
    };
    let salts = &header[16..24];
    let page = word(&header[8..]) as usize;
    let mut walk = Walk::default();
    let mut frame = vec![0; FRAME_HEADER + page];
    while read_whole(&mut reader, &mut frame)? {
        walk.step(&frame, salts, &mut sum);
    }
    let counted = index
        .filter(|index| index.salts == salts)
        .map_or(0, |index| index.frames);
    let lost = counted.max(walk.synced);
    if lost <= walk.good {
        return Ok(None);
    }
    let place = HEADER as u64 + u64::from(walk.good) * (FRAME_HEADER + page) as u64;
    Ok(Some(format!(
        "frame {} (octet {place}) is damaged, and {} of {lost} frames of commits would be lost with it\n  cure: restore \
         a backup; or, to go on with what was committed before: copy the directory, then truncate -s {place} {}",
        walk.good + 1,
        lost - walk.good,
        log.display()
    )))
}

/// The frames seen so far.
#[derive(Default)]
struct Walk {
    /// Frames that add up, all from the first.
    good: u32,
    /// Frames of this log that follow the damage or are the damage.
    frames: u32,
    broken: bool,
    /// The last frame of a commit behind the damage.
    committed: u32,
    /// The last frame that was synced, as far as what follows shows: with its whole commit.
    synced: u32,
}

impl Walk {
    fn step(&mut self, frame: &[u8], salts: &[u8], sum: &mut Sum) {
        self.frames += 1;
        let ours = &frame[8..16] == salts;
        if !self.broken {
            sum.add(&frame[..8]);
            sum.add(&frame[FRAME_HEADER..]);
            if ours && sum.is(&frame[16..24]) {
                self.good = self.frames;
                return;
            }
            self.broken = true;
        }
        if ours {
            self.synced = self.committed;
            if word(&frame[4..]) != 0 {
                self.committed = self.frames;
            }
        }
    }
}

/// The running checksum of a log.
struct Sum {
    words: [u32; 2],
    read: fn([u8; 4]) -> u32,
}

impl Sum {
    /// From a log's header; `None` where that does not add up.
    fn begin(header: &[u8; HEADER]) -> Option<Self> {
        let magic = word(header);
        let read = match magic {
            MAGIC => u32::from_le_bytes,
            _ if magic == MAGIC | 1 => u32::from_be_bytes,
            _ => return None,
        };
        let mut sum = Self { words: [0, 0], read };
        sum.add(&header[..24]);
        let page = word(&header[8..]);
        let size = page.is_power_of_two() && (512..=65_536).contains(&page);
        (sum.is(&header[24..]) && size).then_some(sum)
    }

    fn add(&mut self, octets: &[u8]) {
        for pair in octets.chunks_exact(8) {
            let half = |at: usize| (self.read)([pair[at], pair[at + 1], pair[at + 2], pair[at + 3]]);
            let (first, second) = (half(0), half(4));
            self.words[0] = self.words[0].wrapping_add(first).wrapping_add(self.words[1]);
            self.words[1] = self.words[1].wrapping_add(second).wrapping_add(self.words[0]);
        }
    }

    fn is(&self, stored: &[u8]) -> bool {
        self.words == [word(stored), word(&stored[4..])]
    }
}

/// What the index of the log says of it.
struct Index {
    frames: u32,
    salts: [u8; 8],
    /// Frames that have been copied into the file.
    in_file: u32,
}

impl Index {
    /// `None` where there is none, or its header does not add up.
    fn read(path: &Path) -> io::Result<Option<Self>> {
        let mut octets = [0; 2 * INDEX_HEADER + 4];
        match File::open(path).and_then(|mut file| file.read_exact(&mut octets)) {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
        let native = |at: usize| u32::from_ne_bytes([octets[at], octets[at + 1], octets[at + 2], octets[at + 3]]);
        let (first, second) = (&octets[..INDEX_HEADER], &octets[INDEX_HEADER..2 * INDEX_HEADER]);
        let mut sum = Sum {
            words: [0, 0],
            read: u32::from_ne_bytes,
        };
        sum.add(&first[..40]);
        let whole = first == second && octets[12] == 1 && sum.words == [native(40), native(44)];
        Ok(whole.then(|| Self {
            frames: native(16),
            salts: octets[32..40].try_into().expect("eight octets"),
            in_file: native(2 * INDEX_HEADER),
        }))
    }
}

/// Fills the buffer; `false` where less is left.
fn read_whole(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// The first four octets, the high one first.
fn word(octets: &[u8]) -> u32 {
    u32::from_be_bytes([octets[0], octets[1], octets[2], octets[3]])
}
