//! Which chunks are kept, and which make room for others: the policy of S3-FIFO (Yang and others,
//! SOSP 2023), by bytes.
//!
//! What comes for the first time is on trial, in a tenth of the room. When its turn comes there to
//! go, what was read again is proven and stays; of the rest the names are remembered for a time, and
//! who wants one of those once more has it proven at once. The proven go in the order in which they
//! came, and each read gives another round, up to three. So whatever is read once, however much it
//! is, takes its room from what is on trial and not from what is read every day.
//!
//! Nothing here knows of files. After a start all that is found counts as proven.

use std::collections::{BTreeMap, HashMap};

use super::{Held, Wanted};

/// What is kept and in which order it came.
#[derive(Debug)]
pub(super) struct Index {
    chunks: HashMap<Wanted, Entry>,
    trial: Queue,
    proven: Queue,
    remembered: Remembered,
    /// Places in queues that were given.
    places: u64,
    bytes_max: u64,
}

#[derive(Debug)]
struct Entry {
    held: Held,
    part: Part,
    place: u64,
    /// Reads since it took its place, as far as they count.
    reads: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Trial,
    Proven,
}

/// What has to be done on the disk.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Chunks that are kept no more.
    pub(super) gone: Vec<Wanted>,
    /// Chunks that have a new place behind the others.
    pub(super) stayed: Vec<Wanted>,
}

impl Index {
    pub(super) fn new(bytes_max: u64) -> Self {
        Self {
            chunks: HashMap::new(),
            trial: Queue::default(),
            proven: Queue::default(),
            remembered: Remembered::default(),
            places: 0,
            bytes_max,
        }
    }

    /// Takes in what was there at the start, in this order.
    pub(super) fn found(&mut self, wanted: Wanted, len: u32) -> Changes {
        self.remove(&wanted);
        self.put(wanted, Held { len, confirmed_ms: None }, Part::Proven, 0);
        self.make_room()
    }

    /// Takes in a chunk that came.
    pub(super) fn insert(&mut self, wanted: Wanted, held: Held) -> Changes {
        if room(held.len) > self.bytes_max {
            self.remove(&wanted);
            return Changes { gone: vec![wanted], stayed: Vec::new() };
        }
        let part = match self.remove(&wanted) {
            Some(before) => before.part,
            None if self.remembered.take(&wanted) => Part::Proven,
            None => Part::Trial,
        };
        self.put(wanted, held, part, 0);
        self.make_room()
    }

    /// Counts a read of a chunk that is kept.
    pub(super) fn touch(&mut self, wanted: &Wanted) -> Option<()> {
        let entry = self.chunks.get_mut(wanted)?;
        entry.reads = (entry.reads + 1).min(READS_MAX);
        Some(())
    }

    pub(super) fn held(&mut self, wanted: &Wanted) -> Option<&mut Held> {
        self.chunks.get_mut(wanted).map(|entry| &mut entry.held)
    }

    /// Forgets a chunk that is not there any more.
    pub(super) fn forget(&mut self, wanted: &Wanted) {
        self.remove(wanted);
    }

    pub(super) fn chunks(&self) -> usize {
        self.chunks.len()
    }

    /// What they take of the disk.
    pub(super) fn bytes(&self) -> u64 {
        self.trial.bytes + self.proven.bytes
    }

    fn make_room(&mut self) -> Changes {
        let (mut changes, mut rounds) = (Changes::default(), 0);
        while self.bytes() > self.bytes_max || self.chunks.len() > CHUNKS_MAX {
            let part = if self.is_trial_over() { Part::Trial } else { Part::Proven };
            let Some(wanted) = self.queue(part).first() else {
                break;
            };
            let Some(entry) = self.remove(&wanted) else {
                break;
            };
            let reads = match part {
                Part::Trial | Part::Proven if rounds == ROUNDS_MAX => None,
                // Those that proved it are spent.
                Part::Trial => (entry.reads > 0).then_some(0),
                Part::Proven => entry.reads.checked_sub(1),
            };
            match reads {
                Some(reads) => {
                    rounds += 1;
                    self.put(wanted, entry.held, Part::Proven, reads);
                    changes.stayed.push(wanted);
                }
                None => {
                    changes.gone.push(wanted);
                    if part == Part::Trial {
                        self.remembered.put(wanted, self.chunks.len().min(REMEMBERED_MAX));
                    }
                }
            }
        }
        changes
    }

