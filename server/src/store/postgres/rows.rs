//! Reads rows inside a transaction; `rows_write` changes them.
//!
//! What changes is sent and not waited for: a question goes out behind it, and both answers
//! are taken together. The first that failed is the failure of the job, even if it is the
//! question that reports it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;

use futures_util::FutureExt as _;
use offing_core::id::{AccountId, ChunkId, DeviceId, Hash, Incarnation, Seq, VaultId};
use offing_core::log::entry::EntryKind;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql};

use super::batch::Batch;
use super::link::Link;
use crate::store::growth::{Question, Standing};
use crate::store::meta::{
    Account, DeviceCounter, Invite, Location, MetaError, MetaRead, MetaResult, PageBounds,
    SegmentRow, Session, SessionId, StoredChunk, StoredEntry, Vault,
};

/// A statement whose answer is not taken yet.
type Sent<'c> = Pin<Box<dyn Future<Output = MetaResult<()>> + 'c>>;
/// A value of a statement.
pub(super) type Value = Box<dyn ToSql + Sync + Send>;

/// A connection inside a transaction.
pub(super) struct Rows<'c> {
    pub(super) link: &'c Link,
    sent: RefCell<Vec<Sent<'c>>>,
    /// Rows that were changed.
    pub(super) changed: std::rc::Rc<Cell<u64>>,
    /// The vaults that the job has advanced.
    pub(super) grown: BTreeMap<VaultId, Vault>,
    /// What its group has in common.
    pub(super) batch: RefCell<Batch>,
}

impl<'c> Rows<'c> {
    pub(super) fn over(link: &'c Link) -> Self {
        Self {
            link,
            sent: RefCell::default(),
            changed: std::rc::Rc::default(),
            grown: BTreeMap::new(),
            batch: RefCell::default(),
        }
    }

    /// Says whether a statement has changed anything.
    pub(super) fn changed(&self) -> bool {
        self.changed.get() > 0
    }

    /// Forgets what the job that failed has sent.
    pub(super) fn forget(&mut self) {
        self.sent.get_mut().clear();
        self.grown.clear();
    }

    /// Sends statements without values.
    pub(super) fn send_plain(&self, sql: &'static str) {
        let client = self.link.client();
        self.send(async move { Ok(client.batch_execute(sql).await?) });
    }

    pub(super) fn send(&self, answer: impl Future<Output = MetaResult<()>> + 'c) {
        let mut answer: Sent<'c> = Box::pin(answer);
        // The first poll hands the message over.
        if let Some(result) = answer.as_mut().now_or_never() {
            answer = Box::pin(std::future::ready(result));
        }
        self.sent.borrow_mut().push(answer);
    }

    /// Takes the answers to all that was sent; the first failure counts.
    pub(super) fn settle(&self) -> MetaResult<()> {
        self.link.wait(settled(self.sent.take()))
    }

    /// Asks, for the job that runs.
    pub(super) fn query(&self, sql: &'static str, values: &[Value]) -> MetaResult<Vec<Row>> {
        self.stand_apart()?;
        self.query_now(sql, values)
    }

    /// Asks, for the group or a job that stands apart already.
    pub(super) fn query_now(&self, sql: &'static str, values: &[Value]) -> MetaResult<Vec<Row>> {
        let statement = self.link.prepared(sql);
        let Ok(statement) = statement else {
            // In a transaction that failed nothing is prepared; what failed it says more.
            self.settle()?;
            return statement.map(|_| Vec::new());
        };
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| &**value as _).collect();
        let sent = self.sent.take();
        self.link.wait(async {
            let mut rows = std::pin::pin!(self.link.client().query(&statement, &values));
            let early = rows.as_mut().now_or_never();
            settled(sent).await?;
            Ok(match early {
                Some(rows) => rows?,
                None => rows.await?,
            })
        })
    }

    pub(super) fn one<T>(
        &self,
        sql: &'static str,
        values: &[Value],
        read: impl FnOnce(&Row) -> MetaResult<T>,
    ) -> MetaResult<Option<T>> {
        self.query(sql, values)?.first().map(read).transpose()
    }

    pub(super) fn many<T>(
        &self,
        sql: &'static str,
        values: &[Value],
        read: impl FnMut(&Row) -> MetaResult<T>,
    ) -> MetaResult<Vec<T>> {
        self.query(sql, values)?.iter().map(read).collect()
    }
}

