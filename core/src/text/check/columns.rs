//! Whether the bytes of a change are ones that Automerge can read.
//!
//! Its reader trusts three things that bytes of others may break: it panics on a number
//! beyond 32 bits where it expects part of a name, goes through runs however long they say
//! they are, and keeps what it does not understand. So the bytes are walked here first,
//! without unfolding anything.
//!
//! ```text
//! change = magic[4] | checksum[4] | type u8 | len | deps | actor | seq | start | time | message
//!        | other actors | columns | their data
//! column = RLE: n > 0, a value n times; n < 0, -n values; 0, how many are missing
//! ```

use std::ops::Range;

use super::CHANGE_OPS_MAX;

const HEADER_BYTES: usize = 9;
const HASH_BYTES: usize = 32;
/// Most columns of a change; there are thirteen kinds.
const COLUMNS_MAX: u64 = 16;
/// Set in the kind of a column that is compressed, as only those of whole documents are.
const COMPRESSED: u64 = 8;
/// The column that says which ops insert: how many do not, how many do, and so on.
const INSERT: u64 = 0x34;

/// Says whether a change is whole, has nothing over, and no number or run out of bounds.
pub(super) fn are_sound(bytes: &[u8]) -> bool {
    let Some(bytes) = bytes.get(HEADER_BYTES..) else {
        return false;
    };
    Reader { bytes }.change().is_some()
}

/// The runs of ops of a sound change that insert, counted from its first; `None` if it is not sound.
pub(super) fn inserted(bytes: &[u8]) -> Option<Vec<Range<u64>>> {
    let mut column = Reader { bytes: bytes.get(HEADER_BYTES..)? };
    column.bytes = column.change()?;
    let (mut at, mut runs) = (0, Vec::new());
    while !column.bytes.is_empty() {
        let start = column.unsigned()?.checked_add(at)?;
        at = start;
        if !column.bytes.is_empty() {
            at = column.unsigned()?.checked_add(start)?;
            runs.push(start..at);
        }
    }
    Some(runs)
}

/// Reads from the front; `None` where the bytes end or a number is out of bounds.
struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Walks a whole change; gives its column of inserts, which is empty where none does.
    fn change(&mut self) -> Option<&'a [u8]> {
        let len = self.unsigned()?;
        if len != self.bytes.len() as u64 {
            return None;
        }
        for _ in 0..self.unsigned()? {
            self.take(HASH_BYTES as u64)?;
        }
        self.sized()?;
        let (_seq, _start) = (self.small()?, self.small()?);
        let _time = self.signed()?;
        self.sized()?;
        let actors = 1 + self.counted(Self::sized)?;
        let mut columns = Vec::new();
        let count = self.unsigned()?;
        if count > COLUMNS_MAX {
            return None;
        }
        for _ in 0..count {
            columns.push((self.unsigned()?, self.unsigned()?));
        }
        let mut inserts = Default::default();
        for (kind, len) in columns {
            let bytes = self.take(len)?;
            Reader { bytes }.column(kind, actors)?;
            if kind == INSERT {
                inserts = bytes;
            }
        }
        self.bytes.is_empty().then_some(inserts)
    }

    fn column(&mut self, kind: u64, actors: u64) -> Option<()> {
        if kind & COMPRESSED != 0 {
            return None;
        }
        let many = CHANGE_OPS_MAX as i128;
        match kind & 7 {
            // How many values of the next columns belong to each op.
            0 => {
                let mut sum = 0;
                self.runs(Self::unsigned, |n, value| {
                    sum += i128::from(n) * i128::from(value);
                    sum <= many
                })
            }
            1 => self.runs(Self::unsigned, |_, value| value < actors),
            2 => self.runs(Self::unsigned, |_, value| value <= u64::from(u32::MAX)),
            3 => {
                let mut sum = 0;
                self.runs(Self::signed, |n, value| {
                    let first = sum + i128::from(value);
                    sum += i128::from(n) * i128::from(value);
                    let bounds = 0..=i128::from(u32::MAX);
                    bounds.contains(&first) && bounds.contains(&sum)
                })
            }
            4 => {
                let mut sum = 0;
                while !self.bytes.is_empty() {
                    sum += i128::from(self.unsigned()?);
                    if sum > many {
                        return None;
                    }
                }
                Some(())
            }
            // Keys of maps and names of marks: typing has none.
            5 => self.bytes.is_empty().then_some(()),
            6 => self.runs(Self::unsigned, |_, value| value <= u64::from(u32::MAX)),
            _ => Some(()),
        }
    }

    /// Walks a column's runs; `fits` says of each value and how often it stands there
    /// whether it may.
    fn runs<T: Copy>(
        &mut self,
        read: impl Fn(&mut Self) -> Option<T>,
        mut fits: impl FnMut(u64, T) -> bool,
    ) -> Option<()> {
        let mut rows: u64 = 0;
        while !self.bytes.is_empty() {
            let n = self.signed()?;
            let missing = if n == 0 { self.unsigned()? } else { 0 };
            rows = rows.checked_add(missing)?.checked_add(n.unsigned_abs())?;
            if rows > CHANGE_OPS_MAX as u64 {
                return None;
            }
            if n > 0 {
                let value = read(self)?;
                fits(n.unsigned_abs(), value).then_some(())?;
            }
            for _ in n..0 {
                let value = read(self)?;
                fits(1, value).then_some(())?;
            }
        }
        Some(())
    }

    fn counted<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<u64> {
        let count = self.unsigned()?;
        for _ in 0..count {
            read(self)?;
        }
        Some(count)
    }

    fn sized(&mut self) -> Option<&'a [u8]> {
        let len = self.unsigned()?;
        self.take(len)
    }

    fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(usize::try_from(len).ok()?)?;
        self.bytes = rest;
        Some(taken)
    }

    fn small(&mut self) -> Option<u64> {
        self.unsigned().filter(|value| *value <= u64::from(u32::MAX))
    }

    fn unsigned(&mut self) -> Option<u64> {
        let (bits, _, _) = self.leb128()?;
        u64::try_from(bits).ok()
    }

    fn signed(&mut self) -> Option<i64> {
        let (bits, width, negative) = self.leb128()?;
        let bits = i128::try_from(bits).ok()?;
        i64::try_from(if negative { bits - (1 << width) } else { bits }).ok()
    }

    /// A number of at most ten bytes, its width in bits, and the bit for its sign.
    fn leb128(&mut self) -> Option<(u128, u32, bool)> {
        let (mut bits, mut width) = (0_u128, 0);
        loop {
            let (byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            bits |= u128::from(byte & 0x7f) << width;
            width += 7;
            if byte & 0x80 == 0 {
                return Some((bits, width, byte & 0x40 != 0));
            }
            if width >= 70 {
                return None;
            }
        }
    }
}
