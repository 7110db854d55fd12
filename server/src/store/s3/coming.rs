//! A range of a segment on its way: one call for all of it, made by the task that reads.
//!
//! What the network brings is gathered to pieces, since each costs who sends it on; beside a piece
//! there is at most what the client reads at once (some 400 KiB). A call that breaks off is made
//! again for what is still to come, so who takes it slowly may outlast one; if that goes on, the
//! read ends.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use reqwest::Response;

use super::bucket::{Bucket, Opened};
use super::key;
use super::silence::next_bytes;
use crate::store::blob::{BlobError, PIECE_BYTES, Pieces};

/// Calls that may break off for one piece.
const BREAKS_MAX: usize = 3;

/// A range that is being read.
pub(super) struct Coming {
    bucket: Arc<Bucket>,
    segment: u32,
    /// What has not come yet.
    rest: Range<u64>,
    /// The call that brings it.
    answer: Option<Response>,
    /// What has come beyond the last piece.
    over: Bytes,
}

impl Coming {
    pub(super) fn of(bucket: Arc<Bucket>, segment: u32, range: Range<u64>) -> Self {
        Self { bucket, segment, rest: range, answer: None, over: Bytes::new() }
    }

    pub(super) fn pieces(self) -> Pieces {
        Box::pin(stream::try_unfold(self, |mut coming| async move {
            Ok(coming.next_piece().await?.map(|piece| (piece, coming)))
        }))
    }

    async fn next_piece(&mut self) -> Result<Option<Bytes>, BlobError> {
        let left = self.over.len() as u64 + self.rest.end - self.rest.start;
        let wanted = left.min(PIECE_BYTES as u64) as usize;
        if wanted == 0 {
            return Ok(None);
        }
        let (mut piece, mut breaks) = (BytesMut::with_capacity(wanted), 0);
        while piece.len() < wanted {
            if self.over.is_empty() {
                match self.next_frame().await? {
                    Some(frame) => self.over = frame,
                    None if breaks == BREAKS_MAX => {
                        return Err(BlobError::Io(io::ErrorKind::UnexpectedEof.into()));
                    }
                    None => breaks += 1,
                }
            }
            let taken = self.over.len().min(wanted - piece.len());
            piece.extend_from_slice(&self.over.split_to(taken));
        }
        Ok(Some(piece.freeze()))
    }

    /// What comes next, as the network cuts it; `None` if that broke off.
    async fn next_frame(&mut self) -> Result<Option<Bytes>, BlobError> {
        let (segment, end) = (self.segment, self.rest.end);
        let mut answer = match self.answer.take() {
            Some(answer) => answer,
            None => match self.bucket.open(&key(segment), self.rest.clone()).await? {
                Opened::Coming(answer) => answer,
                Opened::Gone => return Err(BlobError::SegmentGone { segment }),
                Opened::Short => return Err(BlobError::SegmentShort { segment, end }),
            },
        };
        match next_bytes(&mut answer).await {
            Ok(Some(frame)) => {
                self.rest.start += frame.len() as u64;
                self.answer = Some(answer);
                return Ok(Some(frame));
            }
            Ok(None) => tracing::warn!("an answer of S3 was too short"),
            Err(error) => tracing::warn!(%error, "an answer of S3 broke off"),
        }
        Ok(None)
    }
}
