//! Runs many lives, on as many threads as are wanted, and says what came of them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::history::{History, Line};
use super::life::Life;
use super::plan::{Harm, Kind, Plan};

/// What happened in lives, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lives.
    pub lives: u64,
    /// Lives without any harm that would make an alarm true.
    pub honest: u64,
    /// What people did.
    pub acts: u64,
    /// Entries in the logs at the end.
    pub entries: u64,
    /// Promises that were looked for.
    pub promises: u64,
    /// How often a status said *On server*, and was held to it.
    pub claims: u64,
    /// Alarms that were true.
    pub alarms: u64,
    /// Chunks that were dead and removed.
    pub collected: u64,
    /// Chunks of contents that died, of what was deleted for good.
    pub ended: u64,
    /// Bodies that a countersigned snapshot has and the server let go of.
    pub pruned: u64,
    /// How often a service worker pushed.
    pub pushed_aside: u64,
    /// How often somebody let go of what was kept.
    pub let_go: u64,
    /// How often each harm came.
    pub harms: BTreeMap<Harm, u64>,
}

impl Tally {
    /// A harm came.
    pub fn count(&mut self, harm: Harm) {
        *self.harms.entry(harm).or_default() += 1;
    }

    /// Adds what happened elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.lives += other.lives;
        self.honest += other.honest;
        self.acts += other.acts;
        self.entries += other.entries;
        self.promises += other.promises;
        self.claims += other.claims;
        self.alarms += other.alarms;
        self.collected += other.collected;
        self.ended += other.ended;
        self.pruned += other.pruned;
        self.pushed_aside += other.pushed_aside;
        self.let_go += other.let_go;
        for (harm, times) in &other.harms {
            *self.harms.entry(*harm).or_default() += times;
        }
    }
}

/// What came of a life.
pub struct Outcome {
    /// In numbers.
    pub tally: Tally,
    /// In words.
    pub history: Vec<Line>,
    /// What was not as it must be.
    pub failure: Option<String>,
}

thread_local! {
    static LAST_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Makes panics of lives part of their outcome, instead of noise on the terminal.
pub fn keeps_panics_quiet() {
    std::panic::set_hook(Box::new(|info| {
        LAST_PANIC.with_borrow_mut(|last| *last = info.to_string());
    }));
}

/// Lives one life.
pub fn lives(plan: Plan) -> Outcome {
    let history = History::default();
    let (words, honest) = (history.clone(), plan.harms.iter().all(|harm| harm.is_honest()));
    let mut tally = Tally { lives: 1, honest: u64::from(honest), ..Tally::default() };
    let lived = catch_unwind(AssertUnwindSafe(|| {
        let mut life = Life::new(plan, history);
        life.lives();
        let mut tally = life.tally.clone();
        tally.promises = life.told.model.promises.borrow().len() as u64;
        tally.claims = life.told.model.claims.get();
        for seat in &life.seats {
            tally.alarms += seat.alarms.borrow().len() as u64;
            let suffered = [
                (Harm::Network, seat.line.suffered.get()),
                (Harm::ChunkTorn, seat.profile.temper.torn_count()),
            ];
            for (harm, times) in suffered {
                *tally.harms.entry(harm).or_default() += u64::from(times);
            }
        }
        tally
    }));
    let failure = match lived {
        Ok(lived) => {
            tally.add(&lived);
            None
        }
        Err(panic) => {
            let message = LAST_PANIC.with_borrow_mut(std::mem::take);
            let text = panic.downcast_ref::<String>().cloned();
            Some(if message.is_empty() { text.unwrap_or_default() } else { message })
        }
    };
    Outcome { tally, history: words.lines(), failure }
}

/// Which seeds are lived.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The first.
    pub from: u64,
    /// How many.
    pub seeds: u64,
    /// Of which kind.
    pub kind: Kind,
    /// On how many threads.
    pub threads: usize,
}

/// Lives all that are wanted; `failed` hears at once of each that failed.
pub fn run(wanted: Wanted, failed: impl Fn(u64, &str) + Sync) -> (Tally, Vec<u64>) {
    let next = AtomicU64::new(wanted.from);
    let all = Mutex::new((Tally::default(), Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..wanted.threads.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= wanted.from + wanted.seeds {
                        return;
                    }
                    let outcome = lives(Plan::of(seed, wanted.kind));
                    let mut all = all.lock().unwrap();
                    all.0.add(&outcome.tally);
                    if let Some(failure) = outcome.failure {
                        failed(seed, &failure);
                        all.1.push(seed);
                    }
                }
            });
        }
    });
    let (tally, mut failed) = all.into_inner().unwrap();
    failed.sort_unstable();
    (tally, failed)
}

/// The shortest beginning of a life that fails; the seed's own length if no shorter does.
pub fn shorten(seed: u64, kind: Kind) -> usize {
    let (mut shortest, mut passes) = (Plan::of(seed, kind).steps, 0);
    // Failing is not monotone in the length, but nearly.
    while passes + 1 < shortest {
        let middle = passes.midpoint(shortest);
        let plan = Plan { steps: middle, ..Plan::of(seed, kind) };
        match lives(plan).failure {
            Some(_) => shortest = middle,
            None => passes = middle,
        }
    }
    shortest
}
