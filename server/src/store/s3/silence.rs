//! How long S3 may be silent: connections are there, and nothing moves on them.
//!
//! No call has a time by which it must be done. But something has to happen: more of what is sent
//! is taken, the answer begins, more of it comes. So a slow line carries what it can, and a store
//! that takes connections and never answers is known after seconds. (What the system's buffers still
//! hold of what is sent counts as taken; on a slow line that is about what two of its rounds carry.)

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, SizeHint};
use reqwest::Response;
use tokio::time::{Instant, timeout, timeout_at};

use crate::store::blob::BlobError;

/// How long a call may be silent until its answer begins.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// The same, for a call by which is found out whether S3 is back: others are refused meanwhile, and one
/// that always takes its time still answers this one.
pub(super) const TRIAL_PATIENCE: Duration = Duration::from_secs(20);
/// How long an answer that has begun may pause.
const STALL_MAX: Duration = Duration::from_secs(10);
/// What is sent at once.
const PIECE_BYTES: usize = 64 * 1024;

/// When something was last taken of what is sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Sent(Arc<Mutex<Option<Instant>>>);

impl Sent {
    fn last(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A body of which that is noted.
    pub(super) fn body(&self, bytes: Bytes) -> reqwest::Body {
        // An empty one says its length only as a whole.
        if bytes.is_empty() {
            return bytes.into();
        }
        reqwest::Body::wrap(Sending { rest: bytes, sent: self.clone() })
    }
}

/// Bytes on their way, a piece at a time.
struct Sending {
    rest: Bytes,
    sent: Sent,
}

impl Body for Sending {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        *self.sent.last() = Some(Instant::now());
        let len = self.rest.len().min(PIECE_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(len)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

/// Waits for the beginning of an answer, as long as what is sent moves.
pub(super) async fn unless_silent<T>(
    patience: Duration,
    sent: &Sent,
    answer: impl Future<Output = Result<T, BlobError>>,
) -> Result<T, BlobError> {
    let (mut answer, began) = (pin!(answer), Instant::now());
    loop {
        let moved = sent.last().map_or(began, |last| last.max(began));
        if let Ok(answer) = timeout_at(moved + patience, answer.as_mut()).await {
            return answer;
        }
        if sent.last().is_none_or(|last| last <= moved) {
            tracing::warn!("S3 is silent");
            return Err(BlobError::Silent { patience });
        }
    }
}

/// What comes next of an answer; `None` at its end.
pub(super) async fn next_bytes(answer: &mut Response) -> Result<Option<Bytes>, BlobError> {
    let next = timeout(STALL_MAX, answer.chunk()).await;
    let next = next.map_err(|_| BlobError::Silent { patience: STALL_MAX })?;
    // Without the URL, which carries the signature.
    next.map_err(|error| BlobError::Io(std::io::Error::other(error.without_url())))
}

/// All of an answer.
pub(super) async fn whole(mut answer: Response) -> Result<Bytes, BlobError> {
    let mut bytes = BytesMut::new();
    while let Some(next) = next_bytes(&mut answer).await? {
        bytes.extend_from_slice(&next);
    }
    Ok(bytes.freeze())
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_silent_is_given_up_and_what_is_slow_is_not() {
        let (sent, began) = (Sent::default(), Instant::now());
        let never = std::future::pending::<Result<(), BlobError>>();
        let given_up = unless_silent(PATIENCE, &sent, never).await;
        assert!(matches!(given_up, Err(BlobError::Silent { .. })));
        assert!(began.elapsed() < 2 * PATIENCE);

        let bytes = Bytes::from(vec![7; 40 * PIECE_BYTES + 1]);
        let mut sending = Sending { rest: bytes.clone(), sent: sent.clone() };
        assert_eq!(sending.size_hint().exact(), Some(bytes.len() as u64));
        let slowly = async {
            let mut all = BytesMut::new();
            while let Some(frame) = sending.frame().await {
                all.extend_from_slice(&frame.unwrap().into_data().unwrap());
                sleep(PATIENCE / 2).await;
            }
            Ok(all.freeze())
        };
        assert_eq!(unless_silent(PATIENCE, &sent, slowly).await.unwrap(), bytes);
        assert!(began.elapsed() > 20 * PATIENCE);
    }
}