    /// Says whether what is on trial has more than its share, or is all there is.
    fn is_trial_over(&self) -> bool {
        self.trial.bytes > self.bytes_max / TRIAL_SHARE
            || self.trial.order.len() > CHUNKS_MAX / TRIAL_SHARE as usize
            || self.proven.order.is_empty()
    }

    fn put(&mut self, wanted: Wanted, held: Held, part: Part, reads: u8) {
        self.places += 1;
        let place = self.places;
        let queue = self.queue(part);
        queue.order.insert(place, wanted);
        queue.bytes += room(held.len);
        self.chunks.insert(wanted, Entry { held, part, place, reads });
    }

    fn remove(&mut self, wanted: &Wanted) -> Option<Entry> {
        let entry = self.chunks.remove(wanted)?;
        let queue = self.queue(entry.part);
        queue.order.remove(&entry.place);
        queue.bytes -= room(entry.held.len);
        Some(entry)
    }

    fn queue(&mut self, part: Part) -> &mut Queue {
        match part {
            Part::Trial => &mut self.trial,
            Part::Proven => &mut self.proven,
        }
    }
}

/// Chunks in the order in which they came.
#[derive(Debug, Default)]
struct Queue {
    order: BTreeMap<u64, Wanted>,
    bytes: u64,
}

impl Queue {
    fn first(&self) -> Option<Wanted> {
        self.order.first_key_value().map(|(_, wanted)| *wanted)
    }
}

/// Names of chunks that went unproven.
#[derive(Debug, Default)]
struct Remembered {
    places: HashMap<Wanted, u64>,
    order: BTreeMap<u64, Wanted>,
    next: u64,
}

impl Remembered {
    /// Remembers one more, and at most so many.
    fn put(&mut self, wanted: Wanted, most: usize) {
        self.take(&wanted);
        self.next += 1;
        self.places.insert(wanted, self.next);
        self.order.insert(self.next, wanted);
        while self.order.len() > most {
            if let Some((_, oldest)) = self.order.pop_first() {
                self.places.remove(&oldest);
            }
        }
    }

    /// Says whether it is remembered, for the last time.
    fn take(&mut self, wanted: &Wanted) -> bool {
        let place = self.places.remove(wanted);
        place.is_some_and(|place| self.order.remove(&place).is_some())
    }
}

/// What a chunk takes of the disk: whole blocks, so that many small ones are bounded too.
fn room(len: u32) -> u64 {
    u64::from(len).next_multiple_of(BLOCK_BYTES).max(BLOCK_BYTES)
}

