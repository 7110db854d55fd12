//! Writes a folder of the vault as ordinary files.
//!
//! Contents are streamed, an extent at a time. A file with several versions becomes several
//! files. A name that the system cannot hold, or that it takes for one that is there, becomes
//! one that it can; all of these are told. What cannot be had is left out and told too, and
//! the rest goes on.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

use offing_core::id::NodeId;
use offing_core::limits;
use offing_core::name;
use offing_core::portable;
use offing_core::rpc::{Fault, Kind, Row};
use offing_worker::host::Host;
use offing_worker::replica::{Download, Replica};

use crate::failure::{Failure, in_words};
use crate::listing;

/// Names that are tried for one file before it is given up.
const NAMES_MAX: u32 = 1_000;

/// What was written, and what was not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exported {
    /// Files, further versions among them.
    pub files: u64,
    /// Folders.
    pub folders: u64,
    /// Bytes of the files.
    pub bytes: u64,
    /// Paths in the vault and the names they have here.
    pub renamed: Vec<(String, String)>,
    /// Paths in the vault of what is missing here, with the reason.
    pub missing: Vec<(String, String)>,
}

/// Writes all that is in a folder of the vault into an existing folder.
pub async fn export<H: Host>(
    replica: &Rc<Replica<H>>,
    folder: NodeId,
    to: &Path,
) -> Result<Exported, Failure> {
    let mut exported = Exported::default();
    let mut open = vec![(folder, String::new(), to.to_owned())];
    while let Some((folder, path, to)) = open.pop() {
        for row in listing::list(replica, folder).await? {
            // The folder of what was recovered has no name of its own.
            let shown = if row.node == NodeId::RECOVERED { "Recovered" } else { &row.name };
            let path = format!("{path}/{shown}");
            if row.kind == Kind::Folder {
                let made = place(&to, shown, |path| fs::create_dir(path))?;
                exported.note(&path, &made.0, shown);
                exported.folders += 1;
                open.push((row.node, path, made.0));
            } else {
                export_file(replica, &row, &path, shown, &to, &mut exported).await?;
            }
        }
    }
    Ok(exported)
}

/// Writes a file, and each further version of it beside it.
async fn export_file<H: Host>(
    replica: &Rc<Replica<H>>,
    row: &Row,
    path: &str,
    shown: &str,
    to: &Path,
    exported: &mut Exported,
) -> Result<(), Failure> {
    if !row.two_versions {
        let download = replica.download(&[row.node], false).await;
        return write_new(download, row.modified_ms, path, shown, to, exported).await;
    }
    let (_, versions) = replica.versions(row.node).await?;
    for (index, version) in versions.into_iter().enumerate() {
        let (stem, extension) = name::split_extension(shown);
        let name = match index {
            0 => shown.to_owned(),
            index => {
                format!("{stem} (version {} of {}){extension}", index + 1, version.device_name)
            }
        };
        let download = replica.open_revision(row.node, version.id).await;
        write_new(download, version.modified_ms, path, &name, to, exported).await?;
    }
    Ok(())
}

/// Writes one content under a name that is free; what cannot be had is noted.
async fn write_new<H: Host>(
    download: Result<Download<H>, Fault>,
    modified_ms: i64,
    path: &str,
    name: &str,
    to: &Path,
    exported: &mut Exported,
) -> Result<(), Failure> {
    let mut download = match download {
        Ok(download) => download,
        Err(fault) => return exported.lacks(path, fault),
    };
    let create = |path: &Path| OpenOptions::new().write(true).create_new(true).open(path);
    let (place, mut file) = place(to, name, create)?;
    match write(&mut download, &mut file, &place).await {
        Ok(bytes) => {
            // A time that the system cannot hold is no reason to fail.
            let since = Duration::from_millis(u64::try_from(modified_ms).unwrap_or(0));
            file.set_modified(UNIX_EPOCH + since).ok();
            exported.files += 1;
            exported.bytes += bytes;
            exported.note(path, &place, name);
            Ok(())
        }
        Err(Failure::Fault(fault)) => {
            // Half a file would be taken for the whole one.
            drop(file);
            fs::remove_file(&place).map_err(Failure::file(&place))?;
            exported.lacks(path, fault)
        }
        Err(failure) => Err(failure),
    }
}

/// Streams a download into a file; how many bytes it has.
pub(crate) async fn write<H: Host>(
    download: &mut Download<H>,
    file: &mut File,
    path: &Path,
) -> Result<u64, Failure> {
    let mut bytes = 0;
    while let Some(piece) = download.next().await? {
        file.write_all(&piece).map_err(Failure::file(path))?;
        bytes += piece.len() as u64;
    }
    file.sync_all().map_err(Failure::file(path))?;
    Ok(bytes)
}