async fn settled(sent: Vec<Sent<'_>>) -> MetaResult<()> {
    let mut first = Ok(());
    for answer in sent {
        let result = answer.await;
        if first.is_ok() {
            first = result;
        }
    }
    first
}

/// A value of bytes.
pub(super) fn bytes(value: &[u8]) -> Value {
    Box::new(value.to_vec())
}

/// A value that is a number; the database has signed ones only, and ours never come near the
/// sign.
pub(super) fn int(value: u64) -> Value {
    Box::new(signed(value))
}

pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A number that may be absent.
pub(super) fn optional(value: Option<u64>) -> Value {
    Box::new(value.map(signed))
}

pub(super) fn get<'r, T: FromSql<'r>>(row: &'r Row, column: usize) -> MetaResult<T> {
    Ok(row.try_get(column)?)
}

pub(super) fn array<const N: usize>(row: &Row, column: usize) -> MetaResult<[u8; N]> {
    get::<&[u8]>(row, column)?.try_into().map_err(|_| MetaError::Corrupt { column: "id or hash" })
}

pub(super) fn uint(row: &Row, column: usize) -> MetaResult<u64> {
    u64::try_from(get::<i64>(row, column)?).map_err(|_| MetaError::Corrupt { column: "number" })
}

pub(super) fn optional_array<const N: usize>(
    row: &Row,
    column: usize,
) -> MetaResult<Option<[u8; N]>> {
    get::<Option<&[u8]>>(row, column)?.map(|_| array(row, column)).transpose()
}

pub(super) fn optional_uint(row: &Row, column: usize) -> MetaResult<Option<u64>> {
    get::<Option<i64>>(row, column)?.map(|_| uint(row, column)).transpose()
}

pub(super) fn uint32(row: &Row, column: usize) -> MetaResult<u32> {
    u32::try_from(get::<i64>(row, column)?).map_err(|_| MetaError::Corrupt { column: "number" })
}

macro_rules! accounts_where {
    ($condition:literal) => {
        concat!(
            "SELECT id, username, password_file, recovery_file, identity_public, ",
            "identity_sealed, password_slot, recovery_slot, quota_bytes, used_bytes, ",
            "created_ms, kit_confirmed FROM accounts WHERE ",
            $condition
        )
    };
}

fn account(row: &Row) -> MetaResult<Account> {
    Ok(Account {
        id: AccountId(array(row, 0)?),
        username: get(row, 1)?,
        password_file: get(row, 2)?,
        recovery_file: get(row, 3)?,
        identity_public: get(row, 4)?,
        identity_sealed: get(row, 5)?,
        password_slot: get(row, 6)?,
        recovery_slot: get(row, 7)?,
        quota_bytes: optional_uint(row, 8)?,
        used_bytes: uint(row, 9)?,
        created_ms: get(row, 10)?,
        kit_confirmed: get(row, 11)?,
    })
}

macro_rules! sessions_where {
    ($condition:literal) => {
        concat!(
            "SELECT id, account, device, device_public, token_hash, previous_hash, rotated_ms, ",
            "created_ms, used_ms, taken_off FROM sessions WHERE ",
            $condition
        )
    };
}

fn session(row: &Row) -> MetaResult<Session> {
    Ok(Session {
        id: SessionId(array(row, 0)?),
        account: AccountId(array(row, 1)?),
        device: DeviceId(array(row, 2)?),
        device_public: get(row, 3)?,
        token_hash: Hash(array(row, 4)?),
        previous_hash: optional_array(row, 5)?.map(Hash),
        rotated_ms: get(row, 6)?,
        created_ms: get(row, 7)?,
        used_ms: get(row, 8)?,
        taken_off: get(row, 9)?,
    })
}

fn entry(row: &Row) -> MetaResult<StoredEntry> {
    Ok(StoredEntry {
        seq: uint(row, 0)?,
        device: DeviceId(array(row, 1)?),
        dseq: uint(row, 2)?,
        hash: Hash(array(row, 3)?),
        chain: Hash(array(row, 4)?),
        body_hash: Hash(array(row, 5)?),
        signature: array(row, 6)?,
        header: get(row, 7)?,
        body: get(row, 8)?,
    })
}

fn chunk(row: &Row) -> MetaResult<StoredChunk> {
    Ok(StoredChunk {
        vault: VaultId(array(row, 0)?),
        id: ChunkId(array(row, 1)?),
        at: Location { segment: uint32(row, 2)?, offset: uint(row, 3)?, len: uint32(row, 4)? },
        last_declared: uint(row, 5)?,
    })
}