pub(super) const BLOCK_BYTES: u64 = 4 * 1024;
/// What is known of each takes memory, a quarter of a kilobyte or so.
const CHUNKS_MAX: usize = 1_000_000;
/// Names that are remembered, a fifth of a kilobyte each; no more than there are chunks.
const REMEMBERED_MAX: usize = 250_000;
/// What is on trial has one part of so many.
const TRIAL_SHARE: u64 = 10;
/// Rounds that reads can give.
const READS_MAX: u8 = 3;
/// Rounds that are given while room is made for one chunk; the next one goes.
const ROUNDS_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use offing_core::id::{ChunkId, VaultId};

    use super::*;

    const BLOCK: Held = Held { len: 4_000, confirmed_ms: None };

    fn chunk(number: u32) -> Wanted {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&number.to_be_bytes());
        Wanted { vault: VaultId([1; 32]), chunk: ChunkId(id) }
    }

    /// An index with room for so many blocks.
    fn with_room(blocks: u64) -> Index {
        Index::new(blocks * BLOCK_BYTES)
    }

    fn come(index: &mut Index, numbers: std::ops::Range<u32>) -> Vec<Wanted> {
        numbers.flat_map(|number| index.insert(chunk(number), BLOCK).gone).collect()
    }

    fn kept(index: &mut Index, numbers: std::ops::Range<u32>) -> usize {
        numbers.filter(|number| index.held(&chunk(*number)).is_some()).count()
    }

    #[test]
    fn until_there_is_no_room_nothing_goes() {
        let mut index = with_room(20);
        assert_eq!(come(&mut index, 0..20), []);
        assert_eq!(come(&mut index, 20..21), [chunk(0)]);
        assert_eq!((index.chunks(), index.bytes()), (20, 20 * BLOCK_BYTES));
    }

    #[test]
    fn what_is_read_once_takes_no_room_from_what_is_read_again() {
        let mut index = with_room(20);
        come(&mut index, 0..18);
        for number in 0..18 {
            index.touch(&chunk(number)).unwrap();
        }
        come(&mut index, 100..1_100);
        assert_eq!(kept(&mut index, 0..18), 18);
        assert_eq!(kept(&mut index, 100..1_100), 2);
    }

    #[test]
    fn what_comes_again_soon_after_it_went_is_proven() {
        let mut index = with_room(20);
        come(&mut index, 0..25);
        assert!(index.held(&chunk(4)).is_none());
        come(&mut index, 4..5);
        come(&mut index, 100..200);
        assert_eq!(kept(&mut index, 4..5), 1);
        // It went too long ago.
        come(&mut index, 5..6);
        come(&mut index, 200..300);
        assert_eq!(kept(&mut index, 5..6), 0);
    }

    #[test]
    fn what_is_proven_and_read_no_more_goes_for_what_is() {
        let mut index = with_room(20);
        come(&mut index, 0..18);
        (0..18).for_each(|number| index.touch(&chunk(number)).unwrap());
        // Another eighteen, each wanted again after it went.
        for number in 100..118 {
            come(&mut index, number..number + 1);
            come(&mut index, 10 * number..10 * number + 4);
            come(&mut index, number..number + 1);
        }
        assert_eq!((kept(&mut index, 0..18), kept(&mut index, 100..118)), (0, 18));
    }

    #[test]
    fn each_read_gives_what_is_proven_another_round_up_to_three() {
        let lasts = |reads: u32| {
            let mut index = with_room(10);
            (0..10).for_each(|number| drop(index.found(chunk(number), 4_000)));
            (0..reads).for_each(|_| index.touch(&chunk(5)).unwrap());
            let others = (100..).take_while(|number| {
                index.insert(chunk(*number), BLOCK);
                // It is proven too when its turn comes.
                index.touch(&chunk(*number)).unwrap();
                index.held(&chunk(5)).is_some()
            });
            others.count()
        };
        let rounds = [0, 1, 2, 3].map(lasts);
        assert!(rounds.is_sorted_by(|fewer, more| fewer < more), "{rounds:?}");
        assert_eq!(lasts(99), rounds[3]);
    }

    #[test]
    fn one_that_has_no_room_sends_nothing_away() {
        let mut index = with_room(3);
        come(&mut index, 0..3);
        let huge = Held { len: 20_000, confirmed_ms: None };
        assert_eq!(index.insert(chunk(9), huge).gone, [chunk(9)]);
        assert_eq!(kept(&mut index, 0..10), 3);
    }

    #[test]
    fn what_is_remembered_is_bounded_by_what_is_kept() {
        let mut index = with_room(20);
        come(&mut index, 0..10_000);
        assert_eq!((index.remembered.order.len(), index.remembered.places.len()), (20, 20));
    }

    #[test]
    fn room_is_made_in_a_bounded_number_of_rounds() {
        let mut index = with_room(3_000);
        (0..3_000).for_each(|number| drop(index.found(chunk(number), 4_000)));
        (0..3_000).for_each(|number| index.touch(&chunk(number)).unwrap());
        let changes = index.insert(chunk(9_999), BLOCK);
        assert_eq!((changes.gone.len(), changes.stayed.len()), (1, ROUNDS_MAX));
    }
}
