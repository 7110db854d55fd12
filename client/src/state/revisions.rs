//! Revisions of a file, gathered into stretches that a person can overlook.
//!
//! A text has a point in its history for each second or so of typing. What one device
//! typed without a long pause is one stretch, in which a slider finds each point.

use std::ops::Range;

use offing_core::rpc::{At, Revision};

/// A pause that ends a stretch.
const PAUSE_MS: i64 = 10 * 60 * 1_000;

/// Gathers revisions, newest first; what the file is now stands alone.
pub fn stretches(revisions: &[Revision]) -> Vec<Range<usize>> {
    let mut stretches: Vec<Range<usize>> = Vec::new();
    for (at, revision) in revisions.iter().enumerate() {
        match stretches.last_mut() {
            Some(stretch) if goes_on(&revisions[stretch.end - 1], revision) => stretch.end = at + 1,
            _ => stretches.push(at..at + 1),
        }
    }
    stretches
}

/// Says whether two revisions, the newer one first, are of one stretch.
fn goes_on(newer: &Revision, older: &Revision) -> bool {
    let typed = |revision: &Revision| matches!(revision.id.at, At::Change(_));
    !newer.current
        && typed(newer)
        && typed(older)
        && newer.id.base == older.id.base
        && newer.device_name == older.device_name
        && newer.time_ms - older.time_ms <= PAUSE_MS
}

/// The media type of a picture that browsers draw, by its extension.
pub fn picture_type(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "svg" => "image/svg+xml",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use offing_core::id::Hash;
    use offing_core::rpc::RevisionId;

    fn typed(device: &str, minute: i64) -> Revision {
        let at = At::Change(Hash([minute as u8; 32]));
        Revision {
            id: RevisionId { base: Hash([0; 32]), at },
            device_name: device.to_owned(),
            time_ms: minute * 60_000,
            size: None,
            text: true,
            current: false,
        }
    }

    #[test]
    fn what_one_device_typed_without_a_long_pause_is_one_stretch() {
        let mut all = vec![
            typed("Phone", 62),
            typed("Phone", 61),
            typed("Phone", 55),
            typed("Laptop", 54),
            typed("Laptop", 30),
            typed("Laptop", 29),
        ];
        all[0].current = true;
        assert_eq!(stretches(&all), [0..1, 1..3, 3..4, 4..6]);
        assert_eq!(stretches(&[]), Vec::<Range<usize>>::new());
    }

    #[test]
    fn a_content_that_was_given_as_a_whole_stands_alone() {
        let mut all = vec![typed("Phone", 3), typed("Phone", 2), typed("Phone", 1)];
        all[1].id.at = At::Start;
        assert_eq!(stretches(&all), [0..1, 1..2, 2..3]);
    }
}
