//! Gets a file, or a folder with all in it, out of the vault.

use std::fs::{self, OpenOptions};
use std::io::{Write as _, stdout};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use offing_core::rpc::Kind;
use offing_worker::host::Host;
use offing_worker::replica::Replica;

use crate::export::{self, Exported, export};
use crate::failure::Failure;
use crate::files;
use crate::listing::Found;

/// Where a file goes that is to be printed.
const STANDARD_OUTPUT: &str = "-";

/// Gets what a path led to. A file is whole at its place or not there; a folder becomes a
/// folder that was not there before.
pub async fn get<H: Host>(
    replica: &Rc<Replica<H>>,
    found: &Found,
    to: Option<&Path>,
    force: bool,
) -> Result<Exported, Failure> {
    let row = match found {
        Found::Node(row) if row.kind != Kind::Folder => row,
        Found::Node(row) => {
            let to = new_folder(to, &row.name)?;
            return export(replica, row.node, &to).await;
        }
        Found::Root => {
            let to = new_folder(to, "My files")?;
            return export(replica, found.node(), &to).await;
        }
    };
    let mut download = replica.download(&[row.node], false).await?;
    if to.is_some_and(|to| to.as_os_str() == STANDARD_OUTPUT) {
        let mut out = stdout().lock();
        while let Some(piece) = download.next().await? {
            out.write_all(&piece).map_err(Failure::Output)?;
        }
        out.flush().map_err(Failure::Output)?;
        return Ok(Exported::default());
    }
    let path = place_of(to, &row.name);
    if path.exists() && !force {
        return Err(Failure::Exists { path });
    }
    let part = files::part_of(&path);
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).open(&part);
    let mut file = file.map_err(Failure::file(&part))?;
    let written = export::write(&mut download, &mut file, &part).await;
    let placed = written.and_then(|bytes| {
        fs::rename(&part, &path).map_err(Failure::file(&path))?;
        Ok(bytes)
    });
    if placed.is_err() {
        fs::remove_file(&part).ok();
    }
    Ok(Exported { files: 1, bytes: placed?, ..Exported::default() })
}

/// In a folder that exists, under its own name; else what was named.
fn place_of(to: Option<&Path>, name: &str) -> PathBuf {
    match to {
        Some(to) if !to.is_dir() => to.to_owned(),
        Some(folder) => folder.join(name),
        None => PathBuf::from(name),
    }
}

fn new_folder(to: Option<&Path>, name: &str) -> Result<PathBuf, Failure> {
    let path = place_of(to, name);
    fs::create_dir(&path).map_err(Failure::file(&path))?;
    Ok(path)
}
