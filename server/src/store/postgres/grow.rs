//! What appends ask and change, in one statement for many.
//!
//! A statement takes its values as arrays, one place of each for a row. Every refusal is an error of the
//! database itself: a commit may follow behind without anybody having looked.

use std::collections::{BTreeMap, BTreeSet};

use offing_core::id::{AccountId, ChunkId, DeviceId, Hash, Incarnation, Seq, VaultId};
use tokio_postgres::Row;

use super::hear;
use super::rows::{Rows, Value, array, get, optional_array, optional_uint, signed, uint, uint32};
use crate::store::growth::{Growth, Question, Standing};
use crate::store::meta::{DeviceCounter, MetaError, MetaResult, Vault};

/// Each row is looked up by its whole key, whatever the database believes of tables that it has not counted
/// yet: it leaves a part with an offset as it stands, and only the key of the log comes in order.
const STANDING: &str = "SELECT asked, vaults.account, vaults.seq, vaults.chain, epoch, recovering, \
        quota_bytes, used_bytes, (SELECT incarnation FROM server), last.dseq, last.hash, revoked, seen.chain \
    FROM UNNEST($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[]) WITH ORDINALITY \
        AS question (vault, account, device, seen, asked) \
    JOIN LATERAL (SELECT * FROM vaults WHERE id = question.vault OFFSET 0) AS vaults ON TRUE \
    JOIN LATERAL (SELECT FROM members \
        WHERE vault = key AND account = question.account OFFSET 0) AS member ON TRUE \
    JOIN LATERAL (SELECT quota_bytes, used_bytes FROM accounts \
        WHERE id = vaults.account OFFSET 0) AS payer ON TRUE \
    LEFT JOIN LATERAL (SELECT dseq, hash, revoked FROM devices \
        WHERE vault = key AND device = question.device OFFSET 0) AS last ON TRUE \
    LEFT JOIN LATERAL (SELECT chain FROM log \
        WHERE vault = key AND seq BETWEEN question.seen AND question.seen \
        ORDER BY seq LIMIT 1) AS seen ON TRUE";

const HELD: &str = "SELECT asked, held.id \
    FROM UNNEST($1::bytea[], $2::bytea[], $3::bigint[]) AS question (vault, id, asked) \
    JOIN vaults ON vaults.id = question.vault \
    JOIN LATERAL (SELECT id FROM chunks \
        WHERE vault = key AND chunks.id = question.id OFFSET 0) AS held ON TRUE";

/// An entry of a vault that is unknown, or does not end where the growth begins, has no key, which its
/// row may not lack. All parts see the vaults as they were before.
const GROW: &str = "WITH grown AS (SELECT key, account, growth.* \
        FROM UNNEST($1::bytea[], $2::bigint[], $3::bigint[], $4::bytea[], $5::bigint[], \
            $6::boolean[], $7::bigint[]) \
            AS growth (vault, before, seq, chain, epoch, recovering, bytes) \
        JOIN vaults ON id = growth.vault AND vaults.seq = growth.before), \
    logged AS (INSERT INTO log \
        (vault, seq, device, dseq, hash, chain, body_hash, signature, header, body) \
        SELECT key, entry.seq, device, dseq, hash, entry.chain, body_hash, signature, header, body \
        FROM UNNEST($8::bytea[], $9::bigint[], $10::bytea[], $11::bigint[], $12::bytea[], \
            $13::bytea[], $14::bytea[], $15::bytea[], $16::bytea[], $17::bytea[]) \
            AS entry (vault, seq, device, dseq, hash, chain, body_hash, signature, header, body) \
        LEFT JOIN grown ON grown.vault = entry.vault), \
    counted AS (INSERT INTO devices (vault, device, dseq, hash) \
        SELECT key, device, dseq, hash \
        FROM UNNEST($18::bytea[], $19::bytea[], $20::bigint[], $21::bytea[]) \
            AS last (vault, device, dseq, hash) \
        JOIN grown ON grown.vault = last.vault \
        ON CONFLICT (vault, device) DO UPDATE SET dseq = EXCLUDED.dseq, hash = EXCLUDED.hash), \
    paid AS (UPDATE accounts SET used_bytes = used_bytes + added \
        FROM (SELECT account, SUM(bytes)::bigint AS added FROM grown GROUP BY account) AS payer \
        WHERE accounts.id = payer.account) \
    UPDATE vaults SET seq = grown.seq, chain = grown.chain, epoch = grown.epoch, \
        recovering = grown.recovering \
    FROM grown WHERE vaults.key = grown.key";

