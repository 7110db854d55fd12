//! Whose call is next: the decision, without a clock or a task.
//!
//! Every call that finds no turn free has a *rank*: how many calls of the same caller are under
//! way already, and a handicap of its class. The lowest is next; of equal ones whoever came first.
//! So callers take turns whatever number of calls each has, one that floods waits behind its own
//! flood, and a chunk waits like the ninth call of its caller: what somebody looks at comes before
//! what goes on in the background, and a flood of the former still does not starve others'
//! latter. When too many wait, the highest rank is refused, which may be somebody who waits.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::time::Duration;

/// How much is worked on, and waits.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Most turns at once. Enough that calls share their waiting for the disk.
    pub at_once: usize,
    /// Most calls that wait.
    pub waiting_max: usize,
    /// How long one may wait; what would have to wait longer is refused at once.
    pub patience: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { at_once: 128, waiting_max: 1_024, patience: Duration::from_secs(5) }
    }
}

/// What kind of work it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Somebody waits for it: entries, pages of the log, signing in.
    Prompt,
    /// Chunks, up and down.
    Bulk,
    /// The server's own housekeeping, for when nobody waits.
    Upkeep,
}

impl Class {
    /// All, in order.
    pub const ALL: [Self; 3] = [Self::Prompt, Self::Bulk, Self::Upkeep];

    fn handicap(self) -> u32 {
        match self {
            Self::Prompt => 0,
            Self::Bulk => 8,
            Self::Upkeep => u32::MAX / 2,
        }
    }
}

/// A place among those that wait; the lowest is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    rank: u32,
    order: u64,
}

/// What became of a call that asked for a turn.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked<T> {
    /// It has its turn; whoever waits for the answer is not needed.
    Begins,
    /// It waits, in the place of another perhaps, who hears when to come again.
    Waits {
        /// Its place.
        place: Place,
        /// Who has to leave, if somebody has.
        pushed_out: Option<(Class, T, Duration)>,
    },
    /// It has to come again after this time.
    Refused(Duration),
}

/// Knows who works and who waits.
#[derive(Debug)]
pub struct Desk<K, T> {
    bounds: Bounds,
    running: usize,
    waiting: Queue<(K, Class, T)>,
    /// The calls of each caller that run or wait.
    held: HashMap<K, u32>,
    /// How many have waited so far.
    order: u64,
    /// About how long a turn takes.
    turn: Duration,
}

impl<K: Copy + Eq + Hash, T> Desk<K, T> {
    /// A desk at which nobody works.
    pub fn new(bounds: Bounds) -> Self {
        let (waiting, held) = (Queue::new(), HashMap::new());
        Self { bounds, running: 0, waiting, held, order: 0, turn: Duration::ZERO }
    }

    /// Says whether a call that asked now would be refused, and until when.
    pub fn refuses(&self, who: &K, class: Class) -> Option<Duration> {
        if self.running < self.bounds.at_once {
            return None;
        }
        let rank = self.rank(who, class);
        let last = self.waiting.last_rank();
        let is_full = self.waiting.len() >= self.bounds.waiting_max;
        if is_full && last.is_none_or(|last| last <= rank) {
            return Some(self.wait());
        }
        (self.time_for(self.waiting.ahead_of(rank)) > self.bounds.patience).then(|| self.wait())
    }

    /// Asks for a turn; `answer` is kept for as long as the call waits.
    pub fn ask(&mut self, who: K, class: Class, answer: T) -> Asked<T> {
        if let Some(wait) = self.refuses(&who, class) {
            return Asked::Refused(wait);
        }
        let rank = self.rank(&who, class);
        *self.held.entry(who).or_default() += 1;
        if self.running < self.bounds.at_once {
            self.running += 1;
            return Asked::Begins;
        }
        let pushed_out = self.push_out();
        let place = Place { rank, order: self.order };
        self.order += 1;
        self.waiting.insert(place, (who, class, answer));
        Asked::Waits { place, pushed_out }
    }

    /// Ends a turn that took so long, and says whose is next.
    pub fn end(&mut self, who: &K, took: Duration) -> Option<(K, T)> {
        self.turn = (self.turn * (MEMORY - 1) + took) / MEMORY;
        self.forget(who);
        let Some((next, _, answer)) = self.waiting.pop_first() else {
            self.running -= 1;
            return None;
        };
        Some((next, answer))
    }

    /// Leaves a place; one that has its turn, or was refused, has none any more.
    pub fn leave(&mut self, who: &K, place: Place) {
        if self.waiting.remove(place).is_some() {
            self.forget(who);
        }
    }

