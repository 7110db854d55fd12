//! Who hears of growth: each account of its own vaults, so that whoever waits sleeps until there is
//! something for it, however many others wait and however much grows.
//!
//! Who falls behind, or may have missed something, is told that and asks for the tips: what waits here
//! is short.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use offing_core::id::AccountId;
use offing_core::proto::Wake;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::store::note::Note;

/// What the live sockets hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// A vault has grown so far, here or by way of another process.
    Grown(Wake),
    /// Something may have been missed: ask for the tips.
    Missed,
}

/// Those who listen; cloning shares them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hearers(Arc<Mutex<HashMap<AccountId, broadcast::Sender<News>>>>);

/// Hears of an account's vaults until it is dropped.
#[derive(Debug)]
pub struct Listening {
    hearers: Hearers,
    account: AccountId,
    news: broadcast::Receiver<News>,
}

impl Hearers {
    pub(crate) fn listen(&self, account: AccountId) -> Listening {
        let mut by_account = self.by_account();
        let sender = by_account.entry(account).or_insert_with(|| broadcast::channel(BACKLOG).0);
        Listening { hearers: self.clone(), account, news: sender.subscribe() }
    }

    /// Tells those whom it concerns.
    pub(crate) fn grown(&self, account: AccountId, wake: Wake) {
        if let Some(sender) = self.by_account().get(&account) {
            // Who left just now does not want to know.
            let _ = sender.send(News::Grown(wake));
        }
    }

    /// Tells what another process did.
    pub(crate) fn note(&self, note: Note) {
        match note {
            Note::Grown { account, vault, seq } => self.grown(account, Wake { vault, seq }),
            Note::Missed => self.by_account().values().for_each(|sender| {
                let _ = sender.send(News::Missed);
            }),
        }
    }

    fn by_account(&self) -> MutexGuard<'_, HashMap<AccountId, broadcast::Sender<News>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listening {
    /// Waits for the next news. One that is not waited for to the end is not lost.
    pub async fn next(&mut self) -> News {
        match self.news.recv().await {
            Ok(news) => news,
            Err(RecvError::Lagged(_)) => News::Missed,
            Err(RecvError::Closed) => unreachable!("its sender stays as long as somebody listens"),
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut by_account = self.hearers.by_account();
        // Nobody begins to listen meanwhile, and this one is counted still.
        if by_account.get(&self.account).is_some_and(|sender| sender.receiver_count() <= 1) {
            by_account.remove(&self.account);
        }
    }
}

/// News that wait for who is slow, for each account.
const BACKLOG: usize = 16;

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use offing_core::id::VaultId;

    use super::*;

    const ALICE: AccountId = AccountId([1; 16]);
    const BOB: AccountId = AccountId([2; 16]);

    fn wake(seq: u64) -> Wake {
        Wake { vault: VaultId([7; 32]), seq }
    }

    #[test]
    fn all_who_wait_for_an_account_hear_of_it_and_nobody_else_is_woken() {
        let hearers = Hearers::default();
        let mut hers = [hearers.listen(ALICE), hearers.listen(ALICE)];
        let mut his = hearers.listen(BOB);
        hearers.grown(ALICE, wake(2));
        for listening in &mut hers {
            assert_eq!(listening.next().now_or_never(), Some(News::Grown(wake(2))));
        }
        assert_eq!(his.next().now_or_never(), None);
        hearers.note(Note::Missed);
        for listening in hers.iter_mut().chain([&mut his]) {
            assert_eq!(listening.next().now_or_never(), Some(News::Missed));
        }
    }

    #[test]
    fn who_falls_behind_is_told_so() {
        let hearers = Hearers::default();
        let mut slow = hearers.listen(ALICE);
        (0..3 * BACKLOG as u64).for_each(|seq| hearers.grown(ALICE, wake(seq)));
        assert_eq!(slow.next().now_or_never(), Some(News::Missed));
        assert!(matches!(slow.next().now_or_never(), Some(News::Grown(_))));
    }

    #[test]
    fn an_account_for_which_nobody_listens_is_forgotten() {
        let hearers = Hearers::default();
        let (one, other) = (hearers.listen(ALICE), hearers.listen(ALICE));
        drop(one);
        assert_eq!(hearers.by_account().len(), 1);
        drop(other);
        assert!(hearers.by_account().is_empty());
        hearers.grown(ALICE, wake(2));
    }
}
