//! Who hears of growth: each account of its own vaults, so that whoever waits sleeps until there is
//! something for it, however many others wait and however much grows. And who hears what devices
//! tell one another for the moment ([`News::Told`]): the others of the same account.
//!
//! Who falls behind, or may have missed something, is told that and asks for the tips: what waits here
//! is short. What is told for the moment is not told again: who falls behind hears the newest of it,
//! and nothing else is lost for it. None of it is kept anywhere, nor passed to other processes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use offing_core::id::AccountId;
use offing_core::proto::Wake;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use crate::allowance::Allowance;

/// What the live sockets hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// A vault has grown so far, here or by way of another process.
    Grown(Wake),
    /// Something may have been missed: ask for the tips.
    Missed,
    /// Another device tells this (`proto::encode_told`); nobody here can read it.
    Told(Bytes),
}

/// What one who listens tells the others of the account.
#[derive(Debug, Clone)]
struct Told {
    by: u64,
    bytes: Bytes,
}

/// Those who listen; cloning shares them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hearers(Arc<Mutex<HashMap<AccountId, Lines>>>);

/// The lines to those who listen for one account.
#[derive(Debug)]
struct Lines {
    news: broadcast::Sender<News>,
    told: broadcast::Sender<Told>,
    may_tell: Allowance,
    last: u64,
}

impl Lines {
    fn new() -> Self {
        let may_tell = Allowance::per_second(ACCOUNT_TOLD_PER_SECOND, Instant::now());
        let (news, told) = (broadcast::channel(BACKLOG).0, broadcast::channel(TOLD_BACKLOG).0);
        Self { news, told, may_tell, last: 0 }
    }
}

/// Hears of an account's vaults until it is dropped.
#[derive(Debug)]
pub struct Listening {
    hearers: Hearers,
    account: AccountId,
    number: u64,
    news: broadcast::Receiver<News>,
    told: broadcast::Receiver<Told>,
}

impl Hearers {
    pub(crate) fn listen(&self, account: AccountId) -> Listening {
        let mut by_account = self.by_account();
        let lines = by_account.entry(account).or_insert_with(Lines::new);
        lines.last += 1;
        let (news, told) = (lines.news.subscribe(), lines.told.subscribe());
        Listening { hearers: self.clone(), account, number: lines.last, news, told }
    }

    /// Tells those whom it concerns.
    pub(crate) fn grown(&self, account: AccountId, wake: Wake) {
        if let Some(lines) = self.by_account().get(&account) {
            // Who left just now does not want to know.
            let _ = lines.news.send(News::Grown(wake));
        }
    }

    /// Tells everybody that something may have been missed.
    pub(crate) fn missed(&self) {
        for lines in self.by_account().values() {
            let _ = lines.news.send(News::Missed);
        }
    }

    fn by_account(&self) -> MutexGuard<'_, HashMap<AccountId, Lines>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listening {
    /// Waits for the next news. One that is not waited for to the end is not lost.
    pub async fn next(&mut self) -> News {
        loop {
            let told = tokio::select! {
                // Growth first: what is told for the moment can wait, and be lost.
                biased;
                news = self.news.recv() => return match news {
                    Ok(news) => news,
                    Err(RecvError::Lagged(_)) => News::Missed,
                    Err(RecvError::Closed) => unreachable!("{STAYS}"),
                },
                told = self.told.recv() => told,
            };
            match told {
                Ok(told) if told.by != self.number => return News::Told(told.bytes),
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => unreachable!("{STAYS}"),
            }
        }
    }

    /// Tells the others of the account, if there are any; `false` if the account has told too much
    /// within this second, and nobody hears it.
    pub(crate) fn tell(&self, bytes: Bytes, now: Instant) -> bool {
        let mut by_account = self.hearers.by_account();
        let lines = by_account.get_mut(&self.account).expect(STAYS);
        if !lines.may_tell.take(now) {
            return false;
        }
        // It hears itself at least.
        let _ = lines.told.send(Told { by: self.number, bytes });
        true
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut by_account = self.hearers.by_account();
        // Nobody begins to listen meanwhile, and this one is counted still.
        if by_account.get(&self.account).is_some_and(|lines| lines.news.receiver_count() <= 1) {
            by_account.remove(&self.account);
        }
    }
}

/// News that wait for who is slow, for each account.
const BACKLOG: usize = 16;
/// What devices tell that waits for who is slow, for each account; older ones are lost.
const TOLD_BACKLOG: usize = 16;
/// How much the devices of an account may tell in a second, together.
const ACCOUNT_TOLD_PER_SECOND: u32 = 64;
const STAYS: &str = "the lines stay as long as somebody listens";

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
        hearers.missed();
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

    fn told(n: u8) -> Bytes {
        Bytes::from(vec![n; 8])
    }

    #[test]
    fn what_one_tells_the_others_of_the_account_hear_and_nobody_else() {
        let hearers = Hearers::default();
        let (mut one, mut other) = (hearers.listen(ALICE), hearers.listen(ALICE));
        let mut his = hearers.listen(BOB);
        assert!(one.tell(told(1), Instant::now()));
        assert_eq!(other.next().now_or_never(), Some(News::Told(told(1))));
        assert_eq!(one.next().now_or_never(), None);
        assert_eq!(his.next().now_or_never(), None);
        assert!(his.tell(told(2), Instant::now()), "nobody else is there, and that is no fault");
        assert_eq!(his.next().now_or_never(), None);
    }

    #[test]
    fn who_is_slow_loses_what_was_told_before_and_no_news() {
        let hearers = Hearers::default();
        let (one, mut slow) = (hearers.listen(ALICE), hearers.listen(ALICE));
        let many = 3 * TOLD_BACKLOG as u8;
        hearers.grown(ALICE, wake(2));
        (0..many).for_each(|n| assert!(one.tell(told(n), Instant::now())));
        assert_eq!(slow.next().now_or_never(), Some(News::Grown(wake(2))));
        let mut heard = Vec::new();
        while let Some(News::Told(bytes)) = slow.next().now_or_never() {
            heard.push(bytes[0]);
        }
        assert_eq!(heard.last(), Some(&(many - 1)), "the newest is heard");
        assert!(heard.len() <= TOLD_BACKLOG);
    }

    #[test]
    fn an_account_tells_so_much_in_a_second_and_no_more() {
        let hearers = Hearers::default();
        let (one, _other) = (hearers.listen(ALICE), hearers.listen(ALICE));
        let now = Instant::now();
        let heard = (0..1_000).filter(|_| one.tell(told(1), now)).count();
        assert_eq!(heard, ACCOUNT_TOLD_PER_SECOND as usize);
        assert!(one.tell(told(1), now + Duration::from_secs(1)));
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