    /// When it makes sense to come again.
    pub fn wait(&self) -> Duration {
        self.time_for(self.waiting.len()).clamp(WAIT_MIN, WAIT_MAX)
    }

    /// How many turns are taken.
    pub fn running(&self) -> usize {
        self.running
    }

    /// How many calls wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Makes room for one of lower rank.
    fn push_out(&mut self) -> Option<(Class, T, Duration)> {
        if self.waiting.len() < self.bounds.waiting_max {
            return None;
        }
        let wait = self.wait();
        let (who, class, answer) = self.waiting.pop_last()?;
        self.forget(&who);
        Some((class, answer, wait))
    }

    fn rank(&self, who: &K, class: Class) -> u32 {
        self.held.get(who).copied().unwrap_or(0).saturating_add(class.handicap())
    }

    /// About how long so many calls take.
    fn time_for(&self, calls: usize) -> Duration {
        let calls = u32::try_from(calls).unwrap_or(u32::MAX);
        let at_once = u32::try_from(self.bounds.at_once).unwrap_or(u32::MAX).max(1);
        self.turn.saturating_mul(calls) / at_once
    }

    fn forget(&mut self, who: &K) {
        if let Some(held) = self.held.get_mut(who) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(who);
            }
        }
    }
}

/// Those who wait, in order, and how many there are of each rank: that is asked at each call, and there
/// are far fewer ranks than places.
#[derive(Debug)]
struct Queue<T> {
    places: BTreeMap<Place, T>,
    ranks: BTreeMap<u32, usize>,
}

impl<T> Queue<T> {
    fn new() -> Self {
        Self { places: BTreeMap::new(), ranks: BTreeMap::new() }
    }

    fn len(&self) -> usize {
        self.places.len()
    }

    fn last_rank(&self) -> Option<u32> {
        self.places.last_key_value().map(|(place, _)| place.rank)
    }

    /// How many are served before one of this rank who comes now.
    fn ahead_of(&self, rank: u32) -> usize {
        self.ranks.range(..=rank).map(|(_, count)| count).sum()
    }

    fn insert(&mut self, place: Place, waits: T) {
        self.places.insert(place, waits);
        *self.ranks.entry(place.rank).or_default() += 1;
    }

    fn remove(&mut self, place: Place) -> Option<T> {
        let left = self.places.remove(&place)?;
        self.forget(place);
        Some(left)
    }

    fn pop_first(&mut self) -> Option<T> {
        let (place, first) = self.places.pop_first()?;
        self.forget(place);
        Some(first)
    }

    fn pop_last(&mut self) -> Option<T> {
        let (place, last) = self.places.pop_last()?;
        self.forget(place);
        Some(last)
    }

    fn forget(&mut self, place: Place) {
        if let Some(count) = self.ranks.get_mut(&place.rank) {
            *count -= 1;
            if *count == 0 {
                self.ranks.remove(&place.rank);
            }
        }
    }
}

