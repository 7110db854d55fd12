//! Segments of the search index: whatever decodes is walked, merged and searched, where its transducer is one
//! that was built. One that was put together, with its checksum, may panic where it is walked, so what another
//! device shared has to pass `is_sound` first (`offing_search::segment`).

use std::sync::LazyLock;

use offing_core::id::NodeId;
use offing_search::index::Index;
use offing_search::query;
use offing_search::segment::{Builder, File, Segment};

/// A segment as this device keeps it.
pub(super) fn segment(bytes: &[u8]) {
    let Ok(segment) = Segment::decode(bytes) else { return };
    let again = Segment::decode(&segment.encode()).unwrap();
    assert_eq!(again.files, segment.files);
    if BUILT.iter().any(|built| built == segment.dictionary().as_fst().as_bytes()) {
        works(segment);
    }
}

/// The transducers of the inputs to begin with.
static BUILT: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let segments = seeds().into_iter().filter_map(|(_, bytes)| Segment::decode(&bytes).ok());
    segments.map(|segment| segment.dictionary().as_fst().as_bytes().to_vec()).collect()
});

fn works(segment: Segment) {
    let merged = Segment::merge(&[&segment, &segment], |number, _| number == 0);
    assert_eq!(merged.files, segment.files);
    let all = segment.files.len();
    let mut index = Index::default();
    index.add(segment);
    for asked in ["tide", "ti", "tdie harbour", "潮汐"] {
        let found = query::find(&index, &query::parse(asked), &|_| Some(1.0), 3);
        assert!(found.files.len() <= all.min(3));
    }
}

/// Inputs to begin with.
pub(super) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let texts: [&[&str]; 3] = [&[], &["tide", ""], &["the tide turns", "harbour, tide", "潮汐 é"]];
    let segments = texts.iter().map(|texts| {
        let mut builder = Builder::default();
        for (text, number) in texts.iter().zip(1..) {
            let node = NodeId([number; 16]);
            builder.add(File { node, size: 300, modified_ms: -1, words: 0 }, text);
        }
        builder.finish()
    });
    segments.map(|segment| ("segment", segment.encode())).collect()
}
