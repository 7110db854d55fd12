//! The live socket: tells a device which vault has grown, never what is in it, and passes on what
//! devices tell one another for the moment, which nobody here can read.
//!
//! A message is a hint (`proto::Wake`); the log is what counts, so a lost one costs time and
//! nothing else. At connect the tips of all vaults are told. A socket that falls behind gets
//! the tips again instead of a longer queue; one that stops reading or answering is closed,
//! as is one whose session ended or whose account was closed.
//!
//! What a device tells (`proto::encode_told`) goes to the other sockets of the account if that is a
//! member of the vault, and nowhere else: it is not stored, logged or queued. What is over its rate,
//! of another length or for another vault is dropped without a word.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use offing_core::id::{AccountId, VaultId};
use offing_core::proto::{Code, TOLD_BYTES, Wake, decode_told};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::allowance::Allowance;
use crate::auth::cookie;
use crate::error::ApiError;
use crate::service::Caller;
use crate::service::news::{Listening, News};
use crate::state::AppState;
use crate::store::meta::{Session, SessionId};

/// Close code of a socket whose session has ended.
pub const CLOSE_SIGNED_OUT: u16 = 4401;

/// Close code of a socket whose account was closed.
pub const CLOSE_ACCOUNT_CLOSED: u16 = 4403;

/// Counts the open sockets, in all and for each account.
#[derive(Debug)]
pub(crate) struct Sockets {
    max: u32,
    all: Arc<Semaphore>,
    by_account: Arc<Mutex<HashMap<AccountId, usize>>>,
}

impl Sockets {
    /// None yet, and at most so many.
    pub(crate) fn new(max: u32) -> Self {
        let all = Arc::new(Semaphore::new(max as usize));
        Self { max, all, by_account: Arc::default() }
    }

    fn admit(&self, account: AccountId) -> Result<Place, ApiError> {
        let in_all = Arc::clone(&self.all).try_acquire_owned();
        let full = || ApiError::new(Code::Unavailable).retry_after(PING_EVERY);
        let in_all = in_all.map_err(|_| full())?;
        let mut by_account =
            self.by_account.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let count = by_account.entry(account).or_default();
        if *count >= ACCOUNT_SOCKETS_MAX {
            return Err(ApiError::new(Code::RateLimited).retry_after(PING_EVERY));
        }
        *count += 1;
        Ok(Place { account, by_account: Arc::clone(&self.by_account), _in_all: in_all })
    }

    /// How many are open.
    pub(crate) fn count(&self) -> u64 {
        u64::from(self.max).saturating_sub(self.all.available_permits() as u64)
    }

    /// Waits until no socket is open.
    pub(crate) async fn all_closed(&self) {
        let _ = self.all.acquire_many(self.max).await;
    }
}

/// The place that an open socket takes.
struct Place {
    account: AccountId,
    by_account: Arc<Mutex<HashMap<AccountId, usize>>>,
    _in_all: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_account =
            self.by_account.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(count) = by_account.get_mut(&self.account) {
            *count -= 1;
            if *count == 0 {
                by_account.remove(&self.account);
            }
        }
    }
}

