//! Hears what other processes did, by `LISTEN`, for as long as the store is open.
//!
//! A note is a hint. After the connection was lost notes may have been missed, which is told
//! too.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use offing_core::id::{AccountId, VaultId};
use tokio_postgres::AsyncMessage;

use super::link::Address;
use crate::store::ends::End;
use crate::store::meta::{SessionId, Vault};
use crate::store::note::Note;

/// Between tries to reach the database again.
const PAUSE: Duration = Duration::from_secs(1);

/// The channel; the number is the version of what is told.
pub(super) const TELL: &str = "SELECT pg_notify('offing1', note) FROM UNNEST($1::text[]) AS note";
const LISTEN: &str = "LISTEN offing1";

/// Hears for ever; what the process `own` of the database told is our own doing.
pub(super) async fn hear(
    address: Address,
    own: Arc<AtomicI32>,
    told: Box<dyn Fn(Note) + Send + Sync>,
) {
    loop {
        match listen(&address, &own, &*told).await {
            Ok(()) => tracing::warn!("the database ended the connection that listens"),
            Err(error) => tracing::warn!(%error, "cannot listen to the database"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listen(
    address: &Address,
    own: &AtomicI32,
    told: &(dyn Fn(Note) + Send + Sync),
) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = address.connect().await?;
    let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
    // Somebody has to drive the connection while it answers.
    let mut begun = std::pin::pin!(client.batch_execute(LISTEN));
    let mut listening = false;
    loop {
        tokio::select! {
            result = &mut begun, if !listening => {
                result?;
                listening = true;
                told(Note::Missed);
            }
            message = messages.next() => match message.transpose()? {
                None => return Ok(()),
                Some(AsyncMessage::Notification(note)) => {
                    if note.process_id() != own.load(Ordering::Relaxed)
                        && let Some(note) = decode(note.payload())
                    {
                        told(note);
                    }
                }
                Some(_) => {}
            },
        }
    }
}

/// What is told of a vault that has grown.
pub(super) fn grown(vault: &Vault) -> String {
    let (account, id) = (hex::encode(vault.account.0), hex::encode(vault.id.0));
    format!("grown {account} {id} {}", vault.seq)
}

/// What is told of a session that has ended.
pub(super) fn ended(end: &End) -> String {
    format!("ended {} {}", hex::encode(end.session.0), end.at_ms)
}

fn decode(payload: &str) -> Option<Note> {
    let words: Vec<&str> = payload.split(' ').collect();
    let [account, vault, seq] = match words[..] {
        ["grown", account, vault, seq] => [account, vault, seq],
        ["ended", session, at_ms] => return decode_end(session, at_ms),
        // Told by another version.
        _ => return None,
    };
    let mut note = (AccountId([0; 16]), VaultId([0; 32]));
    hex::decode_to_slice(account, &mut note.0.0).ok()?;
    hex::decode_to_slice(vault, &mut note.1.0).ok()?;
    Some(Note::Grown { account: note.0, vault: note.1, seq: seq.parse().ok()? })
}

fn decode_end(session: &str, at_ms: &str) -> Option<Note> {
    let mut id = SessionId([0; 16]);
    hex::decode_to_slice(session, &mut id.0).ok()?;
    Some(Note::Ended(End { session: id, at_ms: at_ms.parse().ok()? }))
}

#[cfg(test)]
mod tests {
    use offing_core::id::Hash;

    use super::*;

    #[test]
    fn what_is_told_is_understood_and_noise_is_not() {
        let (account, id) = (AccountId([1; 16]), VaultId([2; 32]));
        let vault =
            Vault { id, account, seq: 7, chain: Hash([0; 32]), epoch: 1, recovering: false };
        let told = grown(&vault);
        assert_eq!(decode(&told), Some(Note::Grown { account, vault: id, seq: 7 }));
        let end = End { session: SessionId([3; 16]), at_ms: -5 };
        assert_eq!(decode(&ended(&end)), Some(Note::Ended(end)));
        let short = ended(&end).replace("03", "3");
        assert_eq!((decode(&short), decode("ended")), (None, None));
        for noise in ["", "grown", &told.replace("grown", "shrunk"), &told[..told.len() - 3]] {
            assert_eq!(decode(noise), None, "{noise}");
        }
    }
}
