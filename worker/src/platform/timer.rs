//! Waiting, and not waiting too long.

use std::future::Future;
use std::pin::pin;

use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;

/// Waits; browsers stretch this in hidden tabs.
pub async fn sleep_ms(ms: u32) {
    TimeoutFuture::new(ms).await;
}

/// Waits for `future`, but no longer than `ms`; `None` if it took longer.
pub async fn within_ms<T>(ms: u32, future: impl Future<Output = T>) -> Option<T> {
    match select(pin!(future), pin!(TimeoutFuture::new(ms))).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}
