//! Uploading, reading back, and a database that is put back to an earlier state.

use std::path::{Path, PathBuf};

use offing_core::id::{ChunkId, VaultId};
use offing_core::proto::ChunksStored;
use offing_server::service::{Caller, ServiceError, Services};

/// Uploads one chunk in pieces.
pub(crate) async fn put(
    services: &Services,
    caller: &Caller,
    vault: VaultId,
    (id, bytes): &(ChunkId, Vec<u8>),
) -> Result<ChunksStored, ServiceError> {
    let mut upload = services.begin_chunk(caller, vault, *id, bytes.len()).await?;
    for piece in bytes.chunks(1000) {
        upload.push(piece).await?;
    }
    upload.finish().await
}

/// Reads a chunk whole.
pub(crate) async fn read(
    services: &Services,
    caller: &Caller,
    vault: VaultId,
    id: ChunkId,
) -> Vec<u8> {
    let handle = services.chunk(caller, vault, id).await.unwrap();
    let len = handle.len_bytes();
    let mut body = handle.body(0..len).unwrap();
    let mut bytes = Vec::new();
    while let Some(piece) = body.next_piece().await.unwrap() {
        bytes.extend_from_slice(&piece);
    }
    bytes
}

/// The files of the database, without the chunks.
pub(crate) fn database(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), std::fs::read(&path).unwrap()))
        .collect()
}

/// Puts the database back to an earlier state, beside the chunks of today.
pub(crate) fn restore(folder: &Path, earlier: Vec<(PathBuf, Vec<u8>)>) {
    for (path, _) in database(folder) {
        std::fs::remove_file(path).unwrap();
    }
    for (path, bytes) in earlier {
        std::fs::write(path, bytes).unwrap();
    }
}
