//! What lets somebody into the page: a link that a command prints, good once and for minutes, and the
//! session of the browser that opened it.
//!
//! Only hashes are kept, in the database, so that any process takes a link that a command beside
//! another made. There is no password, and none to guess.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use offing_core::id::Hash;
use rand::RngCore as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{AdminError, Keeper};
use crate::store::keeping::{Pass, PassKind};
use crate::store::meta::{Durability, MetaResult, MetaTx};

/// Milliseconds for which a link is good.
pub const LINK_MS: i64 = 10 * 60 * 1_000;
/// Milliseconds after its last use in which a session ends.
pub const SESSION_IDLE_MS: i64 = 60 * 60 * 1_000;
/// Milliseconds after which a session ends, used or not.
pub const SESSION_MS: i64 = 8 * 60 * 60 * 1_000;
/// Use is noted when the last note is older than this.
const NOTED_MS: i64 = 60 * 1_000;

impl Keeper {
    /// Makes a link's secret.
    pub async fn make_link(&self) -> Result<String, AdminError> {
        self.note("admin-link", json!({})).await?;
        let (now_ms, secret) = (self.now_ms(), new_secret());
        let pass = new_pass(&secret, PassKind::Link, now_ms);
        let job = move |tx: &mut dyn MetaTx| {
            tx.remove_passes_before(now_ms - SESSION_MS)?;
            tx.add_pass(&pass)
        };
        self.meta.write(Durability::Now, job).await?;
        Ok(secret)
    }

    /// Ends every link and every session, and says how many.
    pub async fn lock(&self) -> Result<u64, AdminError> {
        self.note("admin-lock", json!({})).await?;
        let job = |tx: &mut dyn MetaTx| tx.remove_passes_before(i64::MAX);
        Ok(self.meta.write(Durability::Now, job).await?)
    }

    /// Exchanges a link's secret for the secret of a session.
    pub(crate) async fn enter(&self, link: &str) -> Result<String, AdminError> {
        let (now_ms, secret, link) = (self.now_ms(), new_secret(), hash_of(link));
        let session = new_pass(&secret, PassKind::Session, now_ms);
        let job = move |tx: &mut dyn MetaTx| {
            let found = tx.pass(&link)?.filter(|pass| pass.kind == PassKind::Link);
            let is_good = found.is_some_and(|pass| now_ms - pass.created_ms < LINK_MS);
            if is_good {
                tx.remove_pass(&link)?;
                tx.add_pass(&session)?;
            }
            Ok(is_good)
        };
        if !self.meta.write(Durability::Now, job).await? {
            return Err(AdminError::LinkUnknown);
        }
        self.note("admin-enter", json!({})).await?;
        Ok(secret)
    }

    /// Says whether a session of this secret goes on, and notes that it was used.
    pub(crate) async fn goes_on(&self, session: &str) -> Result<bool, AdminError> {
        let (now_ms, hash) = (self.now_ms(), hash_of(session));
        let Some(pass) = self.meta.read(move |state| state.pass(&hash)).await? else {
            return Ok(false);
        };
        let is_good = pass.kind == PassKind::Session
            && now_ms - pass.created_ms < SESSION_MS
            && now_ms - pass.used_ms < SESSION_IDLE_MS;
        if is_good && now_ms - pass.used_ms >= NOTED_MS {
            let job = move |tx: &mut dyn MetaTx| tx.use_pass(&hash, now_ms);
            self.meta.write(Durability::Later, job).await?;
        }
        Ok(is_good)
    }

    /// Ends the session of this secret.
    pub(crate) async fn leave(&self, session: &str) -> Result<(), AdminError> {
        let hash = hash_of(session);
        let job = move |tx: &mut dyn MetaTx| -> MetaResult<()> { tx.remove_pass(&hash) };
        Ok(self.meta.write(Durability::Now, job).await?)
    }
}

fn new_secret() -> String {
    let mut secret = [0; 32];
    rand::rngs::OsRng.fill_bytes(&mut secret);
    URL_SAFE_NO_PAD.encode(secret)
}

fn new_pass(secret: &str, kind: PassKind, now_ms: i64) -> Pass {
    Pass { token_hash: hash_of(secret), kind, created_ms: now_ms, used_ms: now_ms }
}

fn hash_of(secret: &str) -> Hash {
    Hash(Sha256::digest(secret.as_bytes()).into())
}
