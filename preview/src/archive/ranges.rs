//! A file of which only pieces are here: whoever reads what is not here learns what to ask for.
//!
//! An archive may be larger than all memory, and of most of it nothing is ever read. A reader that
//! comes to a hole fails, the hole is noted, and what was being done is done again once it is filled
//! ([`Stop::Needs`]). Pieces do not overlap; those that were not read for the longest time are let go.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::rc::Rc;

use crate::{Refusal, limits};

/// Why something ends before it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// It cannot be done.
    Refused(Refusal),
    /// It can be done once these bytes are here.
    Needs(Range<u64>),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A file in pieces; clones are the same one.
#[derive(Clone)]
pub(super) struct Ranges(Rc<RefCell<Held>>);

struct Held {
    size: u64,
    /// By where they begin.
    pieces: BTreeMap<u64, Piece>,
    bytes: u64,
    /// Counts readings, to know what was not read for long.
    turn: u64,
    missing: Option<Range<u64>>,
    /// The end of what was needed last, and how much it was: whoever reads on gets more at once.
    last: (u64, u64),
}

struct Piece {
    bytes: Vec<u8>,
    read: Cell<u64>,
}

impl Ranges {
    /// A file of which nothing is here.
    pub(super) fn of_size(size: u64) -> Self {
        let last = (0, 0);
        let (pieces, bytes, turn, missing) = (BTreeMap::new(), 0, 0, None);
        Self(Rc::new(RefCell::new(Held { size, pieces, bytes, turn, missing, last })))
    }

    /// A file that is here.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        let ranges = Self::of_size(bytes.len() as u64);
        ranges.give(0, bytes);
        ranges
    }

    pub(super) fn size(&self) -> u64 {
        self.0.borrow().size
    }

    /// Takes bytes from a place on; what is here already, or beyond the file, is left out.
    pub(super) fn give(&self, start: u64, mut bytes: Vec<u8>) {
        let mut held = self.0.borrow_mut();
        let here = held.piece(start).map(|(at, piece)| at + piece.bytes.len() as u64);
        let hole = held.hole(here.unwrap_or(start), start.saturating_add(bytes.len() as u64));
        bytes.truncate(hole.end.saturating_sub(start) as usize);
        bytes.drain(..(hole.start - start).min(bytes.len() as u64) as usize);
        if bytes.is_empty() {
            return;
        }
        held.bytes += bytes.len() as u64;
        held.turn += 1;
        let read = Cell::new(held.turn);
        held.pieces.insert(hole.start, Piece { bytes, read });
        while held.bytes > limits::HELD_BYTES_MAX && held.pieces.len() > 1 {
            let oldest = held.pieces.iter().min_by_key(|(_, piece)| piece.read.get());
            let Some((&start, _)) = oldest else { break };
            let gone = held.pieces.remove(&start).map_or(0, |piece| piece.bytes.len());
            held.bytes -= gone as u64;
        }
    }

    /// Wants all of a range to be here.
    pub(super) fn want(&self, range: Range<u64>) -> Result<(), Stop> {
        let mut held = self.0.borrow_mut();
        held.turn += 1;
        let end = range.end.min(held.size);
        let mut at = range.start;
        while at < end {
            let Some((start, piece)) = held.piece(at) else {
                return Err(Stop::Needs(held.hole(at, end)));
            };
            piece.read.set(held.turn);
            at = start + piece.bytes.len() as u64;
        }
        Ok(())
    }

    /// All of a file that is here, which is let go.
    pub(super) fn whole(&self) -> Result<Vec<u8>, Stop> {
        let size = self.size();
        self.want(0..size)?;
        let mut held = self.0.borrow_mut();
        let mut pieces = std::mem::take(&mut held.pieces).into_values();
        held.bytes = 0;
        let mut bytes = pieces.next().map(|piece| piece.bytes).unwrap_or_default();
        bytes.reserve_exact((size as usize).saturating_sub(bytes.len()));
        pieces.for_each(|piece| bytes.extend(piece.bytes));
        Ok(bytes)
    }

    /// Reads from a place on, which is zero to it, at most so many bytes.
    pub(super) fn reader(&self, base: u64, bytes_max: u64) -> Reader {
        let (at, left) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(bytes_max)));
        Reader { ranges: self.clone(), base, at, left }
    }

    /// Why a reading failed: it came to a hole, or else for the reason that is given.
    pub(super) fn stop(&self, refusal: Refusal) -> Stop {
        let missing = self.0.borrow_mut().missing.take();
        missing.map_or(Stop::Refused(refusal), Stop::Needs)
    }
}

impl Held {
    /// The piece that holds a place.
    fn piece(&self, at: u64) -> Option<(u64, &Piece)> {
        let (&start, piece) = self.pieces.range(..=at).next_back()?;
        (at - start < piece.bytes.len() as u64).then_some((start, piece))
    }

    /// What is not here from a hole's place on, up to an end.
    fn hole(&self, at: u64, end: u64) -> Range<u64> {
        let next = self.pieces.range(at..).next().map_or(self.size, |(&start, _)| start);
        at..end.min(next).min(self.size).max(at)
    }

