//! The next version of the app, offered to some devices before the others.
//!
//! Whoever runs the server names a second build, a share and some devices (`offing-server release
//! offer`). That stands in `rollout.json` in the data folder, and a server that runs hears of it within
//! seconds. Which devices are meant they decide for themselves, and say once how the version started,
//! without saying who they are. When too many starts fail the offer ends here by itself, and the
//! file says so. The server has no key: it offers what was signed, and can sign nothing.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use offing_core::id::DeviceId;
use offing_core::proto::{NextRelease, ReleaseStart};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What is offered, and to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// The folder of the build.
    pub folder: PathBuf,
    /// Its version.
    pub version: String,
    /// Of a hundred devices, so many.
    pub percent: u8,
    /// Hashes of devices that are offered it in any case.
    pub allow: Vec<String>,
    /// Why nobody is offered it any more.
    pub stopped: Option<String>,
}

/// Reports why nothing is offered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RolloutError {
    /// There is no signed build.
    #[error("{folder} holds no build with a release.json", folder = folder.display())]
    NoBuild {
        /// The folder.
        folder: PathBuf,
    },
    /// More than all.
    #[error("a share is at most 100 percent")]
    Percent,
    /// Every device would have to read them.
    #[error("at most {DEVICES_MAX} devices can be named")]
    TooMany,
    /// The data folder cannot be read or written.
    #[error("cannot use {path}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Rollout {
    /// Offers the build in a folder.
    pub fn offer(
        data: &Path,
        folder: &Path,
        percent: u8,
        devices: &[DeviceId],
    ) -> Result<Self, RolloutError> {
        if percent > 100 {
            return Err(RolloutError::Percent);
        }
        if devices.len() > DEVICES_MAX {
            return Err(RolloutError::TooMany);
        }
        let no_build = || RolloutError::NoBuild { folder: folder.to_owned() };
        let whole = std::fs::canonicalize(folder).map_err(|_| no_build())?;
        let version = version_in(&whole).ok_or_else(no_build)?;
        let allow = devices.iter().map(name_of).collect();
        let rollout = Self { folder: whole, version, percent, allow, stopped: None };
        rollout.write(data)?;
        Ok(rollout)
    }

    /// What is offered, if anything was.
    pub fn read(data: &Path) -> Result<Option<Self>, RolloutError> {
        let path = data.join(FILE);
        let source = match std::fs::read(&path) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(rollout) => return Ok(Some(rollout)),
                Err(error) => error.into(),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => error,
        };
        Err(RolloutError::File { path, source })
    }

    /// Offers what is offered to so many of a hundred devices; one that was stopped stays so.
    pub fn share(data: &Path, percent: u8) -> Result<Option<Self>, RolloutError> {
        if percent > 100 {
            return Err(RolloutError::Percent);
        }
        let Some(mut rollout) = Self::read(data)? else {
            return Ok(None);
        };
        rollout.percent = percent;
        rollout.write(data)?;
        Ok(Some(rollout))
    }

    /// Offers it to nobody any more; who has it may go on with it.
    pub fn stop(data: &Path, why: &str) -> Result<Option<Self>, RolloutError> {
        let Some(mut rollout) = Self::read(data)? else {
            return Ok(None);
        };
        rollout.stopped.get_or_insert_with(|| why.to_owned());
        rollout.write(data)?;
        Ok(Some(rollout))
    }

    fn write(&self, data: &Path) -> Result<(), RolloutError> {
        let path = data.join(FILE);
        let fresh = path.with_extension("new");
        let text = serde_json::to_vec_pretty(self).expect("names, numbers and texts are JSON");
        std::fs::write(&fresh, text)
            .and_then(|()| std::fs::rename(&fresh, &path))
            .map_err(|source| RolloutError::File { path, source })
    }

    /// What devices are told.
    fn told(self) -> Option<NextRelease> {
        let Self { version, percent, allow, stopped, .. } = self;
        stopped.is_none().then_some(NextRelease { version, percent, allow })
    }
}

/// The version that the signed list of a build names.
fn version_in(folder: &Path) -> Option<String> {
    #[derive(Deserialize)]
    struct Signed {
        release: String,
    }
    #[derive(Deserialize)]
    struct Release {
        version: String,
    }
    let signed: Signed = serde_json::from_slice(&std::fs::read(folder.join(RELEASE)).ok()?).ok()?;
    Some(serde_json::from_str::<Release>(&signed.release).ok()?.version)
}

/// How a device finds itself in a list that anybody can read.
fn name_of(device: &DeviceId) -> String {
    hex::encode(Sha256::digest(device.to_string()))
}

/// What a running server knows of it.
#[derive(Debug)]
pub(crate) struct Rollouts {
    data: PathBuf,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    rollout: Option<Rollout>,
    read_ms: Option<i64>,
    starts: Starts,
}

/// How a version started on those that took it, since this process began.
#[derive(Debug, Default, PartialEq, Eq)]
struct Starts {
    version: String,
    good: u64,
    failed: u64,
}

impl Starts {
    fn count(&mut self, start: &ReleaseStart) {
        if self.version != start.version {
            *self = Self { version: start.version.clone(), ..Self::default() };
        }
        *(if start.good { &mut self.good } else { &mut self.failed }) += 1;
    }

