//! What is left of a body that nobody reads.
//!
//! Who is refused before his body is read still sends it. If the connection ended there, he would
//! as often as not find it broken in place of the refusal, which says what to do about it. So the
//! rest is read, and thrown away, within bounds; the connection goes on.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::timeout;

/// A body whose rest is read when this is dropped.
pub(super) struct ReadOut(Option<Incoming>);

impl ReadOut {
    pub(super) fn new(body: Incoming) -> Self {
        Self(Some(body))
    }
}

impl Body for ReadOut {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.0.as_mut().map_or(Poll::Ready(None), |body| Pin::new(body).poll_frame(context))
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

impl Drop for ReadOut {
    fn drop(&mut self) {
        if let Some(mut body) = self.0.take()
            && !body.is_end_stream()
            && body.size_hint().lower() <= BYTES_MAX
        {
            tokio::spawn(async move { timeout(DEADLINE, read_out(&mut body)).await });
        }
    }
}

async fn read_out(body: &mut Incoming) {
    let mut left = BYTES_MAX;
    while let Some(Ok(frame)) = body.frame().await {
        let len = frame.data_ref().map_or(0, |data| data.len() as u64);
        let Some(less) = left.checked_sub(len) else {
            return;
        };
        left = less;
    }
}

/// More than any call takes: who sends much more means no good.
const BYTES_MAX: u64 = 64 * 1024 * 1024;
const DEADLINE: Duration = Duration::from_secs(10);
