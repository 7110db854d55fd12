//! Reads rows; `rows_write` changes them.

use offing_core::id::{AccountId, ChunkId, DeviceId, Hash, Incarnation, Seq, VaultId};
use offing_core::log::entry::EntryKind;
use rusqlite::{Connection, OptionalExtension, Params, Row};

use crate::store::meta::{
    Account, DeviceCounter, Invite, Location, MetaError, MetaRead, MetaResult, PageBounds,
    SegmentRow, Session, SessionId, StoredChunk, StoredEntry, Vault,
};

/// A connection inside a transaction.
pub(super) struct Rows<'c> {
    pub(super) connection: &'c Connection,
}

impl Rows<'_> {
    pub(super) fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> MetaResult<Option<T>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row(params, read).optional()?)
    }

    pub(super) fn many<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> MetaResult<Vec<T>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params, read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// SQLite has signed numbers only; ours never come near the sign.
pub(super) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn uint(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

pub(super) fn uint32(row: &Row<'_>, column: usize) -> rusqlite::Result<u32> {
    let value: i64 = row.get(column)?;
    u32::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

const ACCOUNT: &str = "SELECT id, username, password_file, recovery_file, identity_public, \
    identity_sealed, password_slot, recovery_slot, quota_bytes, used_bytes, created_ms, \
    kit_confirmed FROM accounts";

fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    let quota: Option<i64> = row.get(8)?;
    Ok(Account {
        id: AccountId(row.get(0)?),
        username: row.get(1)?,
        password_file: row.get(2)?,
        recovery_file: row.get(3)?,
        identity_public: row.get(4)?,
        identity_sealed: row.get(5)?,
        password_slot: row.get(6)?,
        recovery_slot: row.get(7)?,
        quota_bytes: quota.map(|_| uint(row, 8)).transpose()?,
        used_bytes: uint(row, 9)?,
        created_ms: row.get(10)?,
        kit_confirmed: row.get(11)?,
    })
}

fn session(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        id: SessionId(row.get(0)?),
        account: AccountId(row.get(1)?),
        device: DeviceId(row.get(2)?),
        device_public: row.get(3)?,
        token_hash: Hash(row.get(4)?),
        previous_hash: row.get::<_, Option<[u8; 32]>>(5)?.map(Hash),
        rotated_ms: row.get(6)?,
        created_ms: row.get(7)?,
        used_ms: row.get(8)?,
        taken_off: row.get(9)?,
    })
}

fn entry(row: &Row<'_>) -> rusqlite::Result<StoredEntry> {
    Ok(StoredEntry {
        seq: uint(row, 0)?,
        device: DeviceId(row.get(1)?),
        dseq: uint(row, 2)?,
        hash: Hash(row.get(3)?),
        chain: Hash(row.get(4)?),
        body_hash: Hash(row.get(5)?),
        signature: row.get(6)?,
        header: row.get(7)?,
        body: row.get(8)?,
    })
}

fn chunk(row: &Row<'_>) -> rusqlite::Result<StoredChunk> {
    Ok(StoredChunk {
        vault: VaultId(row.get(0)?),
        id: ChunkId(row.get(1)?),
        at: Location { segment: uint32(row, 2)?, offset: uint(row, 3)?, len: uint32(row, 4)? },
        last_declared: uint(row, 5)?,
    })
}