/// Divides by nothing if a chunk is not there.
const DECLARE: &str = "WITH named AS (SELECT key, chunk.id, seq FROM \
        UNNEST($1::bytea[], $2::bytea[], $3::bigint[]) AS chunk (vault, id, seq) \
        JOIN (SELECT key, id FROM vaults) AS vaults ON vaults.id = chunk.vault), \
    live AS (DELETE FROM pieces USING named WHERE vault = key AND pieces.id = named.id), \
    spared AS (DELETE FROM dead_contents USING named WHERE vault = key AND dead_contents.id = named.id), \
    declared AS (UPDATE chunks SET last_declared = GREATEST(last_declared, seq) \
        FROM named WHERE vault = key AND chunks.id = named.id RETURNING 1) \
    SELECT 1 / (COUNT(*) = CARDINALITY($2))::int FROM declared";

impl Rows<'_> {
    /// Asks questions; the answers come in their order.
    pub(super) fn ask(&self, questions: &[Question]) -> MetaResult<Vec<Option<Standing>>> {
        let values = [
            all(questions.iter().map(|question| question.vault.0)),
            all(questions.iter().map(|question| question.account.0)),
            all(questions.iter().map(|question| question.device.0)),
            numbers(questions.iter().map(|question| question.seen)),
        ];
        let mut found: Vec<Option<Standing>> = vec![None; questions.len()];
        for row in self.query_now(STANDING, &values)? {
            let asked = asked(&row)?;
            found[asked] = Some(standing(&row, questions[asked].vault)?);
        }
        let named = || {
            let chunks = questions.iter().zip(1_u64..);
            chunks.flat_map(|(question, n)| {
                question.chunks.iter().map(move |id| (question.vault.0, id.0, n))
            })
        };
        if named().next().is_none() {
            return Ok(found);
        }
        let values = [
            all(named().map(|(vault, ..)| vault)),
            all(named().map(|(_, id, _)| id)),
            numbers(named().map(|(.., n)| n)),
        ];
        for row in self.query_now(HELD, &values)? {
            if let Some(standing) = &mut found[asked(&row)?] {
                standing.held.insert(ChunkId(array(&row, 1)?));
            }
        }
        Ok(found)
    }

    /// Sends what changes, and waits for no answer. What does not follow what is sent with it is refused
    /// at once.
    pub(super) fn send_growth(&self, growth: &[&Growth]) -> MetaResult<()> {
        let mut vaults: BTreeMap<VaultId, (Seq, Vault, u64)> = BTreeMap::new();
        let mut last: BTreeMap<(VaultId, DeviceId), (u64, Hash)> = BTreeMap::new();
        let mut declared: BTreeMap<(VaultId, ChunkId), Seq> = BTreeMap::new();
        for growth in growth {
            let id = growth.vault.id;
            let before = growth.before();
            let begun = Vault { seq: before, ..growth.vault };
            let (_, vault, bytes) = vaults.entry(id).or_insert((before, begun, 0));
            if vault.seq != before {
                return Err(MetaError::Constraint);
            }
            (*vault, *bytes) = (growth.vault, bytes.saturating_add(growth.bytes));
            last.extend(growth.entries.iter().map(|it| ((id, it.device), (it.dseq, it.hash))));
            for (chunk, seq) in &growth.declared {
                let known = declared.entry((id, *chunk)).or_default();
                *known = (*known).max(*seq);
            }
        }
        if vaults.is_empty() {
            return Ok(());
        }
        let grown = || vaults.values();
        let entries = || {
            let growth = growth.iter();
            growth.flat_map(|growth| growth.entries.iter().map(|entry| (growth.vault.id, entry)))
        };
        let values = vec![
            all(grown().map(|(_, vault, _)| vault.id.0)),
            numbers(grown().map(|(before, ..)| *before)),
            numbers(grown().map(|(_, vault, _)| vault.seq)),
            all(grown().map(|(_, vault, _)| vault.chain.0)),
            numbers(grown().map(|(_, vault, _)| vault.epoch.into())),
            Box::new(grown().map(|(_, vault, _)| vault.recovering).collect::<Vec<_>>()),
            numbers(grown().map(|(.., bytes)| *bytes)),
            all(entries().map(|(vault, _)| vault.0)),
            numbers(entries().map(|(_, entry)| entry.seq)),
            all(entries().map(|(_, entry)| entry.device.0)),
            numbers(entries().map(|(_, entry)| entry.dseq)),
            all(entries().map(|(_, entry)| entry.hash.0)),
            all(entries().map(|(_, entry)| entry.chain.0)),
            all(entries().map(|(_, entry)| entry.body_hash.0)),
            all(entries().map(|(_, entry)| entry.signature)),
            all(entries().map(|(_, entry)| &entry.header)),
            Box::new(entries().map(|(_, entry)| entry.body.clone()).collect::<Vec<_>>()),
            all(last.keys().map(|(vault, _)| vault.0)),
            all(last.keys().map(|(_, device)| device.0)),
            numbers(last.values().map(|(dseq, _)| *dseq)),
            all(last.values().map(|(_, hash)| hash.0)),
        ];
        self.send_now(GROW, values)?;
        if declared.is_empty() {
            return Ok(());
        }
        let values = vec![
            all(declared.keys().map(|(vault, _)| vault.0)),
            all(declared.keys().map(|(_, chunk)| chunk.0)),
            numbers(declared.values().copied()),
        ];
        self.send_now(DECLARE, values)
    }

    /// Sends what is to be told of vaults that have grown.
    pub(super) fn tell<'v>(&self, grown: impl Iterator<Item = &'v Vault>) -> MetaResult<()> {
        let notes: Vec<String> = grown.map(hear::grown).collect();
        if notes.is_empty() { Ok(()) } else { self.send_now(hear::TELL, vec![Box::new(notes)]) }
    }
}

