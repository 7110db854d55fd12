//! Reading what a person picked or dropped, piece by piece.

use wasm_bindgen::JsValue;
use web_sys::Blob;

use super::js;

/// Reports that a file could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file was moved, deleted or changed since it was picked.
    #[error("the file vanished or changed while it was read: pick it again")]
    Vanished,
    /// The browser may not read it.
    #[error("the file cannot be read ({name})")]
    Unreadable {
        /// The name of the browser's exception.
        name: String,
    },
}

/// Reads the bytes from `start` up to but not including `end`.
pub async fn slice(file: &Blob, start: u64, end: u64) -> Result<Vec<u8>, FileError> {
    let part = file.slice_with_f64_and_f64(start as f64, end as f64);
    whole(&part.map_err(|error| unreadable(&error))?, end - start).await
}

/// Reads all bytes, which must be `len`.
pub async fn whole(file: &Blob, len: u64) -> Result<Vec<u8>, FileError> {
    let buffer = js::call_async(file, "arrayBuffer", &[]).await;
    let bytes = js::to_bytes(&buffer.map_err(|error| unreadable(&error))?);
    // A file that shrank gives fewer bytes instead of an error.
    if bytes.len() as u64 == len { Ok(bytes) } else { Err(FileError::Vanished) }
}

fn unreadable(error: &JsValue) -> FileError {
    match js::error_name(error).as_str() {
        // Chromium reports a changed file so; Firefox and Safari say NotFoundError.
        "NotReadableError" | "NotFoundError" => FileError::Vanished,
        name => FileError::Unreadable { name: name.to_owned() },
    }
}