    /// Notes the first hole that somebody comes to.
    fn miss(&mut self, at: u64) {
        if self.missing.is_some() {
            return;
        }
        let (end, bytes) = self.last;
        let reads_on = at >= end && at - end < bytes;
        let bytes = if reads_on { bytes * 2 } else { limits::NEED_BYTES_MIN };
        let bytes = bytes.clamp(limits::NEED_BYTES_MIN, limits::NEED_BYTES_MAX);
        let hole = self.hole(at, at.saturating_add(bytes));
        self.last = (hole.end, bytes);
        self.missing = Some(hole);
    }
}

/// Reads a file in pieces; clones stand at the same place.
#[derive(Clone)]
pub(super) struct Reader {
    ranges: Ranges,
    base: u64,
    at: Rc<Cell<u64>>,
    left: Rc<Cell<u64>>,
}

impl Reader {
    /// Its place in the file.
    pub(super) fn place(&self) -> u64 {
        self.base.saturating_add(self.at.get())
    }

    /// Lets it read so many bytes more from now on.
    pub(super) fn allow(&self, bytes_max: u64) {
        self.left.set(bytes_max);
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let place = self.place();
        let mut held = self.ranges.0.borrow_mut();
        if place >= held.size || buffer.is_empty() {
            return Ok(0);
        }
        held.turn += 1;
        let Some((start, piece)) = held.piece(place) else {
            held.miss(place);
            return Err(ErrorKind::WouldBlock.into());
        };
        piece.read.set(held.turn);
        let here = &piece.bytes[(place - start) as usize..];
        let most = here.len().min(buffer.len());
        let left = self.left.get().checked_sub(most as u64);
        self.left.set(left.ok_or(ErrorKind::QuotaExceeded)?);
        buffer[..most].copy_from_slice(&here[..most]);
        self.at.set(self.at.get() + most as u64);
        Ok(most)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> Result<u64, Error> {
        let size = self.ranges.size().saturating_sub(self.base);
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.get().checked_add_signed(by),
        };
        self.at.set(at.ok_or(ErrorKind::InvalidInput)?);
        Ok(self.at.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(ranges: &Ranges, place: u64, length: usize) -> Result<Vec<u8>, Stop> {
        let mut bytes = vec![0; length];
        let read = ranges.reader(place, u64::MAX).read_exact(&mut bytes);
        read.map(|()| bytes).map_err(|_| ranges.stop(Refusal::Broken))
    }

    #[test]
    fn what_is_not_here_is_needed_and_read_once_it_is() {
        let ranges = Ranges::of_size(100);
        assert_eq!(read(&ranges, 10, 4), Err(Stop::Needs(10..100)));
        ranges.give(20, vec![2; 30]);
        assert_eq!(read(&ranges, 10, 20), Err(Stop::Needs(10..20)));
        ranges.give(10, vec![1; 10]);
        assert_eq!(read(&ranges, 18, 4), Ok(vec![1, 1, 2, 2]));
        assert_eq!(read(&ranges, 98, 4), Err(Stop::Needs(98..100)));
        ranges.give(98, vec![3; 9]);
        assert_eq!(read(&ranges, 98, 4), Err(Stop::Refused(Refusal::Broken)), "the file ends");
    }

    #[test]
    fn what_is_given_twice_is_taken_once() {
        let ranges = Ranges::of_size(10);
        ranges.give(2, vec![1; 4]);
        ranges.give(0, vec![2; 10]);
        ranges.give(4, vec![3; 6]);
        ranges.give(4, vec![4; 6]);
        assert_eq!(ranges.whole(), Ok(vec![2, 2, 1, 1, 1, 1, 3, 3, 3, 3]));
    }

    #[test]
    fn whoever_reads_on_is_given_more_at_once_and_whoever_hops_little() {
        let ranges = Ranges::of_size(1 << 40);
        let mut needed = Vec::new();
        let mut place = 0;
        for _ in 0..12 {
            let Err(Stop::Needs(hole)) = read(&ranges, place, 1) else { panic!("it is here") };
            needed.push(hole.end - hole.start);
            ranges.give(hole.start, vec![0; (hole.end - hole.start) as usize]);
            place = hole.end;
        }
        assert_eq!(needed[..3], [16_384, 32_768, 65_536]);
        assert_eq!(needed[11], limits::NEED_BYTES_MAX);
        assert_eq!(read(&ranges, 1 << 39, 1), Err(Stop::Needs(1 << 39..(1 << 39) + 16_384)));
    }

    #[test]
    fn no_more_is_held_than_there_may_be_and_what_was_read_last_stays() {
        let ranges = Ranges::of_size(1 << 40);
        let piece = limits::NEED_BYTES_MAX;
        for at in 0..40 {
            ranges.give(at * piece, vec![at as u8; piece as usize]);
            assert_eq!(read(&ranges, 0, 1), Ok(vec![0]), "it was read just now");
        }
        assert!(ranges.0.borrow().bytes <= limits::HELD_BYTES_MAX);
        assert!(matches!(read(&ranges, piece, 1), Err(Stop::Needs(_))));
    }
}