/// The question that a row answers; they are counted from one.
fn asked(row: &Row) -> MetaResult<usize> {
    let asked = uint(row, 0)?;
    Ok(usize::try_from(asked).expect("few questions").saturating_sub(1))
}

fn standing(row: &Row, vault: VaultId) -> MetaResult<Standing> {
    let counter = match get::<Option<bool>>(row, 11)? {
        Some(revoked) => {
            Some(DeviceCounter { dseq: uint(row, 9)?, hash: Hash(array(row, 10)?), revoked })
        }
        None => None,
    };
    Ok(Standing {
        vault: Vault {
            id: vault,
            account: AccountId(array(row, 1)?),
            seq: uint(row, 2)?,
            chain: Hash(array(row, 3)?),
            epoch: uint32(row, 4)?,
            recovering: get(row, 5)?,
        },
        quota_bytes: optional_uint(row, 6)?,
        used_bytes: uint(row, 7)?,
        incarnation: Incarnation(array(row, 8)?),
        counter,
        seen: optional_array(row, 12)?.map(Hash),
        held: BTreeSet::new(),
    })
}

/// Bytes, one of each row.
fn all(values: impl Iterator<Item = impl AsRef<[u8]>>) -> Value {
    Box::new(values.map(|value| value.as_ref().to_vec()).collect::<Vec<_>>())
}

/// Numbers, one of each row.
fn numbers(values: impl Iterator<Item = u64>) -> Value {
    Box::new(values.map(signed).collect::<Vec<_>>())
}