pub(super) async fn open(
    State(state): State<AppState>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let token = cookie::find(&headers).ok_or(Code::SignedOut)?;
    let session = state.services().session_of_token(token, state.now_ms()).await?;
    state.services().require_open(session.account).await?;
    let upgrade = upgrade.map_err(|_| Code::BadRequest)?;
    let place = state.sockets().admit(session.account)?;
    Ok(upgrade
        .max_message_size(MESSAGE_BYTES_MAX)
        .max_frame_size(MESSAGE_BYTES_MAX)
        .read_buffer_size(SOCKET_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(SOCKET_BUFFER_BYTES)
        .on_upgrade(move |socket| async move {
            let may_tell = Allowance::per_second(TOLD_PER_SECOND, Instant::now());
            let telling = Telling { may_tell, vault: None };
            let (caller, session) = (caller_of(&session), session.id);
            Live { state, socket, caller, session, telling }.run().await;
            drop(place);
        }))
}

fn caller_of(session: &Session) -> Caller {
    Caller { account: session.account, device: session.device }
}

struct Live {
    state: AppState,
    socket: WebSocket,
    caller: Caller,
    session: SessionId,
    telling: Telling,
}

/// What is known of a socket that tells something.
struct Telling {
    may_tell: Allowance,
    /// The vault that it told of last, of which its account is a member.
    vault: Option<VaultId>,
}

/// Why a socket is closed by this side; `None` when there is nobody to tell.
type Closing = Option<(u16, &'static str)>;

impl Live {
    async fn run(mut self) {
        let closing = match self.tell().await {
            Ok(never) => match never {},
            Err(closing) => closing,
        };
        if let Some((code, reason)) = closing {
            let frame = CloseFrame { code, reason: reason.into() };
            // The other side may be gone, which is what this was for.
            let _ = self.send(Message::Close(Some(frame))).await;
        }
    }

    async fn tell(&mut self) -> Result<std::convert::Infallible, Closing> {
        // Listening starts before the tips are read, so that nothing falls in between.
        let mut news = self.state.services().listen(self.caller.account);
        let mut stopped = pin!(self.state.running().stopped());
        let mut closed = self.state.auth().closed();
        let account = self.caller.account;
        let mut pings = tokio::time::interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        let mut heard = Instant::now();
        self.tell_tips().await?;
        loop {
            tokio::select! {
                heard = news.next() => match heard {
                    News::Grown(wake) => self.tell_wake(wake).await?,
                    News::Missed => self.tell_tips().await?,
                    News::Told(bytes) => self.send(Message::Binary(bytes)).await?,
                },
                message = self.socket.recv() => match message {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(None),
                    Some(Ok(Message::Binary(bytes))) => {
                        heard = Instant::now();
                        self.pass_on(bytes, &news).await;
                    }
                    Some(Ok(_)) => heard = Instant::now(),
                },
                _ = pings.tick() => {
                    if heard.elapsed() > SILENCE_MAX {
                        return Err(None);
                    }
                    self.check_session().await?;
                    self.send(Message::Ping(Bytes::new())).await?;
                }
                () = async { drop(closed.wait_for(|closed| closed.contains(&account)).await) } => {
                    return Err(Some((CLOSE_ACCOUNT_CLOSED, "account closed")));
                }
                () = &mut stopped => {
                    return Err(Some((close_code::AWAY, "stopping")));
                }
            }
        }
    }

    async fn tell_tips(&mut self) -> Result<(), Closing> {
        let wakes = self.state.services().wakes(&self.caller).await;
        let wakes = wakes.map_err(|_| Some((close_code::ERROR, "try again")))?;
        for wake in wakes {
            self.tell_wake(wake).await?;
        }
        Ok(())
    }

    async fn tell_wake(&mut self, wake: Wake) -> Result<(), Closing> {
        let text = serde_json::to_string(&wake).expect("ids and numbers always encode");
        self.send(Message::Text(text.into())).await
    }

    /// Passes on what the device tells, and counts it.
    async fn pass_on(&mut self, bytes: Bytes, others: &Listening) {
        let now = Instant::now();
        let may_tell = self.telling.may_tell.take(now) && self.is_for_members(&bytes).await;
        let passed_on = may_tell && others.tell(bytes, now);
        let metrics = self.state.metrics();
        let counter = if passed_on { &metrics.told } else { &metrics.untold };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    async fn is_for_members(&mut self, bytes: &[u8]) -> bool {
        let Ok((vault, _)) = decode_told(bytes) else { return false };
        if self.telling.vault != Some(vault) {
            let (services, account) = (self.state.services(), self.caller.account);
            if services.require_member(account, vault).await.is_err() {
                return false;
            }
            self.telling.vault = Some(vault);
        }
        true
    }

    async fn check_session(&mut self) -> Result<(), Closing> {
        match self.state.services().session(self.session).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(Some((CLOSE_SIGNED_OUT, "signed out"))),
            Err(_) => Err(Some((close_code::ERROR, "try again"))),
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), Closing> {
        match tokio::time::timeout(SEND_DEADLINE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(None),
        }
    }
}

const ACCOUNT_SOCKETS_MAX: usize = 64;
const MESSAGE_BYTES_MAX: usize = 1024;
const _: () = assert!(TOLD_BYTES <= MESSAGE_BYTES_MAX, "what is told is one message");
/// How much one device may tell in a second: twice what one does whose cursor moves all the time.
const TOLD_PER_SECOND: u32 = 8;
const SOCKET_BUFFER_BYTES: usize = 4 * 1024;
const PING_EVERY: Duration = Duration::from_secs(30);
const SILENCE_MAX: Duration = Duration::from_secs(75);
const SEND_DEADLINE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use axum::http::header::RETRY_AFTER;
    use axum::response::IntoResponse as _;

    use super::*;

    #[test]
    fn who_finds_no_socket_free_is_told_when_to_come_again() {
        let sockets = Sockets::new(2);
        let [first, _second] = [1, 2].map(|who| sockets.admit(AccountId([who; 16])).unwrap());
        let refused = sockets.admit(AccountId([1; 16])).map(drop).unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
        assert_eq!(refused.into_response().headers()[RETRY_AFTER], "30");
        drop(first);
        assert!(sockets.admit(AccountId([1; 16])).is_ok());
    }
}
