//! Looks whether what the database says of chunks is so, both ways, also beside a server.
//!
//! Every chunk of the index is read and compared with its id. Every segment is scanned: records
//! that the index counts neither as live nor as dead are unused space, which somebody may still
//! want (an older database, an upload on its way) and which stays.
//!
//! A repair loses nothing: it forgets where a chunk would be that is not there or not itself.
//! As long as the index has it, no device is asked to send it again, and who uploads the same
//! once more is told that it is there. The bytes stay: a segment with damage in it is never
//! reclaimed.

use std::sync::Arc;

use offing_core::id::{ChunkId, VaultId};

use crate::service::{ServiceError, open_existing};
use crate::store::blob::{BlobError, BlobView};
use crate::store::check::{Checked, Fault, check_chunk};
use crate::store::meta::{Durability, MetaResult, MetaStore, MetaTx, SegmentRow, StoredChunk};
use crate::store::places::{CHUNKS, Places};
use crate::store::s3::view::S3View;
use crate::store::segment::view::SegmentView;

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Segments that are there.
    pub segments: u64,
    /// The chunks of the index.
    pub chunks: Checked,
    /// Bytes of chunks that are not needed any more, to be reclaimed.
    pub dead_bytes: u64,
    /// Bytes of chunks that the index knows nothing of.
    pub unknown_bytes: u64,
    /// Bytes of segments that are no whole record.
    pub damaged_bytes: u64,
    /// Chunks whose place was forgotten.
    pub forgotten: u64,
}

/// A chunk with which something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// Its vault.
    pub vault: VaultId,
    /// The chunk.
    pub id: ChunkId,
    /// The segment in which it should be.
    pub segment: u32,
    /// What is wrong.
    pub fault: Fault,
}

/// Checks all that is kept at these places; blocks. `told` hears of each chunk with which
/// something is wrong.
pub fn fsck(
    places: &Places,
    repair: bool,
    told: &mut dyn FnMut(Finding),
) -> Result<Report, ServiceError> {
    let meta = open_existing(places)?;
    check(&*meta, &*view(places).map_err(Arc::new)?, repair, told)
}

/// The segments at these places, beside whoever writes them.
pub(crate) fn view(places: &Places) -> Result<Box<dyn BlobView>, BlobError> {
    Ok(match &places.chunks {
        Some(address) => Box::new(S3View::of(address)?),
        None => Box::new(SegmentView::of(&places.data.join(CHUNKS))),
    })
}

/// Checks a database against its segments.
pub fn check(
    meta: &dyn MetaStore,
    view: &dyn BlobView,
    repair: bool,
    told: &mut dyn FnMut(Finding),
) -> Result<Report, ServiceError> {
    let mut report = Report::default();
    let reader = view.reader();
    // What is there first: a segment that comes after is in the index when its chunks are.
    let present = view.segments().map_err(Arc::new)?;
    report.segments = present.len() as u64;
    let rows = meta.read_blocking(|state| state.segments())?;
    for row in &rows {
        let segment = row.segment;
        for chunk in meta.read_blocking(move |state| state.chunks_in(segment))? {
            let fault = check_chunk(meta, &*reader, &chunk)?;
            report.chunks.count(&chunk, fault);
            if let Some(fault) = fault {
                told(Finding { vault: chunk.vault, id: chunk.id, segment, fault });
                if repair && fault != Fault::Unreadable {
                    let forgotten = move |tx: &mut dyn MetaTx| forget(tx, &chunk);
                    report.forgotten += u64::from(meta.write_blocking(Durability::Now, forgotten)?);
                }
            }
        }
        count_space(view, row, &mut report)?;
    }
    for segment in present {
        if rows.binary_search_by_key(&segment, |row| row.segment).is_err() {
            let unknown =
                SegmentRow { segment, indexed_to: u64::MAX, live_bytes: 0, dead_bytes: 0 };
            count_space(view, &unknown, &mut report)?;
        }
    }
    Ok(report)
}

/// Scans a segment, as far as the index knew it when its row was read: of that, live and dead
/// bytes together never change.
fn count_space(
    view: &dyn BlobView,
    row: &SegmentRow,
    report: &mut Report,
) -> Result<(), ServiceError> {
    let mut found_bytes = 0;
    let scanned = view.scan(row.segment, &mut |found| {
        if found.at.end() <= row.indexed_to {
            found_bytes += u64::from(found.at.len);
        }
    });
    match scanned {
        Ok(scanned) => report.damaged_bytes += scanned.damaged_bytes,
        // Lost, which its chunks tell, or reclaimed meanwhile.
        Err(BlobError::SegmentGone { .. }) => return Ok(()),
        Err(error) => return Err(Arc::new(error).into()),
    }
    report.dead_bytes += row.dead_bytes;
    report.unknown_bytes += u64::saturating_sub(found_bytes, row.live_bytes + row.dead_bytes);
    Ok(())
}

/// Forgets where a chunk is, unless it has moved meanwhile.
fn forget(tx: &mut dyn MetaTx, chunk: &StoredChunk) -> MetaResult<bool> {
    let (vault, id) = (&chunk.vault, &chunk.id);
    let Some(row) = tx.chunk(vault, id)?.filter(|row| row.at == chunk.at) else {
        return Ok(false);
    };
    miss(tx, &row)?;
    tx.remove_chunk(vault, id)?;
    Ok(true)
}

/// Notes that a chunk is not there, so that it can come again; the index is not looked at.
pub(crate) fn miss(tx: &mut dyn MetaTx, chunk: &StoredChunk) -> MetaResult<()> {
    let (vault, id) = (&chunk.vault, &chunk.id);
    // When it comes again it must not pass for something that only snapshots need.
    if chunk.last_declared > 0 && tx.piece(vault, id)?.is_none() {
        tx.await_chunk(vault, id)?;
    }
    if let Some(vault) = tx.vault(vault)? {
        tx.add_usage(&vault.account, -i64::from(chunk.at.len))?;
    }
    tx.remove_piece(vault, id)
}
