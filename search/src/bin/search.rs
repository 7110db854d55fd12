//! The searcher's module, run in a dedicated worker.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod worker {
    use std::collections::HashSet;

    use js_sys::{Array, Uint8Array};
    use offing_core::id::NodeId;
    use offing_core::rpc::Kind;
    use offing_search::known::FileKind;
    use offing_search::searcher::{self, Filter, Hit};
    use wasm_bindgen::JsValue;
    use wasm_bindgen::prelude::wasm_bindgen;

    /// Most names that are found beside those that the engine finds.
    const NAMES_SHOWN: usize = 64;

    /// The searcher as the worker's script drives it; questions to the engine are bytes.
    #[expect(unnameable_types, reason = "JavaScript reaches it")]
    #[wasm_bindgen]
    #[derive(Default)]
    pub struct Searcher(searcher::Searcher);

    #[expect(clippy::needless_pass_by_value, reason = "wasm-bindgen hands bytes over as they are")]
    #[wasm_bindgen]
    impl Searcher {
        /// Makes one that has nothing.
        #[wasm_bindgen(constructor)]
        pub fn new() -> Self {
            Self::default()
        }

        /// Begins to load what was kept.
        pub fn open(&mut self) -> Vec<u8> {
            self.0.open()
        }

        /// Asks for what changes whenever something is kept.
        pub fn head(&self) -> Vec<u8> {
            searcher::Searcher::head_kept()
        }

        /// Takes what was kept.
        pub fn loaded(&mut self, blob: Option<Vec<u8>>) -> Option<Vec<u8>> {
            self.0.loaded(blob.as_deref())
        }

        /// Asks whether the nodes changed.
        pub fn mark(&self) -> Vec<u8> {
            searcher::Searcher::mark()
        }

        /// Begins to be told the nodes, if the answer says so.
        pub fn begin(&mut self, mark: Option<Vec<u8>>, now_ms: f64) -> Option<Vec<u8>> {
            self.0.begin_if_changed(mark.as_deref(), now_ms as u64)
        }

        /// Takes some nodes.
        pub fn told(&mut self, page: &[u8]) -> Option<Vec<u8>> {
            self.0.told(page)
        }

        /// Asks for what other devices share, if it is time.
        pub fn seek(&mut self, now_ms: f64) -> Option<Vec<u8>> {
            self.0.seek(now_ms as u64)
        }

        /// Takes what they share.
        pub fn found(&mut self, answer: Option<Vec<u8>>) -> Option<Vec<u8>> {
            self.0.found(answer.as_deref())
        }

        /// Has all of it shared, if it is time.
        pub fn share(&self, now_ms: f64) -> Option<Vec<u8>> {
            self.0.share(now_ms as u64)
        }

        /// It is shared, or not.
        pub fn shared(&mut self, answer: Option<Vec<u8>>, now_ms: f64) {
            self.0.shared(answer.as_deref(), now_ms as u64);
        }

        /// The next file to be read.
        pub fn next(&self) -> Option<String> {
            self.0.next().map(|node| node.to_string())
        }

        /// What the file is called, where its content is no text by itself.
        pub fn foreign(&self) -> Option<String> {
            self.0.foreign().map(str::to_owned)
        }

        /// Takes its text.
        pub fn take(&mut self, content: Option<Vec<u8>>) {
            self.0.take(content.as_deref());
        }

        /// What is to be asked so that all is kept.
        pub fn keep(&self) -> Array {
            self.0.keep().iter().map(|ask| Uint8Array::from(ask.as_slice())).collect()
        }

        /// It is kept.
        pub fn kept(&mut self) {
            self.0.kept();
        }

        /// How many files are read, and of how many.
        pub fn progress(&self) -> Array {
            let (read, readable) = self.0.progress();
            Array::of2(&read.into(), &readable.into())
        }

        /// A number that changes whenever more can be found.
        pub fn parts(&self) -> f64 {
            self.0.last_part() as f64
        }

        /// Finds files below a folder, changed since then, of a kind, of a size, and among these: of
        /// each its id, its name, the names of the folders to it, and what its snippet is taken from:
        /// 1 its content, 2 the text that a module finds in that, 0 where it is not on this device,
        /// since nobody is told what is found by fetching it.
        #[expect(clippy::too_many_arguments, reason = "one for each filter of the box")]
        pub fn find(
            &mut self,
            query: &str,
            folder: Option<String>,
            since_ms: f64,
            kind: Option<String>,
            least: f64,
            most: f64,
            within: Option<Vec<String>>,
        ) -> Array {
            let filter = Filter {
                folder: folder.and_then(|folder| folder.parse().ok()),
                since_ms: (since_ms > 0.0).then_some(since_ms as i64),
                kind: kind.as_deref().and_then(FileKind::named),
                bytes: Some(least as u64..most as u64),
                within: within.as_deref().map(ids),
            };
            self.0.find(query, &filter, 20).into_iter().map(entry).collect()
        }

        /// Finds what is called so or almost so, among these: of each its id, its name, the names of
        /// the folders to it, and its kind, as the page numbers kinds.
        pub fn names(&self, query: &str, within: Option<Vec<String>>) -> Array {
            let within = within.as_deref().map(ids);
            let named = |hit: Hit| {
                let kind = hit.row.kind as u32;
                JsValue::from(of(hit, kind))
            };
            self.0.names(query, within.as_ref(), NAMES_SHOWN).into_iter().map(named).collect()
        }

        /// Takes from a content the snippet for the last query: texts, every second marked.
        pub fn snippet(&self, content: &[u8]) -> Array {
            let pieces = Array::new();
            for (text, marked) in self.0.snippet(content) {
                pieces.push(&Array::of2(&text.into(), &marked.into()));
            }
            pieces
        }
    }

    fn ids(nodes: &[String]) -> HashSet<NodeId> {
        nodes.iter().filter_map(|node| node.parse().ok()).collect()
    }

    fn entry(hit: Hit) -> JsValue {
        let source = match hit.row.kind {
            _ if !hit.row.local => 0,
            Kind::Text => 1,
            Kind::File | Kind::Folder => 2,
        };
        of(hit, source).into()
    }

    fn of(hit: Hit, number: u32) -> Array {
        let path: Array = hit.path.into_iter().map(JsValue::from).collect();
        let node = hit.row.node.to_string();
        Array::of4(&node.into(), &hit.row.name.into(), &path, &number.into())
    }
}

fn main() {}