    /// Why it is to be offered to nobody else, if so.
    fn verdict(&self) -> Option<String> {
        let all = self.good + self.failed;
        let too_many = self.failed >= FAILED_MIN && self.failed * 100 > all * FAILED_PERCENT_MAX;
        too_many.then(|| format!("{} of {all} starts failed", self.failed))
    }
}

impl Rollouts {
    pub(crate) fn new(data: PathBuf) -> Self {
        Self { data, known: Mutex::default() }
    }

    /// The folder of the next build, also of one that is offered no more: some devices run it.
    pub(crate) fn folder(&self, now_ms: i64) -> Option<PathBuf> {
        self.current(now_ms).map(|rollout| rollout.folder)
    }

    /// What devices are told.
    pub(crate) fn told(&self, now_ms: i64) -> Option<NextRelease> {
        self.current(now_ms).and_then(Rollout::told)
    }

    /// Counts a start, and ends the offer when too many failed.
    pub(crate) fn count(&self, start: &ReleaseStart, now_ms: i64) {
        if self.told(now_ms).is_none_or(|next| next.version != start.version) {
            return;
        }
        let verdict = {
            let mut known = self.lock();
            known.starts.count(start);
            known.starts.verdict()
        };
        let Some(why) = verdict else { return };
        tracing::warn!(version = start.version, why, "the next version is offered no more");
        if let Err(error) = Rollout::stop(&self.data, &why) {
            tracing::error!(%error, "the offer goes on for other processes");
        }
        let mut known = self.lock();
        if let Some(rollout) = &mut known.rollout {
            rollout.stopped = Some(why);
        }
    }

    /// A few hundred bytes, read once in some seconds.
    fn current(&self, now_ms: i64) -> Option<Rollout> {
        let mut known = self.lock();
        if known.read_ms.is_none_or(|read_ms| now_ms - read_ms >= READ_MS) {
            known.read_ms = Some(now_ms);
            match Rollout::read(&self.data) {
                Ok(rollout) => known.rollout = rollout,
                Err(error) => tracing::error!(%error, "cannot tell what is offered"),
            }
        }
        known.rollout.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// In the data folder.
const FILE: &str = "rollout.json";
/// In a build's folder.
const RELEASE: &str = "release.json";
/// Most devices that can be named.
const DEVICES_MAX: usize = 256;
/// How long what is known holds.
const READ_MS: i64 = 2_000;
/// Fewer failures say nothing.
const FAILED_MIN: u64 = 3;
/// Of a hundred starts so many may fail.
const FAILED_PERCENT_MAX: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn build(folder: &Path, version: &str) {
        let release = format!("{{\"version\":\"{version}\"}}");
        let signed = serde_json::json!({ "release": release, "signature": "" });
        std::fs::write(folder.join(RELEASE), signed.to_string()).unwrap();
    }

    fn start(version: &str, good: bool) -> ReleaseStart {
        ReleaseStart { version: version.to_owned(), good }
    }

    #[test]
    fn a_folder_without_a_signed_build_is_not_offered() {
        let folder = tempfile::tempdir().unwrap();
        let offered = Rollout::offer(folder.path(), folder.path(), 10, &[]);
        assert!(matches!(offered, Err(RolloutError::NoBuild { .. })));
        assert_eq!(Rollout::read(folder.path()).unwrap(), None);
    }

    #[test]
    fn what_is_offered_names_no_device_and_is_heard_of_in_seconds() {
        let folder = tempfile::tempdir().unwrap();
        build(folder.path(), "one");
        let rollouts = Rollouts::new(folder.path().to_owned());
        assert_eq!(rollouts.told(0), None);
        let device = DeviceId([7; 16]);
        Rollout::offer(folder.path(), folder.path(), 10, &[device]).unwrap();
        assert_eq!(rollouts.told(READ_MS - 1), None);
        let next = rollouts.told(READ_MS).unwrap();
        assert_eq!((next.version.as_str(), next.percent), ("one", 10));
        assert_eq!(next.allow, [name_of(&device)]);
        assert!(!next.allow[0].contains(&device.to_string()));
    }

    #[test]
    fn an_offer_ends_by_itself_when_too_many_starts_fail() {
        let folder = tempfile::tempdir().unwrap();
        build(folder.path(), "one");
        Rollout::offer(folder.path(), folder.path(), 100, &[]).unwrap();
        let rollouts = Rollouts::new(folder.path().to_owned());
        for good in [true, true, true, false, true, false] {
            rollouts.count(&start("one", good), 0);
        }
        rollouts.count(&start("another", false), 0);
        assert!(rollouts.told(0).is_some(), "two failures say nothing, nor those of another");
        rollouts.count(&start("one", false), 0);
        assert_eq!(rollouts.told(0), None);
        assert_eq!(rollouts.folder(0).as_deref(), folder.path().canonicalize().ok().as_deref());
        let stopped = Rollout::read(folder.path()).unwrap().unwrap().stopped;
        assert_eq!(stopped.as_deref(), Some("3 of 7 starts failed"));
    }

    #[test]
    fn few_failures_among_many_starts_end_nothing() {
        let mut starts = Starts::default();
        for _ in 0..50 {
            starts.count(&start("one", true));
        }
        for _ in 0..5 {
            starts.count(&start("one", false));
        }
        assert_eq!(starts.verdict(), None);
        starts.count(&start("one", false));
        assert!(starts.verdict().is_some());
    }
}