impl MetaRead for Rows<'_> {
    fn incarnation(&self) -> MetaResult<Incarnation> {
        let found = self.one("SELECT incarnation FROM server", [], |row| row.get(0))?;
        found.map(Incarnation).ok_or(MetaError::Corrupt { column: "incarnation" })
    }

    fn account_count(&self) -> MetaResult<u64> {
        let found = self.one("SELECT COUNT(*) FROM accounts", [], |row| uint(row, 0))?;
        Ok(found.unwrap_or(0))
    }

    fn account(&self, id: &AccountId) -> MetaResult<Option<Account>> {
        self.one(&format!("{ACCOUNT} WHERE id = ?1"), [&id.0[..]], account)
    }

    fn account_by_name(&self, username: &str) -> MetaResult<Option<Account>> {
        self.one(&format!("{ACCOUNT} WHERE username = ?1"), [username], account)
    }

    fn invite(&self, token_hash: &Hash) -> MetaResult<Option<Invite>> {
        let sql = "SELECT created_ms, expires_ms, used_ms FROM invites WHERE token_hash = ?1";
        self.one(sql, [&token_hash.0[..]], |row| {
            Ok(Invite {
                token_hash: *token_hash,
                created_ms: row.get(0)?,
                expires_ms: row.get(1)?,
                used_ms: row.get(2)?,
            })
        })
    }

    fn session(&self, id: &SessionId) -> MetaResult<Option<Session>> {
        let sql = "SELECT id, account, device, device_public, token_hash, previous_hash, \
            rotated_ms, created_ms, used_ms, taken_off FROM sessions WHERE id = ?1";
        self.one(sql, [&id.0[..]], session)
    }

    fn sessions_of(&self, account: &AccountId) -> MetaResult<Vec<Session>> {
        let sql = "SELECT id, account, device, device_public, token_hash, previous_hash, \
            rotated_ms, created_ms, used_ms, taken_off FROM sessions WHERE account = ?1";
        self.many(sql, [&account.0[..]], session)
    }

    fn vault(&self, id: &VaultId) -> MetaResult<Option<Vault>> {
        let sql = "SELECT account, seq, chain, epoch, recovering FROM vaults WHERE id = ?1";
        self.one(sql, [&id.0[..]], |row| {
            Ok(Vault {
                id: *id,
                account: AccountId(row.get(0)?),
                seq: uint(row, 1)?,
                chain: Hash(row.get(2)?),
                epoch: uint32(row, 3)?,
                recovering: row.get(4)?,
            })
        })
    }

    fn vaults_of(&self, account: &AccountId) -> MetaResult<Vec<VaultId>> {
        let sql = "SELECT id FROM members JOIN vaults ON vaults.key = members.vault \
            WHERE members.account = ?1 ORDER BY created_ms, id";
        self.many(sql, [&account.0[..]], |row| Ok(VaultId(row.get(0)?)))
    }

    fn is_member(&self, vault: &VaultId, account: &AccountId) -> MetaResult<bool> {
        let sql = "SELECT 1 FROM members JOIN vaults ON vaults.key = members.vault \
            WHERE members.account = ?1 AND vaults.id = ?2";
        Ok(self.one(sql, [&account.0[..], &vault.0[..]], |_| Ok(()))?.is_some())
    }

    fn device_counter(
        &self,
        vault: &VaultId,
        device: &DeviceId,
    ) -> MetaResult<Option<DeviceCounter>> {
        let sql = "SELECT dseq, hash, revoked FROM devices \
            WHERE vault = (SELECT key FROM vaults WHERE id = ?1) AND device = ?2";
        self.one(sql, [&vault.0[..], &device.0[..]], |row| {
            Ok(DeviceCounter { dseq: uint(row, 0)?, hash: Hash(row.get(1)?), revoked: row.get(2)? })
        })
    }

    fn entry_of_device(
        &self,
        vault: &VaultId,
        device: &DeviceId,
        dseq: u64,
    ) -> MetaResult<Option<(Seq, Hash)>> {
        let sql = "SELECT seq, hash FROM log \
            WHERE vault = (SELECT key FROM vaults WHERE id = ?1) AND device = ?2 AND dseq = ?3";
        let params = (&vault.0[..], &device.0[..], int(dseq));
        self.one(sql, params, |row| Ok((uint(row, 0)?, Hash(row.get(1)?))))
    }

    fn entry_at(&self, vault: &VaultId, seq: Seq) -> MetaResult<Option<(Hash, Hash)>> {
        let sql = "SELECT hash, chain FROM log \
            WHERE vault = (SELECT key FROM vaults WHERE id = ?1) AND seq = ?2";
        let params = (&vault.0[..], int(seq));
        self.one(sql, params, |row| Ok((Hash(row.get(0)?), Hash(row.get(1)?))))
    }

    fn entries_after(
        &self,
        vault: &VaultId,
        after: Seq,
        bounds: &PageBounds,
    ) -> MetaResult<Vec<StoredEntry>> {
        let sql = "SELECT seq, device, dseq, hash, chain, body_hash, signature, header, \
            CASE WHEN device IS ?3 THEN NULL ELSE body END FROM log \
            WHERE vault = (SELECT key FROM vaults WHERE id = ?1) AND seq > ?2 \
            ORDER BY seq LIMIT ?4";
        let own = bounds.without_bodies_of.as_ref().map(|device| &device.0[..]);
        let params = (&vault.0[..], int(after), own, int(bounds.entries_max as u64));
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut entries = Vec::new();
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            let entry = entry(row)?;
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
            FROM log WHERE vault = (SELECT key FROM vaults WHERE id = ?1) \
            AND substr(header, 10, 1) = ?2 AND substr(header, 10, 1) <> x'01' AND seq < ?3 \
            ORDER BY seq DESC LIMIT 1";
        self.one(sql, (&vault.0[..], &[kind as u8][..], int(before)), entry)
    }

    fn chunk(&self, vault: &VaultId, id: &ChunkId) -> MetaResult<Option<StoredChunk>> {
        let sql = "SELECT ?1, id, segment, start, len, last_declared FROM chunks \
            WHERE vault = (SELECT key FROM vaults WHERE id = ?1) AND id = ?2";
        self.one(sql, [&vault.0[..], &id.0[..]], chunk)
    }

    fn chunks_in(&self, segment: u32) -> MetaResult<Vec<StoredChunk>> {
        let sql = "SELECT vaults.id, chunks.id, segment, start, len, last_declared FROM chunks \
            JOIN vaults ON vaults.key = chunks.vault WHERE segment = ?1 ORDER BY start";
        self.many(sql, [segment], chunk)
    }

    fn segments(&self) -> MetaResult<Vec<SegmentRow>> {
        let sql = "SELECT number, indexed_to, live_bytes, dead_bytes FROM segments \
            ORDER BY number";
        self.many(sql, [], |row| {
            Ok(SegmentRow {
                segment: uint32(row, 0)?,
                indexed_to: uint(row, 1)?,
                live_bytes: uint(row, 2)?,
                dead_bytes: uint(row, 3)?,
            })
        })
    }
}
