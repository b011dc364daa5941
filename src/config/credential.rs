//! Secrets from where they are kept: a file, a systemd credential, or (with a warning) the configuration itself.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::error::{Place, Problem};
use super::load::Origins;
use super::{Config, Secret};

/// Where systemd puts the credentials of a unit.
pub(super) const DIRECTORY_VARIABLE: &str = "CREDENTIALS_DIRECTORY";

/// The most a secret's file may hold.
const MAX_BYTES: u64 = 64 << 10;

/// Fills every secret from whichever of its three forms was given.
pub(super) fn resolve(
    config: &mut Config,
    directory: Option<&Path>,
    origins: &Origins,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<Problem>,
) {
    let mut resolver = Resolver {
        directory,
        origins,
        problems,
        warnings,
    };
    for (id, client) in &mut config.client {
        let key = format!("client.{id}.key");
        resolver.fill(
            &key,
            &mut client.key,
            client.key_file.as_deref(),
            client.key_credential.as_deref(),
        );
        if let Some(webhook) = &mut client.webhook {
            let key = format!("client.{id}.webhook.secret");
            let (file, credential) = (webhook.secret_file.as_deref(), webhook.secret_credential.as_deref());
            resolver.fill(&key, &mut webhook.secret, file, credential);
            let key = format!("client.{id}.webhook.previous_secret");
            let file = webhook.previous_secret_file.as_deref();
            let credential = webhook.previous_secret_credential.as_deref();
            resolver.fill(&key, &mut webhook.previous_secret, file, credential);
        }
    }
    if let Some(sim_swap) = &mut config.sim_swap {
        let (file, credential) = (sim_swap.token_file.as_deref(), sim_swap.token_credential.as_deref());
        resolver.fill("sim_swap.token", &mut sim_swap.token, file, credential);
    }
    for (id, carrier) in &mut config.carrier {
        let key = format!("carrier.{id}.password");
        let (file, credential) = (carrier.password_file.as_deref(), carrier.password_credential.as_deref());
        resolver.fill(&key, &mut carrier.password, file, credential);
    }
    for (id, agent) in &mut config.rbm {
        let at = |name: &str| format!("carrier.{id}.{name}");
        let (file, credential) = (
            agent.service_account_file.as_deref(),
            agent.service_account_credential.as_deref(),
        );
        resolver.fill(&at("service_account"), &mut agent.service_account, file, credential);
        let (file, credential) = (
            agent.client_token_file.as_deref(),
            agent.client_token_credential.as_deref(),
        );
        resolver.fill(&at("client_token"), &mut agent.client_token, file, credential);
        let (file, credential) = (
            agent.previous_client_token_file.as_deref(),
            agent.previous_client_token_credential.as_deref(),
        );
        let key = at("previous_client_token");
        resolver.fill(&key, &mut agent.previous_client_token, file, credential);
    }
}

struct Resolver<'a> {
    directory: Option<&'a Path>,
    origins: &'a Origins,
    problems: &'a mut Vec<Problem>,
    warnings: &'a mut Vec<Problem>,
}

