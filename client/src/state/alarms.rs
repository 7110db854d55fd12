//! What a person must know, one line of each kind, the gravest first.
//!
//! A server that raises one kind a thousand times can neither flood the page nor push a
//! graver kind off it.

use std::collections::BTreeMap;

use offing_core::rpc::Alarm;

/// The alarms that stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Alarms {
    standing: BTreeMap<u8, Alarm>,
}

impl Alarms {
    /// Takes an alarm in; the first of its kind stays.
    pub fn raise(&mut self, alarm: Alarm) {
        self.standing.entry(gravity(&alarm)).or_insert(alarm);
    }

    /// Takes one back that is so no longer.
    pub fn clear(&mut self, alarm: &Alarm) {
        self.standing.remove(&gravity(alarm));
    }

    /// The alarms, the gravest first.
    pub fn iter(&self) -> impl Iterator<Item = &Alarm> {
        self.standing.values()
    }
}

/// The place of a kind: what stops everything comes before what concerns one edit.
fn gravity(alarm: &Alarm) -> u8 {
    match alarm {
        Alarm::HistoryChanged { .. } => 0,
        Alarm::LeftBehind { .. } => 1,
        Alarm::StorageFailing => 2,
        Alarm::ServerRestored => 3,
        Alarm::ServerRefuses(_) => 4,
        Alarm::EntryRefused { .. } => 5,
        Alarm::EditRefused { .. } => 6,
        Alarm::DeviceCopied => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_that_is_over_goes_and_leaves_the_others() {
        let mut alarms = Alarms::default();
        alarms.raise(Alarm::StorageFailing);
        alarms.raise(Alarm::DeviceCopied);
        alarms.clear(&Alarm::StorageFailing);
        assert_eq!(alarms.iter().collect::<Vec<_>>(), [&Alarm::DeviceCopied]);
    }

    #[test]
    fn a_flood_of_one_kind_hides_no_other() {
        let mut alarms = Alarms::default();
        for seq in 1..1_000 {
            alarms.raise(Alarm::EntryRefused { seq });
        }
        alarms.raise(Alarm::HistoryChanged { seq: 7 });
        let shown: Vec<_> = alarms.iter().cloned().collect();
        assert_eq!(shown, [Alarm::HistoryChanged { seq: 7 }, Alarm::EntryRefused { seq: 1 }]);
    }
}