/// Makes something in a folder under this name, or under one that the system can hold.
fn place<T>(
    folder: &Path,
    name: &str,
    make: impl Fn(&Path) -> io::Result<T>,
) -> Result<(PathBuf, T), Failure> {
    let mut last = None;
    // Windows takes some names silently for others, so it is not even asked.
    let as_it_is = !(cfg!(windows) && portable::problem(name).is_some());
    let candidates = as_it_is.then(|| name.to_owned()).into_iter();
    for candidate in candidates.chain((1..=NAMES_MAX).map(|number| safe(name, number))) {
        let path = folder.join(&candidate);
        match make(&path) {
            Ok(made) => return Ok((path, made)),
            Err(error) if is_about_the_name(&error) => last = Some(error),
            Err(error) => return Err(Failure::file(path)(error)),
        }
    }
    let error = last.unwrap_or_else(|| ErrorKind::InvalidFilename.into());
    Err(Failure::file(folder.join(name))(error))
}

/// Says whether another name may help. Taken names count: systems without case take two for one.
fn is_about_the_name(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::AlreadyExists | ErrorKind::InvalidFilename | ErrorKind::InvalidInput
    )
}

/// A name that any system can hold, the `number`th for this one.
fn safe(name: &str, number: u32) -> String {
    const FORBIDDEN: &str = r#"<>:"/\|?*"#;
    let is_fit = |c: char| !(c.is_control() || FORBIDDEN.contains(c));
    let fit: String = name.chars().map(|c| if is_fit(c) { c } else { '_' }).collect();
    let mut fit = fit.trim_end_matches(['.', ' ']).to_owned();
    if fit.is_empty() || portable::problem(&fit).is_some() {
        fit.insert(0, '_');
    }
    let suffix = if number == 1 { String::new() } else { format!(" ({number})") };
    let (stem, extension) = name::split_extension(&fit);
    // An extension that is most of the name is none.
    let extension = if extension.len() > 32 { "" } else { extension };
    let stem = if extension.is_empty() { fit.as_str() } else { stem };
    let room = limits::NAME_BYTES_MAX - suffix.len() - extension.len();
    let stem = &stem[..stem.floor_char_boundary(room.min(stem.len()))];
    format!("{stem}{suffix}{extension}")
}

impl Exported {
    fn note(&mut self, path: &str, place: &Path, wanted: &str) {
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        if name != wanted {
            self.renamed.push((path.to_owned(), name.into_owned()));
        }
    }

    /// Notes what cannot be had; a server that is away ends it all.
    fn lacks(&mut self, path: &str, fault: Fault) -> Result<(), Failure> {
        let ends_all = matches!(
            fault,
            Fault::NotHere { .. } | Fault::Offline | Fault::Storage | Fault::StorageFull
        );
        if ends_all {
            return Err(fault.into());
        }
        self.missing.push((path.to_owned(), in_words(&fault)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_safe_name_can_be_held_by_every_system() {
        for (name, wanted) in [
            ("a:b?.txt", "a_b_.txt"),
            ("con.txt", "_con.txt"),
            ("ends with a dot.", "ends with a dot"),
            ("...", "_"),
        ] {
            assert_eq!(safe(name, 1), wanted);
        }
        let long = format!("{}.txt", "ä".repeat(200));
        for number in [1, 2, 999] {
            let safe = safe(&long, number);
            assert!(safe.len() <= limits::NAME_BYTES_MAX && safe.ends_with(".txt"), "{safe}");
            assert!(name::check(&safe).is_ok() && portable::problem(&safe).is_none());
        }
        assert_eq!(safe("a.txt", 2), "a (2).txt");
    }

    #[test]
    fn a_name_that_is_taken_or_too_long_gets_another_and_nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let make = |path: &Path| OpenOptions::new().write(true).create_new(true).open(path);
        for wanted in ["a.txt", "a (2).txt", "a (3).txt"] {
            let (path, _) = place(folder.path(), "a.txt", make).unwrap();
            assert_eq!(path.file_name().unwrap(), wanted);
        }
        let long = format!("{}.txt", "x".repeat(300));
        let (path, _) = place(folder.path(), &long, make).unwrap();
        assert_eq!(path.file_name().unwrap().len(), limits::NAME_BYTES_MAX);
    }
}
