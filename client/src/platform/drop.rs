//! Files and folders that were dropped or picked.
//!
//! Entries must be taken from the event at once: after it, the browser empties the list.
//! Folders are walked with a stack, and the walk ends as soon as there are more files
//! than an upload takes.

use js_sys::{Array, Promise};
use offing_core::limits;
use offing_core::rpc::UploadItem;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DataTransfer, File, FileList, FileSystemDirectoryEntry, FileSystemEntry, FileSystemFileEntry,
};

use crate::state::drop_tree::{Flat, TooMany, split_path};

/// Says whether a drag carries files.
pub(crate) fn has_files(data: &DataTransfer) -> bool {
    data.types().includes(&"Files".into(), 0)
}

/// What was dropped, taken from the event.
pub(crate) struct Drop {
    entries: Vec<FileSystemEntry>,
    files: Vec<File>,
}

/// Takes entries from the event; must be called inside its handler.
pub(crate) fn take(data: &DataTransfer) -> Drop {
    let mut drop = Drop { entries: Vec::new(), files: Vec::new() };
    let items = data.items();
    for index in 0..items.length() {
        let Some(item) = items.get(index) else {
            continue;
        };
        if item.kind() != "file" {
            continue;
        }
        match item.webkit_get_as_entry() {
            Ok(Some(entry)) => drop.entries.push(entry),
            Ok(None) | Err(_) => drop.files.extend(item.get_as_file().ok().flatten()),
        }
    }
    drop
}

/// Why a drop could not be read.
pub(crate) enum DropError {
    /// It has more files than one upload takes.
    TooMany,
    /// The browser could not read it; the name of the entry, if known.
    Unreadable(String),
}

impl From<TooMany> for DropError {
    fn from(_: TooMany) -> Self {
        Self::TooMany
    }
}

/// Walks what was dropped.
pub(crate) async fn walk(drop: Drop) -> Result<Flat<File>, DropError> {
    let mut flat = Flat::default();
    for file in drop.files {
        flat.file(vec![file.name()], file)?;
    }
    let mut stack: Vec<(Vec<String>, FileSystemEntry)> =
        drop.entries.into_iter().rev().map(|entry| (Vec::new(), entry)).collect();
    while let Some((mut path, entry)) = stack.pop() {
        let name = entry.name();
        path.push(name.clone());
        let unreadable = |_| DropError::Unreadable(name.clone());
        if entry.is_directory() {
            let entries = read_folder(entry.unchecked_into()).await.map_err(unreadable)?;
            if entries.is_empty() {
                flat.empty_folder(path)?;
            } else {
                stack.extend(entries.into_iter().rev().map(|entry| (path.clone(), entry)));
            }
        } else {
            let file = read_file(&entry.unchecked_into()).await.map_err(unreadable)?;
            flat.file(path, file)?;
        }
        if stack.len() > limits::UPLOAD_FILES_MAX {
            return Err(DropError::TooMany);
        }
    }
    Ok(flat)
}

/// Takes the files of a picker.
pub(crate) fn picked(list: &FileList) -> Result<Flat<File>, DropError> {
    let mut flat = Flat::default();
    for file in (0..list.length()).filter_map(|index| list.get(index)) {
        let relative = js_sys::Reflect::get(&file, &"webkitRelativePath".into())
            .ok()
            .and_then(|path| path.as_string())
            .unwrap_or_default();
        flat.file(split_path(&relative, &file.name()), file)?;
    }
    Ok(flat)
}

/// Describes files for `Command::Upload`; the files themselves go beside it.
pub(crate) fn describe(files: &[(Vec<String>, File)]) -> (Vec<UploadItem>, Array) {
    let beside = Array::new();
    let items = files
        .iter()
        .map(|(path, file)| {
            beside.push(file);
            UploadItem {
                path: path.clone(),
                size: file.size() as u64,
                modified_ms: file.last_modified() as i64,
            }
        })
        .collect();
    (items, beside)
}

async fn read_folder(folder: FileSystemDirectoryEntry) -> Result<Vec<FileSystemEntry>, JsValue> {
    let reader = folder.create_reader();
    let mut entries = Vec::new();
    // One call gives at most a hundred entries; an empty answer is the end.
    loop {
        let batch = JsFuture::from(Promise::new(&mut |done, failed| {
            if let Err(error) = reader.read_entries_with_callback_and_callback(&done, &failed) {
                failed.call1(&JsValue::NULL, &error).ok();
            }
        }))
        .await?;
        let batch: Array = batch.dyn_into()?;
        if batch.length() == 0 || entries.len() > limits::UPLOAD_FILES_MAX {
            return Ok(entries);
        }
        entries.extend(batch.iter().map(FileSystemEntry::unchecked_from_js));
    }
}

async fn read_file(entry: &FileSystemFileEntry) -> Result<File, JsValue> {
    let file = JsFuture::from(Promise::new(&mut |done, failed| {
        entry.file_with_callback_and_callback(&done, &failed);
    }))
    .await?;
    file.dyn_into()
}