/// Of how many turns the mean is, about.
const MEMORY: u32 = 16;
const WAIT_MIN: Duration = Duration::from_secs(1);
const WAIT_MAX: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    const TURN: Duration = Duration::from_millis(10);

    fn desk(at_once: usize, waiting_max: usize) -> Desk<&'static str, u32> {
        Desk::new(Bounds { at_once, waiting_max, patience: Duration::from_secs(1) })
    }

    /// Ends turns until nobody waits, and says who had one.
    fn order(desk: &mut Desk<&'static str, u32>, mut running: Vec<&'static str>) -> Vec<u32> {
        let mut order = Vec::new();
        while !running.is_empty() {
            let ended = running.remove(0);
            if let Some((next, answer)) = desk.end(&ended, TURN) {
                running.push(next);
                order.push(answer);
            }
        }
        assert_eq!((desk.running(), desk.waiting(), desk.held.len()), (0, 0, 0));
        assert!(desk.waiting.ranks.is_empty());
        order
    }

    fn waits(desk: &mut Desk<&'static str, u32>, who: &'static str, class: Class, answer: u32) {
        let asked = desk.ask(who, class, answer);
        assert!(matches!(asked, Asked::Waits { pushed_out: None, .. }), "{asked:?}");
    }

    #[test]
    fn while_there_is_enough_nobody_waits() {
        let mut desk = desk(3, 0);
        for (who, class) in [("a", Class::Bulk), ("a", Class::Prompt), ("b", Class::Upkeep)] {
            assert_eq!(desk.ask(who, class, 0), Asked::Begins);
        }
        assert_eq!(desk.ask("c", Class::Prompt, 0), Asked::Refused(WAIT_MIN));
        assert_eq!(desk.end(&"a", TURN), None);
        assert_eq!(desk.ask("c", Class::Prompt, 0), Asked::Begins);
    }

    #[test]
    fn callers_take_turns_however_many_calls_each_has() {
        let mut desk = desk(1, 100);
        assert_eq!(desk.ask("flood", Class::Prompt, 0), Asked::Begins);
        for call in 1..=5 {
            waits(&mut desk, "flood", Class::Prompt, call);
        }
        waits(&mut desk, "other", Class::Prompt, 11);
        waits(&mut desk, "other", Class::Prompt, 12);
        // The flood has the ranks one to five, the other nothing and one.
        assert_eq!([0, 1, 2, 9].map(|rank| desk.waiting.ahead_of(rank)), [1, 3, 4, 7]);
        assert_eq!(order(&mut desk, vec!["flood"]), [11, 1, 12, 2, 3, 4, 5]);
    }

    #[test]
    fn what_somebody_waits_for_comes_before_chunks_and_those_before_upkeep() {
        let mut desk = desk(1, 100);
        assert_eq!(desk.ask("a", Class::Prompt, 0), Asked::Begins);
        waits(&mut desk, "server", Class::Upkeep, 1);
        waits(&mut desk, "b", Class::Bulk, 2);
        waits(&mut desk, "c", Class::Prompt, 3);
        assert_eq!(order(&mut desk, vec!["a"]), [3, 2, 1]);
    }

    #[test]
    fn a_flood_of_prompt_calls_does_not_starve_the_chunks_of_others() {
        let mut desk = desk(1, 100);
        assert_eq!(desk.ask("flood", Class::Prompt, 0), Asked::Begins);
        for call in 1..=50 {
            waits(&mut desk, "flood", Class::Prompt, call);
        }
        waits(&mut desk, "other", Class::Bulk, 99);
        let order = order(&mut desk, vec!["flood"]);
        assert_eq!(order.iter().position(|answer| *answer == 99), Some(8));
    }

    #[test]
    fn when_too_many_wait_whoever_has_most_leaves_first() {
        let mut desk = desk(1, 3);
        assert_eq!(desk.ask("flood", Class::Bulk, 0), Asked::Begins);
        for call in 1..=3 {
            waits(&mut desk, "flood", Class::Bulk, call);
        }
        assert_eq!(desk.refuses(&"flood", Class::Bulk), Some(WAIT_MIN));
        assert_eq!(desk.ask("flood", Class::Bulk, 4), Asked::Refused(WAIT_MIN));
        for (expected, who) in [(3, "b"), (2, "c"), (1, "d")] {
            let Asked::Waits { pushed_out: Some((Class::Bulk, answer, _)), .. } =
                desk.ask(who, Class::Prompt, 10)
            else {
                panic!("{who} does not wait in the place of another");
            };
            assert_eq!(answer, expected);
        }
        // All that wait have as little as this one.
        assert!(matches!(desk.ask("e", Class::Prompt, 10), Asked::Refused(_)));
        assert_eq!(order(&mut desk, vec!["flood"]), [10, 10, 10]);
    }

    #[test]
    fn what_would_wait_too_long_is_refused_until_that_is_over() {
        let mut desk = desk(1, 100);
        for _ in 0..100 {
            assert_eq!(desk.ask("a", Class::Prompt, 0), Asked::Begins);
            desk.end(&"a", Duration::from_millis(600));
        }
        assert_eq!(desk.ask("a", Class::Prompt, 0), Asked::Begins);
        waits(&mut desk, "a", Class::Prompt, 1);
        waits(&mut desk, "b", Class::Prompt, 2);
        // Behind both of these it would take longer than a second; before them it does not.
        let Asked::Refused(wait) = desk.ask("a", Class::Prompt, 3) else {
            panic!("this one has no time to wait");
        };
        assert!(wait > WAIT_MIN && wait < Duration::from_secs(2), "{wait:?}");
        waits(&mut desk, "c", Class::Prompt, 4);
        assert_eq!(order(&mut desk, vec!["a"]), [2, 4, 1]);
    }

    #[test]
    fn a_place_that_is_left_is_nobody_s() {
        let mut desk = desk(1, 100);
        assert_eq!(desk.ask("a", Class::Prompt, 0), Asked::Begins);
        let Asked::Waits { place, .. } = desk.ask("b", Class::Prompt, 1) else {
            panic!("it does not wait");
        };
        desk.leave(&"b", place);
        desk.leave(&"b", place);
        assert!(order(&mut desk, vec!["a"]).is_empty());
    }
}
