//! Copying what a database knows of its segments, several at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::BackupError;
use crate::store::blob::{BlobError, BlobReader, BlobView as _};
use crate::store::check::{Checked, look};
use crate::store::meta::SegmentRow;
use crate::store::segment::copy::{copy, held_bytes, sync};
use crate::store::segment::view::SegmentView;
use crate::store::sqlite::snapshot::Moment;

/// What is copied from where to where.
pub(super) struct Copying<'b> {
    /// Reads the segments.
    pub(super) reader: &'b dyn BlobReader,
    /// The folder of the copies.
    pub(super) folder: &'b Path,
    /// The copy of the database.
    pub(super) fresh: &'b Path,
    /// How far each segment is in an earlier backup.
    pub(super) done: &'b BTreeMap<u32, u64>,
}

/// What was copied.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) segments: u64,
    /// Bytes that were copied.
    pub(super) new_bytes: u64,
    /// Bytes that the folder has now.
    pub(super) held_bytes: u64,
    /// What became of the chunks that no earlier backup had.
    pub(super) chunks: Checked,
    /// Segments that were not there.
    pub(super) gone: BTreeSet<u32>,
}

impl Copying<'_> {
    /// Copies these segments, so many at a time.
    pub(super) fn copy_all(&self, rows: &[SegmentRow], hands: usize) -> Result<Part, BackupError> {
        let queue = Mutex::new(rows.iter());
        let parts: Vec<_> = thread::scope(|scope| {
            let hands: Vec<_> = (0..hands).map(|_| scope.spawn(|| self.work(&queue))).collect();
            let joined = hands.into_iter().map(thread::ScopedJoinHandle::join);
            joined.map(|part| part.unwrap_or_else(|panic| resume_unwind(panic))).collect()
        });
        let mut all = Part::default();
        for part in parts {
            all.add(part?);
        }
        Ok(all)
    }

    /// Copies what is left in a queue, and leaves nothing in it to the others when it fails.
    fn work(&self, queue: &Mutex<std::slice::Iter<'_, SegmentRow>>) -> Result<Part, BackupError> {
        let queue = || queue.lock().unwrap_or_else(PoisonError::into_inner);
        let moment = Moment::open(self.fresh)?;
        let mut part = Part::default();
        loop {
            let Some(row) = queue().next() else {
                return Ok(part);
            };
            if let Err(error) = self.copy_one(&moment, row, &mut part) {
                *queue() = [].iter();
                return Err(error);
            }
        }
    }

    fn copy_one(
        &self,
        moment: &Moment,
        row: &SegmentRow,
        part: &mut Part,
    ) -> Result<(), BackupError> {
        let SegmentRow { segment, indexed_to: end, .. } = *row;
        let held = held_bytes(self.folder, segment)?;
        let done = self.done.get(&segment).map_or(0, |done| end.min(*done).min(held));
        part.segments += 1;
        if done < end {
            if held >= end && self.is_whole(segment, end) {
                // A backup that was broken off has left it.
                sync(self.folder, segment)?;
            } else {
                match copy(self.reader, self.folder, segment, done, end) {
                    Ok(bytes) => part.new_bytes += bytes,
                    Err(BlobError::SegmentGone { .. }) => drop(part.gone.insert(segment)),
                    Err(error) => return Err(error.into()),
                }
            }
            let (here, mut bytes) = (SegmentView::of(self.folder).reader(), Vec::new());
            for chunk in moment.chunks_from(segment, done)? {
                part.chunks.count(&chunk, look(&*here, &chunk, &mut bytes));
            }
        }
        part.held_bytes += held_bytes(self.folder, segment)?.min(end);
        Ok(())
    }

    /// Says whether a copy reads whole up to a place.
    fn is_whole(&self, segment: u32, end: u64) -> bool {
        let scanned = SegmentView::of(self.folder).scan(segment, &mut |_| {});
        scanned.is_ok_and(|found| found.valid_to >= end && found.damaged_bytes == 0)
    }
}

impl Part {
    fn add(&mut self, other: Self) {
        self.segments += other.segments;
        self.new_bytes += other.new_bytes;
        self.held_bytes += other.held_bytes;
        self.chunks.add(&other.chunks);
        self.gone.extend(other.gone);
    }
}
