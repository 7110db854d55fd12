//! Chunks that are on their way: one for all who wait for it.
//!
//! Whoever comes first fetches, the others wait. What is being fetched is fetched to its end even
//! if nobody waits any more; what fails leaves nothing behind, and those who waited ask again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use super::cache::Wanted;

type Arriving = HashMap<Wanted, watch::Receiver<Option<Bytes>>>;

/// What is on its way; cloning shares it.
#[derive(Debug, Clone, Default)]
pub(super) struct Flights {
    arriving: Arc<Mutex<Arriving>>,
}

/// Whoever wants a chunk that is not here.
pub(super) enum Flight {
    /// It fetches.
    Leads(Leader),
    /// It waits.
    Follows(Waiter),
}

/// The one that fetches; dropping it tells the others that nothing comes.
pub(super) struct Leader {
    flights: Flights,
    pub(super) wanted: Wanted,
    arrives: watch::Sender<Option<Bytes>>,
}

/// One that waits.
#[derive(Debug)]
pub(super) struct Waiter(watch::Receiver<Option<Bytes>>);

impl Flights {
    /// Joins those who want a chunk.
    pub(super) fn join(&self, wanted: Wanted) -> Flight {
        let mut arriving = self.arriving.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waits) = arriving.get(&wanted) {
            return Flight::Follows(Waiter(waits.clone()));
        }
        let (arrives, waits) = watch::channel(None);
        arriving.insert(wanted, waits);
        Flight::Leads(Leader { flights: self.clone(), wanted, arrives })
    }
}

impl Leader {
    /// One who waits for what this fetches.
    pub(super) fn waiter(&self) -> Waiter {
        Waiter(self.arrives.subscribe())
    }

    /// Gives it to all who wait, and to who comes until this is dropped.
    pub(super) fn arrived(&self, bytes: Bytes) {
        self.arrives.send_replace(Some(bytes));
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        let mut arriving = self.flights.arriving.lock().unwrap_or_else(PoisonError::into_inner);
        arriving.remove(&self.wanted);
    }
}

impl Waiter {
    /// Waits until it is here; `None` if it does not come.
    pub(super) async fn arrives(mut self) -> Option<Bytes> {
        self.0.wait_for(Option::is_some).await.ok()?.clone()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use offing_core::id::{ChunkId, VaultId};

    use super::*;

    fn wanted(vault: u8) -> Wanted {
        Wanted { vault: VaultId([vault; 32]), chunk: ChunkId([1; 32]) }
    }

    fn leads(flights: &Flights, vault: u8) -> Leader {
        let Flight::Leads(leader) = flights.join(wanted(vault)) else { panic!("it follows") };
        leader
    }

    fn follows(flights: &Flights) -> Waiter {
        let Flight::Follows(waiter) = flights.join(wanted(1)) else { panic!("it leads") };
        waiter
    }

    #[tokio::test]
    async fn one_fetches_and_all_have_it() {
        let flights = Flights::default();
        let leader = leads(&flights, 1);
        let (own, waits) = (leader.waiter(), follows(&flights));
        drop(leads(&flights, 2));
        leader.arrived(Bytes::from_static(b"here"));
        assert_eq!(own.arrives().now_or_never().flatten().unwrap(), "here");
        assert_eq!(waits.arrives().now_or_never().flatten().unwrap(), "here");
        assert_eq!(follows(&flights).arrives().now_or_never().flatten().unwrap(), "here");
        drop(leader);
        drop(leads(&flights, 1));
    }

    #[tokio::test]
    async fn what_fails_is_told_and_the_next_one_tries() {
        let flights = Flights::default();
        let leader = leads(&flights, 1);
        let mut waits = Box::pin(follows(&flights).arrives());
        assert_eq!((&mut waits).now_or_never(), None);
        drop(leader);
        assert_eq!(waits.await, None);
        drop(leads(&flights, 1));
    }
}
