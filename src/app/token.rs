//! The admin token: made at the first start, readable by the daemon's user alone, read by the CLI.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use secrecy::SecretString;

use crate::clock::secret_bits;

/// The name of its file in the state directory.
const FILE: &str = "admin.token";

/// Reads the token, or makes one.
pub(super) fn ensure(state_dir: &Path) -> io::Result<SecretString> {
    let path = state_dir.join(FILE);
    match fs::read_to_string(&path) {
        Ok(token) if token.trim().len() >= 32 => return Ok(SecretString::from(token.trim().to_owned())),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
    }
    let token = hex::encode(secret_bits());
    let fresh = state_dir.join(".admin.token.new");
    fs::remove_file(&fresh).ok();
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)?;
    writeln!(file, "{token}")?;
    file.sync_all()?;
    fs::rename(&fresh, &path)?;
    Ok(SecretString::from(token))
}
