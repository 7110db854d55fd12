//! What Zstandard packed: frames one after the other, each with a sum of what comes out of it.

use std::io::{Error, ErrorKind, Read};

use ruzstd::decoding::{
    FrameDecoder, StreamingDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};

use crate::limits;

/// Bytes before what a frame that is to be skipped holds.
const SKIP_HEAD_BYTES: usize = 8;

type Frame<'a> = StreamingDecoder<&'a [u8], FrameDecoder>;

/// Reads all frames; `Unsupported` is the error where one needs more memory than it may have, or
/// words that are not in the file.
pub(super) struct Frames<'a> {
    rest: &'a [u8],
    frame: Option<Frame<'a>>,
}

impl<'a> Frames<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, frame: None }
    }

    /// Begins the next frame that holds something.
    fn begin(&mut self) -> Result<Option<Frame<'a>>, Error> {
        while !self.rest.is_empty() {
            let most = limits::WINDOW_BYTES_MAX;
            let error = match Frame::new_with_max_window_size(self.rest, most) {
                Ok(frame) => return Ok(Some(frame)),
                Err(error) => error,
            };
            if let FrameDecoderError::ReadFrameHeaderError(header) = &error
                && let ReadFrameHeaderError::SkipFrame { length, .. } = header
            {
                let next = (*length as usize).checked_add(SKIP_HEAD_BYTES);
                let rest = next.and_then(|next| self.rest.get(next..));
                self.rest = rest.ok_or(ErrorKind::UnexpectedEof)?;
                continue;
            }
            let needs_more = matches!(
                error,
                FrameDecoderError::WindowSizeTooBig { .. }
                    | FrameDecoderError::DictNotProvided { .. }
            );
            return Err(
                if needs_more { ErrorKind::Unsupported } else { ErrorKind::InvalidData }.into()
            );
        }
        Ok(None)
    }
}

impl Read for Frames<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        loop {
            if self.frame.is_none() {
                self.frame = self.begin()?;
            }
            let Some(frame) = &mut self.frame else { return Ok(0) };
            let read = frame.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let said = frame.decoder.get_checksum_from_data();
            if said.is_some() && said != frame.decoder.get_calculated_checksum() {
                return Err(ErrorKind::InvalidData.into());
            }
            self.rest = frame.get_ref();
            self.frame = None;
        }
    }
}
