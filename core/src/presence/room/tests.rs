use proptest::prelude::*;

use super::*;
use crate::id::Hash;
use crate::presence::Selected;
use crate::text::Place;

const NODE: NodeId = NodeId([5; 16]);

fn at(op: u32) -> Here {
    let place = Place::Base { at: op, op };
    let cursor = Some(Selected { anchor: place, head: place });
    Here { base: Hash([6; 32]), cursor }
}

fn room(n: u8) -> Room {
    Room::enter(DeviceId([n; 16]), NODE, VisitId([n; 16]), at(0))
}

/// Rooms with a server between them.
struct Lane {
    rooms: Vec<Room>,
    now_ms: i64,
    told: Vec<Presence>,
    /// So many that are told next are lost.
    loses: usize,
}

impl Lane {
    fn of(count: u8) -> Self {
        Self { rooms: (1..=count).map(room).collect(), now_ms: 0, told: Vec::new(), loses: 0 }
    }

    /// Two that have met.
    fn of_two() -> Self {
        let mut lane = Self::of(2);
        lane.passes(1_000);
        lane
    }

    /// Lets time pass, and everybody hear what the others tell.
    fn passes(&mut self, duration_ms: i64) {
        let end_ms = self.now_ms + duration_ms;
        while self.now_ms <= end_ms {
            for who in 0..self.rooms.len() {
                let Some(told) = self.rooms[who].tick(self.now_ms).told else { continue };
                let is_lost = self.loses > 0;
                self.loses = self.loses.saturating_sub(1);
                for other in (0..self.rooms.len()).filter(|other| *other != who && !is_lost) {
                    self.rooms[other].hear(&told, self.now_ms);
                }
                self.told.push(told);
            }
            self.now_ms += 50;
        }
    }

    fn sees(&self, who: usize) -> Vec<(DeviceId, Here)> {
        let visitors = self.rooms[who].visitors().map(|visitor| (visitor.device, visitor.here));
        let mut seen: Vec<_> = visitors.collect();
        seen.sort_by_key(|(device, _)| *device);
        seen
    }
}

#[test]
fn who_is_alone_says_so_once_and_is_quiet() {
    let mut alone = room(1);
    assert!(alone.tick(0).told.is_some());
    alone.is_at(at(7));
    assert_eq!(alone.next_ms(), None);
    assert_eq!(alone.tick(1 << 40), Tick { told: None, changed: false });
    assert_eq!(alone.leave(), None);
}

#[test]
fn two_who_meet_see_each_other_and_each_move() {
    let mut lane = Lane::of_two();
    assert_eq!(lane.sees(0), [(DeviceId([2; 16]), at(0))]);
    assert_eq!(lane.sees(1), [(DeviceId([1; 16]), at(0))]);
    lane.rooms[0].is_at(at(3));
    lane.passes(300);
    assert_eq!(lane.sees(1), [(DeviceId([1; 16]), at(3))]);
}

#[test]
fn moves_are_told_at_a_pace_and_the_last_one_is() {
    let mut lane = Lane::of_two();
    let before = lane.told.len();
    for op in 0..40 {
        lane.rooms[0].is_at(at(op));
        lane.passes(0);
    }
    lane.passes(limits::PRESENCE_PACE_MS);
    assert_eq!(lane.sees(1), [(DeviceId([1; 16]), at(39))]);
    assert!(lane.told.len() - before <= 10, "{}", lane.told.len() - before);
}

#[test]
fn nobody_fades_who_gives_signs_of_life_and_they_are_few() {
    let mut lane = Lane::of_two();
    let before = lane.told.len();
    lane.passes(60_000);
    assert_eq!((lane.sees(0).len(), lane.sees(1).len()), (1, 1));
    assert!(lane.told.len() - before <= 2 * (60_000 / 4_000 + 1));
}

#[test]
fn two_lost_signs_of_life_make_nobody_fade() {
    let mut lane = Lane::of_two();
    lane.loses = 4;
    for _ in 0..40 {
        lane.passes(500);
        assert_eq!((lane.sees(0).len(), lane.sees(1).len()), (1, 1), "at {}", lane.now_ms);
    }
}

#[test]
fn who_leaves_is_gone_at_once_and_who_is_silent_after_a_while() {
    let lane = Lane::of_two();
    let left = lane.rooms[0].clone().leave().unwrap();
    let mut told_so = lane.rooms[1].clone();
    assert!(told_so.hear(&left, lane.now_ms));
    assert_eq!(told_so.visitors().count(), 0);
    // The other was only cut off.
    let mut silent = lane.rooms[1].clone();
    assert_eq!(silent.visitors().count(), 1);
    assert!(silent.tick(lane.now_ms + limits::PRESENCE_FADE_MS).changed);
    assert_eq!(silent.visitors().count(), 0);
    assert_eq!(silent.next_ms(), None, "alone again");
}

#[test]
fn what_was_told_before_is_not_believed_again() {
    let mut lane = Lane::of_two();
    let old = lane.told.clone();
    lane.rooms[0].is_at(at(9));
    lane.passes(1_000);
    let mut here = lane.rooms[1].clone();
    for told in &old {
        assert!(!here.hear(told, lane.now_ms), "{told:?}");
    }
    assert_eq!(here.visitors().next().unwrap().here, at(9));
    let left = lane.rooms[0].clone().leave().unwrap();
    assert!(here.hear(&left, lane.now_ms));
    for told in &lane.told {
        assert!(!here.hear(told, lane.now_ms), "{told:?}");
    }
    // Nor by whoever came since: none of it names this visit.
    let mut newcomer = room(3);
    for told in &lane.told {
        newcomer.hear(told, lane.now_ms);
    }
    assert_eq!(newcomer.visitors().count(), 0);
}