impl Resolver<'_> {
    fn fill(&mut self, key: &str, secret: &mut Secret, file: Option<&Path>, credential: Option<&str>) {
        match (secret.is_set(), file, credential) {
            (false, None, None) => {}
            (true, None, None) => self.inline(key),
            (false, Some(path), None) => {
                let key = format!("{key}_file");
                self.read(&key, path, secret);
            }
            (false, None, Some(name)) => {
                let key = format!("{key}_credential");
                match self.credential(name) {
                    Ok(path) => self.read(&key, &path, secret),
                    Err(problem) => self.problems.push(self.placed(&key, problem)),
                }
            }
            _ => {
                let mut problem = Problem::new(key, "is given in more than one form");
                let forms =
                    ["", "_file", "_credential"].map(|form| self.origins.exact(&format!("{key}{form}")).cloned());
                problem.places.extend(forms.into_iter().flatten());
                self.problems
                    .push(problem.cure(format!("keep one of {key}, {key}_file and {key}_credential")));
            }
        }
    }

    /// A secret in a file that others may read is no secret; one in a file of its own is easier to keep.
    fn inline(&mut self, key: &str) {
        let place = self.origins.exact(key).cloned();
        let mode = match &place {
            Some(Place::File { path, .. }) => mode(path),
            _ => None,
        };
        if let (Some(mode), Some(Place::File { path, .. })) = (mode.filter(|mode| mode & 0o007 != 0), &place) {
            let problem = Problem::new(key, format!("is in a file that everyone may read (mode {mode:04o})"))
                .cure(format!("chmod o= {}, and better move it to {key}_file", path.display()));
            self.problems.push(problem.at(place));
        } else if !matches!(place, Some(Place::Environment(_))) {
            let form = key.rsplit('.').next().unwrap_or(key);
            let problem = Problem::new(key, "is a secret written inline").cure(format!(
                "move it to a file of its own and write {form}_file, or {form}_credential"
            ));
            self.warnings.push(problem.at(place));
        }
    }

    fn credential(&self, name: &str) -> Result<PathBuf, Problem> {
        let plain = !name.is_empty() && !name.contains('/') && name != "." && name != "..";
        match self.directory {
            _ if !plain => {
                Err(Problem::new("", "is not the name of a credential").cure("write the name given to LoadCredential="))
            }
            Some(directory) => Ok(directory.join(name)),
            None => Err(
                Problem::new("", "there are no credentials here: CREDENTIALS_DIRECTORY is not set")
                    .cure("start it as a systemd unit with LoadCredential=, or write the _file form"),
            ),
        }
    }

    fn read(&mut self, key: &str, path: &Path, secret: &mut Secret) {
        match read_secret(path) {
            Ok((text, mode)) => {
                *secret = Secret::new(text);
                if mode & 0o070 != 0 && !self.directory.is_some_and(|directory| path.starts_with(directory)) {
                    let problem = Problem::new(
                        "",
                        format!("{} may be read by its group (mode {mode:04o})", path.display()),
                    )
                    .cure(format!("chmod 0600 {}", path.display()));
                    let problem = self.placed(key, problem);
                    self.warnings.push(problem);
                }
            }
            Err(problem) => {
                let problem = self.placed(key, problem);
                self.problems.push(problem);
            }
        }
    }

    fn placed(&self, key: &str, problem: Problem) -> Problem {
        Problem {
            key: key.into(),
            ..problem
        }
        .at(self.origins.place(key).cloned())
    }
}

fn read_secret(path: &Path) -> Result<(String, u32), Problem> {
    let shown = path.display();
    let cannot = |error: io::Error| {
        let problem = Problem::new("", format!("{shown} cannot be read: {error}"));
        match error.kind() {
            io::ErrorKind::PermissionDenied => problem.cure("let the daemon's user own it, mode 0600"),
            _ => problem.cure("write the secret to that file, mode 0600"),
        }
    };
    let meta = fs::metadata(path).map_err(cannot)?;
    let mode = meta.permissions().mode() & 0o7777;
    if mode & 0o007 != 0 {
        return Err(
            Problem::new("", format!("{shown} may be read by everyone (mode {mode:04o})"))
                .cure(format!("chmod 0600 {shown}")),
        );
    }
    if meta.len() > MAX_BYTES {
        return Err(Problem::new(
            "",
            format!("{shown} is larger than a secret can be ({} bytes)", meta.len()),
        ));
    }
    let text = fs::read_to_string(path).map_err(cannot)?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(Problem::new("", format!("{shown} is empty")).cure("write the secret to that file"));
    }
    Ok((text.to_owned(), mode))
}

fn mode(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|meta| meta.permissions().mode() & 0o7777)
}