impl MetaRead for Rows<'_> {
    fn incarnation(&self) -> MetaResult<Incarnation> {
        let found = self.one("SELECT incarnation FROM server", &[], |row| array(row, 0))?;
        found.map(Incarnation).ok_or(MetaError::Corrupt { column: "incarnation" })
    }

    fn account_count(&self) -> MetaResult<u64> {
        let found = self.one("SELECT COUNT(*) FROM accounts", &[], |row| uint(row, 0))?;
        Ok(found.unwrap_or(0))
    }

    fn account(&self, id: &AccountId) -> MetaResult<Option<Account>> {
        self.one(accounts_where!("id = $1"), &[bytes(&id.0)], account)
    }

    fn account_by_name(&self, username: &str) -> MetaResult<Option<Account>> {
        self.one(accounts_where!("username = $1"), &[Box::new(username.to_owned())], account)
    }

    fn invite(&self, token_hash: &Hash) -> MetaResult<Option<Invite>> {
        let sql = "SELECT created_ms, expires_ms, used_ms FROM invites WHERE token_hash = $1";
        self.one(sql, &[bytes(&token_hash.0)], |row| {
            Ok(Invite {
                token_hash: *token_hash,
                created_ms: get(row, 0)?,
                expires_ms: get(row, 1)?,
                used_ms: get(row, 2)?,
            })
        })
    }

    fn session(&self, id: &SessionId) -> MetaResult<Option<Session>> {
        self.one(sessions_where!("id = $1"), &[bytes(&id.0)], session)
    }

    fn sessions_of(&self, account: &AccountId) -> MetaResult<Vec<Session>> {
        self.many(sessions_where!("account = $1"), &[bytes(&account.0)], session)
    }

    fn vault(&self, id: &VaultId) -> MetaResult<Option<Vault>> {
        let sql = "SELECT account, seq, chain, epoch, recovering FROM vaults WHERE id = $1";
        self.one(sql, &[bytes(&id.0)], |row| {
            Ok(Vault {
                id: *id,
                account: AccountId(array(row, 0)?),
                seq: uint(row, 1)?,
                chain: Hash(array(row, 2)?),
                epoch: uint32(row, 3)?,
                recovering: get(row, 4)?,
            })
        })
    }

    fn vaults_of(&self, account: &AccountId) -> MetaResult<Vec<VaultId>> {
        let sql = "SELECT id FROM members JOIN vaults ON vaults.key = members.vault \
            WHERE members.account = $1 ORDER BY created_ms, id";
        self.many(sql, &[bytes(&account.0)], |row| Ok(VaultId(array(row, 0)?)))
    }

    fn is_member(&self, vault: &VaultId, account: &AccountId) -> MetaResult<bool> {
        let sql = "SELECT 1 FROM members JOIN vaults ON vaults.key = members.vault \
            WHERE members.account = $1 AND vaults.id = $2";
        Ok(!self.query(sql, &[bytes(&account.0), bytes(&vault.0)])?.is_empty())
    }

    fn device_counter(
        &self,
        vault: &VaultId,
        device: &DeviceId,
    ) -> MetaResult<Option<DeviceCounter>> {
        let sql = "SELECT dseq, hash, revoked FROM devices \
            WHERE vault = (SELECT key FROM vaults WHERE id = $1) AND device = $2";
        self.one(sql, &[bytes(&vault.0), bytes(&device.0)], |row| {
            let (dseq, hash) = (uint(row, 0)?, Hash(array(row, 1)?));
            Ok(DeviceCounter { dseq, hash, revoked: get(row, 2)? })
        })
    }

    fn standing(&self, question: &Question) -> MetaResult<Option<Standing>> {
        self.know(question)
    }

    fn entry_of_device(
        &self,
        vault: &VaultId,
        device: &DeviceId,
        dseq: u64,
    ) -> MetaResult<Option<(Seq, Hash)>> {
        let sql = "SELECT seq, hash FROM log \
            WHERE vault = (SELECT key FROM vaults WHERE id = $1) AND device = $2 AND dseq = $3";
        let values = [bytes(&vault.0), bytes(&device.0), int(dseq)];
        self.one(sql, &values, |row| Ok((uint(row, 0)?, Hash(array(row, 1)?))))
    }

    fn entry_at(&self, vault: &VaultId, seq: Seq) -> MetaResult<Option<(Hash, Hash)>> {
        let sql = "SELECT hash, chain FROM log \
            WHERE vault = (SELECT key FROM vaults WHERE id = $1) AND seq = $2";
        let read = |row: &Row| Ok((Hash(array(row, 0)?), Hash(array(row, 1)?)));
        self.one(sql, &[bytes(&vault.0), int(seq)], read)
    }

    fn entries_after(
        &self,
        vault: &VaultId,
        after: Seq,
        bounds: &PageBounds,
    ) -> MetaResult<Vec<StoredEntry>> {
        // The database sends no bodies behind the bound; where exactly it is, is counted here.
        let sql = "WITH sized AS (SELECT *, octet_length(header) + COALESCE(octet_length( \
                CASE WHEN device = $3 THEN NULL ELSE body END), 0) AS bytes FROM log \
                WHERE vault = (SELECT key FROM vaults WHERE id = $1) AND seq > $2 \
                ORDER BY seq LIMIT $4), \
            page AS (SELECT *, SUM(bytes) OVER (ORDER BY seq) - bytes AS before FROM sized) \
            SELECT seq, device, dseq, hash, chain, body_hash, signature, header, \
                CASE WHEN device = $3 THEN NULL ELSE body END \
            FROM page WHERE before < $5 ORDER BY seq";
        let own = bounds.without_bodies_of.map(|device| device.0.to_vec());
        let (most, room) = (int(bounds.entries_max as u64), int(bounds.bytes_max.max(1) as u64));
        let values = [bytes(&vault.0), int(after), Box::new(own), most, room];
        let mut entries = Vec::new();
        let mut bytes = 0;
        for row in self.query(sql, &values)? {
            let entry = entry(&row)?;
            bytes += entry.page_bytes();
            if bytes > bounds.bytes_max && !entries.is_empty() {
                break;
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    fn last_of_kind(
        &self,
        vault: &VaultId,
        kind: EntryKind,
        before: Seq,
    ) -> MetaResult<Option<StoredEntry>> {
        // The third condition says what the index says of itself, so that it is used.
        let sql = "SELECT seq, device, dseq, hash, chain, body_hash, signature, header, body \
            FROM log WHERE vault = (SELECT key FROM vaults WHERE id = $1) \
            AND substr(header, 10, 1) = $2 AND substr(header, 10, 1) <> '\\x01'::bytea \
            AND seq < $3 ORDER BY seq DESC LIMIT 1";
        self.one(sql, &[bytes(&vault.0), bytes(&[kind as u8]), int(before)], entry)
    }

    fn chunk(&self, vault: &VaultId, id: &ChunkId) -> MetaResult<Option<StoredChunk>> {
        let sql = "SELECT $1::bytea, id, segment, start, len, last_declared FROM chunks \
            WHERE vault = (SELECT key FROM vaults WHERE id = $1) AND id = $2";
        self.one(sql, &[bytes(&vault.0), bytes(&id.0)], chunk)
    }

    fn chunks_held(&self, vault: &VaultId, ids: &[ChunkId]) -> MetaResult<BTreeSet<ChunkId>> {
        let sql = "SELECT id FROM chunks \
            WHERE vault = (SELECT key FROM vaults WHERE id = $1) AND id = ANY($2)";
        let ids: Vec<Vec<u8>> = ids.iter().map(|id| id.0.to_vec()).collect();
        let rows = self.query(sql, &[bytes(&vault.0), Box::new(ids)])?;
        rows.iter().map(|row| Ok(ChunkId(array(row, 0)?))).collect()
    }

    fn chunks_in(&self, segment: u32) -> MetaResult<Vec<StoredChunk>> {
        let sql = "SELECT vaults.id, chunks.id, segment, start, len, last_declared FROM chunks \
            JOIN vaults ON vaults.key = chunks.vault WHERE segment = $1 ORDER BY start";
        self.many(sql, &[int(segment.into())], chunk)
    }

    fn segments(&self) -> MetaResult<Vec<SegmentRow>> {
        let sql = "SELECT number, indexed_to, live_bytes, dead_bytes FROM segments \
            ORDER BY number";
        self.many(sql, &[], |row| {
            Ok(SegmentRow {
                segment: uint32(row, 0)?,
                indexed_to: uint(row, 1)?,
                live_bytes: uint(row, 2)?,
                dead_bytes: uint(row, 3)?,
            })
        })
    }
}