#[test]
fn who_left_before_it_was_heard_is_not_shown_by_what_comes_late() {
    let mut here = room(1);
    let told = Presence { heard: vec![VisitId([1; 16])], ..room(2).tick(0).told.unwrap() };
    let left = Presence { here: None, count: 2, ..told.clone() };
    assert!(!here.hear(&left, 0));
    assert!(!here.hear(&told, 0));
    assert_eq!(here.visitors().count(), 0);
}

#[test]
fn what_is_of_another_text_or_of_this_device_is_nobody() {
    let mut here = room(1);
    let told = Presence { heard: vec![VisitId([1; 16])], ..room(2).tick(0).told.unwrap() };
    assert!(!here.hear(&Presence { node: NodeId([9; 16]), ..told.clone() }, 0));
    assert!(!here.hear(&Presence { device: DeviceId([1; 16]), ..told.clone() }, 0));
    assert_eq!(here.visitors().count(), 0);
    assert!(here.hear(&told, 0));
    let stolen = Presence { device: DeviceId([3; 16]), count: 9, ..told };
    assert!(!here.hear(&stolen, 0), "a visit is of one device");
}

#[test]
fn whose_line_is_cut_sees_nobody_and_meets_the_others_when_it_returns() {
    let mut lane = Lane::of_two();
    lane.rooms[0].is_cut_off();
    assert!(lane.sees(0).is_empty());
    lane.rooms[0].greet();
    lane.passes(1_000);
    assert_eq!((lane.sees(0).len(), lane.sees(1).len()), (1, 1));
}

#[test]
fn a_clock_that_is_set_back_keeps_nobody() {
    let mut here = Lane::of_two().rooms.remove(1);
    here.tick(-1_000_000);
    assert!(here.next_ms().unwrap() <= -1_000_000 + limits::PRESENCE_ALIVE_MS);
    assert!(here.tick(-1_000_000 + limits::PRESENCE_FADE_MS).changed);
}

#[test]
fn more_than_are_told_apart_are_passed_over_and_those_who_went_make_room() {
    let mut here = room(0);
    let told = |n: u32, count, is_here: bool| {
        let mut visit = [0xff; 16];
        visit[..4].copy_from_slice(&n.to_be_bytes());
        Presence {
            device: DeviceId([9; 16]),
            visit: VisitId(visit),
            count,
            node: NODE,
            here: is_here.then(|| at(n)),
            heard: vec![VisitId([0; 16])],
        }
    };
    for n in 0..40 {
        here.hear(&told(n, 1, true), i64::from(n));
    }
    assert_eq!(here.visitors().count(), limits::PRESENCE_OTHERS_MAX);
    for n in 0..1_000 {
        here.hear(&told(n, 2, false), i64::from(n));
        here.hear(&told(n + 1_000, 1, true), i64::from(n));
        here.hear(&told(n + 1_000, 2, false), i64::from(n));
        assert!(here.others.len() <= REMEMBERED_MAX);
    }
    assert_eq!((here.visitors().count(), here.tell(None).heard.len()), (0, 0));
}

#[derive(Debug, Clone)]
enum Step {
    Passes(i64),
    Moves(usize, u32),
    Cut(usize),
    /// The server gives somebody something that was told before.
    Repeats(usize, prop::sample::Index),
    /// What is told next is lost.
    Loses,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..6_000i64).prop_map(Step::Passes),
        3 => (0..3usize, 0..9u32).prop_map(|(who, op)| Step::Moves(who, op)),
        1 => (0..3usize).prop_map(Step::Cut),
        2 => (0..3usize, any::<prop::sample::Index>()).prop_map(|(who, at)| Step::Repeats(who, at)),
        2 => Just(Step::Loses),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_lost_or_repeated_all_see_one_another_once_the_line_holds(
        steps in prop::collection::vec(step(), 0..40)
    ) {
        let mut lane = Lane::of(3);
        for step in steps {
            match step {
                Step::Passes(duration_ms) => lane.passes(duration_ms),
                Step::Moves(who, op) => lane.rooms[who].is_at(at(op)),
                Step::Cut(who) => {
                    lane.rooms[who].is_cut_off();
                    lane.rooms[who].greet();
                }
                Step::Repeats(who, which) if !lane.told.is_empty() => {
                    let again = which.get(&lane.told);
                    let last = lane.rooms[who].others.iter().find(|other| other.visit == again.visit).map(|other| other.count);
                    let changed = lane.rooms[who].hear(again, lane.now_ms);
                    prop_assert!(!changed || last.is_none_or(|last| last < again.count));
                }
                Step::Repeats(..) => {}
                Step::Loses => lane.loses += 1,
            }
        }
        lane.loses = 0;
        lane.rooms.iter_mut().for_each(Room::greet);
        lane.passes(2_000);
        for (who, room) in lane.rooms.iter().enumerate() {
            let others = lane.rooms.iter().filter(|other| other.device != room.device);
            let others: Vec<_> = others.map(|other| (other.device, other.here)).collect();
            prop_assert_eq!(lane.sees(who), others);
        }
    }
}
