//! Reading and writing the fixed binary encodings of this project.
//!
//! Numbers are big-endian, fields of any length have a 32-bit length before them. Every
//! read is checked against the bytes that are left and a limit.

/// Reports bytes that are not what the wire format says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The bytes end too early.
    #[error("the message is cut short")]
    Truncated,
    /// Bytes are left over.
    #[error("the message has bytes left over")]
    Trailing,
    /// A length or count exceeds its limit.
    #[error("a length exceeds its limit of {max}")]
    TooLong {
        /// The limit.
        max: usize,
    },
    /// An unknown tag.
    #[error("unknown tag {tag}")]
    UnknownTag {
        /// The tag.
        tag: u8,
    },
}

/// Reads the fixed binary encodings of this project; every read is bounds-checked.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Takes `len` bytes.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], WireError> {
        if self.rest.len() < len {
            return Err(WireError::Truncated);
        }
        let (head, rest) = self.rest.split_at(len);
        self.rest = rest;
        Ok(head)
    }

    /// Takes a fixed-size array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        Ok(self.take(N)?.try_into().expect("take returns N bytes"))
    }

    /// Takes one byte.
    pub fn u8(&mut self) -> Result<u8, WireError> {
        Ok(self.array::<1>()?[0])
    }

    /// Takes a big-endian 32-bit number.
    pub fn be32(&mut self) -> Result<u32, WireError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// Takes a big-endian 64-bit number.
    pub fn be64(&mut self) -> Result<u64, WireError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// Takes bytes with a 32-bit length before them, at most `max`.
    pub fn lp(&mut self, max: usize) -> Result<&'a [u8], WireError> {
        let len = self.be32()? as usize;
        if len > max {
            return Err(WireError::TooLong { max });
        }
        self.take(len)
    }

    /// Bytes not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Checks that everything was read.
    pub fn finish(self) -> Result<(), WireError> {
        if self.rest.is_empty() { Ok(()) } else { Err(WireError::Trailing) }
    }
}

/// Appends `be32(len) | bytes`.
pub fn put_lp(out: &mut Vec<u8>, bytes: &[u8]) {
    let len = u32::try_from(bytes.len()).expect("every encoded field is bounded by limits");
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(bytes);
}
