//! A device as its person uses it: by paths and sentences.
//!
//! Each sentence asks the engine as the page does and runs the world until it answered.
//! Sentences that may fail come as `tries_…` or give a `Result`; the others insist.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::rc::{Rc, Weak};

use offing_core::crypto::native::{NativeCrypto, ready};
use offing_core::id::NodeId;
use offing_core::label::Label;
use offing_core::log::chain::ChainPoint;
use offing_core::rpc::{
    ActionId, Clash, Fault, Kind, Reply, Row, Sort, SortBy, Status, TextUpdate, TransferControl,
    TransferId, TransferState, UploadItem,
};
use offing_core::sync::machine;
use offing_core::text::ChangeSet;
use offing_worker::host::Keys;
use offing_worker::replica::{Download, Identity, Replica};
use offing_worker::store::chunks::ChunkStore;
use offing_worker::store::chunks::memory::MemoryChunks;
use offing_worker::store::memory::MemoryStore;
use offing_worker::store::{Batch, Direction, Durability, Range, Store, Table, outbox};

use crate::executor::{Executor, TabId};
use crate::host::{EPOCH_MS, Profile, TestFile, TestHost};
use crate::net::Line;
use crate::page::Page;

mod aside;
mod details;
mod history;
mod labels;
mod recovery;

pub use labels::STAR;

/// The replica of a test.
pub type TestReplica = Rc<Replica<TestHost>>;
type Start = dyn Fn(Rc<Profile>, Rc<Line>) -> TestHost;

/// Where the last verified place is stored.
const CURSOR_KEY: &[u8] = b"cursor";

/// One device, or one more tab of one.
pub struct Device {
    /// What people call it.
    pub name: String,
    /// Its line to the server.
    pub line: Rc<Line>,
    /// Its stores and locks.
    pub profile: Rc<Profile>,
    /// What its page knows.
    pub page: Rc<Page>,
    executor: Executor,
    identity: Identity,
    keys: Keys<NativeCrypto>,
    start: Rc<Start>,
    tab: RefCell<Option<(TestHost, TestReplica)>>,
    /// The tab that is being opened.
    opening: Cell<Option<TabId>>,
    /// The service worker that empties the outbox.
    aside: Rc<Cell<Option<TabId>>>,
}

/// What a device is made of.
pub struct Parts {
    /// Runs it.
    pub executor: Executor,
    /// Its line.
    pub line: Rc<Line>,
    /// Its stores.
    pub profile: Rc<Profile>,
    /// Who it is.
    pub identity: Identity,
    /// Its keys.
    pub keys: Keys<NativeCrypto>,
    /// Opens tabs.
    pub start: Rc<Start>,
}

/// A node as a list shows it, with all that is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The node.
    pub node: NodeId,
    /// What it is.
    pub kind: Kind,
    /// Bytes.
    pub size: Option<u64>,
    /// It has more than one version.
    pub two_versions: bool,
    /// Its labels.
    pub labels: Vec<Label>,
    /// Its content, or why it cannot be had.
    pub content: Result<Vec<u8>, Fault>,
}

impl Device {
    /// Makes a device that is switched off.
    pub fn new(parts: Parts) -> Rc<Self> {
        Rc::new(Self {
            name: parts.identity.device_name.clone(),
            line: parts.line,
            profile: parts.profile,
            page: Rc::default(),
            executor: parts.executor,
            identity: parts.identity,
            keys: parts.keys,
            start: parts.start,
            tab: RefCell::new(None),
            opening: Cell::new(None),
            aside: Rc::default(),
        })
    }

    // ------------------------------------------------------------ life

    /// Opens the app.
    pub fn opens(self: &Rc<Self>) -> TestReplica {
        let host = (self.start)(Rc::clone(&self.profile), Rc::clone(&self.line));
        let (identity, keys) = (self.identity.clone(), self.keys.clone());
        let events = self.events();
        let opening = host.clone();
        let opened = self.executor.block_on(Replica::open(opening, identity, keys, events));
        let replica = opened.unwrap();
        self.begins(host, Rc::clone(&replica));
        let starting = Rc::clone(&replica);
        self.executor.block_on(async move { starting.start().await }).unwrap();
        replica
    }

    /// Begins to open the app as a browser does, beside everything else; `opened` hears what
    /// came of it.
    pub fn begins_to_open(self: &Rc<Self>, opened: impl FnOnce(Result<(), Fault>) + 'static) {
        let host = (self.start)(Rc::clone(&self.profile), Rc::clone(&self.line));
        let tab = host.tab();
        self.opening.set(Some(tab));
        let this = Rc::clone(self);
        self.executor.spawn(tab, async move {
            let (identity, keys) = (this.identity.clone(), this.keys.clone());
            let replica = Replica::open(host.clone(), identity, keys, this.events()).await;
            let started = match replica {
                Ok(replica) => {
                    this.begins(host, Rc::clone(&replica));
                    replica.start().await
                }
                Err(fault) => Err(fault),
            };
            this.opening.set(None);
            opened(started);
        });
    }

    /// Says whether the app is on its way to be open.
    pub fn is_opening(&self) -> bool {
        self.opening.get().is_some()
    }

    /// The tab of the open app.
    pub fn tab(&self) -> TabId {
        self.tab.borrow().as_ref().expect("the app is open").0.tab()
    }

    /// Does something in this tab beside everything else, until it is killed.
    pub fn spawns(&self, future: impl Future<Output = ()> + 'static) {
        self.executor.spawn(self.tab(), future);
    }

    /// Milliseconds since the world began.
    pub fn now_ms(&self) -> u64 {
        self.executor.now_ms()
    }

    /// Waits for the clock.
    pub async fn sleeps(&self, delay_ms: u64) {
        self.executor.sleep(delay_ms).await;
    }

    /// Takes up a replica.
    pub fn begins(self: &Rc<Self>, host: TestHost, replica: TestReplica) {
        let (hearing, executor, tab) = (Rc::downgrade(&replica), self.executor.clone(), host.tab());
        self.profile.listen(tab, move |notice| {
            let hearing: Weak<Replica<TestHost>> = hearing.clone();
            executor.spawn(tab, async move {
                if let Some(replica) = hearing.upgrade() {
                    // Where the disk fails, the engine too goes on without it.
                    replica.hear(&notice).await.ok();
                }
            });
        });
        *self.tab.borrow_mut() = Some((host, replica));
    }

    /// What the engine tells the page.
    pub fn events(&self) -> Box<dyn Fn(offing_core::rpc::Event)> {
        let (page, store) = (Rc::clone(&self.page), self.profile.store.clone());
        let vault = self.identity.vault;
        Box::new(move |event| {
            let waiting = ready(outbox::count(&store, &vault)).unwrap();
            page.hear(event, waiting);
        })
    }

    /// The browser is killed: whatever was under way ends in the middle.
    pub fn crashes(&self) {
        for tab in self.opening.take().into_iter().chain(self.aside.take()) {
            self.executor.kill(tab);
            self.profile.forget(tab);
        }
        let Some((host, replica)) = self.tab.borrow_mut().take() else {
            return;
        };
        self.executor.kill(host.tab());
        self.profile.forget(host.tab());
        self.page.texts.borrow_mut().clear();
        self.page.transfers.borrow_mut().clear();
        self.page.standing.borrow_mut().clear();
        self.page.status.set(None);
        drop(replica);
    }

    /// Opens one more tab of the same profile.
    pub fn opens_another_tab(&self) -> Rc<Self> {
        let tab = self.has_another_tab();
        tab.opens();
        tab
    }

    /// Copies the profile's folder, as a backup program does; the copy is switched off.
    pub fn copies_its_profile(&self) -> Rc<Self> {
        let profile = Rc::new(Profile::default());
        ready(copy_stores(&self.profile, &profile.store, &profile.chunks));
        profile.bound.set(self.profile.bound.get());
        *profile.minted.borrow_mut() = self.profile.minted.borrow().clone();
        let copy = self.copy_over(profile);
        // The copy is on another computer.
        let line = Rc::new(Line::default());
        Rc::new(Self { line, ..Rc::into_inner(copy).expect("nobody else has it yet") })
    }

    /// Another tab of the same profile, switched off.
    pub fn has_another_tab(&self) -> Rc<Self> {
        self.copy_over(Rc::clone(&self.profile))
    }

    fn copy_over(&self, profile: Rc<Profile>) -> Rc<Self> {
        Self::new(Parts {
            executor: self.executor.clone(),
            line: Rc::clone(&self.line),
            profile,
            identity: self.identity.clone(),
            keys: self.keys.clone(),
            start: Rc::clone(&self.start),
        })
    }

    /// The replica of the open app.
    pub fn replica(&self) -> TestReplica {
        Rc::clone(&self.tab.borrow().as_ref().expect("the app is open").1)
    }

    /// Says whether the app is open.
    pub fn is_open(&self) -> bool {
        self.tab.borrow().is_some()
    }

    /// Says whether this tab holds a lock whose name begins so.
    pub fn holds_lock(&self, prefix: &str) -> bool {
        self.tab.borrow().as_ref().is_some_and(|(host, _)| self.profile.holds(host.tab(), prefix))
    }

    /// Who it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The network returned, or the page came to the front.
    pub fn nudges(&self) {
        self.replica().tell(machine::Event::Nudge);
    }

    /// What its status says.
    pub fn status(&self) -> Status {
        self.page.status.get().expect("the status is told at the start")
    }

    /// The last verified place of the log.
    pub fn cursor(&self) -> u64 {
        let value = ready(self.profile.store.get(Table::Meta, CURSOR_KEY)).unwrap().unwrap();
        let point: ChainPoint = offing_core::rpc::decode(&value).unwrap();
        point.seq
    }

    /// How many entries and uploads wait.
    pub fn pending(&self) -> u32 {
        let replica = self.replica();
        self.run(async move { replica.pending().await }).unwrap()
    }

    /// How much would be lost if this device forgot everything now.
    pub fn unsynced(&self) -> u32 {
        let replica = self.replica();
        self.run(async move { replica.unsynced().await }).unwrap()
    }

    /// Runs a future to its end.
    pub fn run<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> T {
        self.executor.block_on(future)
    }

    /// Lets time pass.
    pub fn run_for(&self, duration_ms: u64) {
        self.executor.run_for(duration_ms);
    }

    fn ask<T: 'static, F: Future<Output = Result<T, Fault>> + 'static>(
        &self,
        ask: impl FnOnce(TestReplica) -> F,
    ) -> Result<T, Fault> {
        self.run(ask(self.replica()))
    }

    // ------------------------------------------------------------ lists

    /// The rows of a folder.
    pub fn rows(&self, folder: NodeId) -> Vec<Row> {
        let by_name = Sort { by: SortBy::Name, descending: false };
        self.ask(|replica| async move {
            let view = replica.open_folder(folder, by_name, 0).await?;
            let mut rows = Vec::new();
            while (rows.len() as u32) < view.total {
                let start = rows.len() as u32;
                let (_, page) = replica.window(view.view, start, start + 512).await?;
                assert!(!page.is_empty(), "a list is as long as it says");
                rows.extend(page);
            }
            replica.close_view(view.view);
            Ok(rows)
        })
        .unwrap()
    }

    /// The row at a path; `trash:/…` is in the trash.
    pub fn row(&self, path: &str) -> Option<Row> {
        let (mut at, rest) = match path.strip_prefix("trash:") {
            Some(rest) => (NodeId::TRASH, rest),
            None => (NodeId::ROOT, path),
        };
        let mut found = None;
        for name in rest.split('/').filter(|name| !name.is_empty()) {
            let row = self.rows(at).into_iter().find(|row| row.name == name)?;
            at = row.node;
            found = Some(row);
        }
        found
    }

    /// The node at a path.
    pub fn node(&self, path: &str) -> NodeId {
        if path == "/" {
            return NodeId::ROOT;
        }
        let found = self.row(path);
        found.unwrap_or_else(|| panic!("{} shows no {path}: {:?}", self.name, self.names())).node
    }

    /// Says whether something is at a path.
    pub fn shows(&self, path: &str) -> bool {
        self.row(path).is_some()
    }

    /// All paths, sorted.
    pub fn names(&self) -> Vec<String> {
        self.walk().into_iter().map(|(path, _)| path).collect()
    }

    /// Everything that is shown anywhere, with its content.
    pub fn everything(&self) -> BTreeMap<String, Shown> {
        let mut all = BTreeMap::new();
        for (path, row) in self.walk() {
            let content = match row.kind {
                Kind::Folder => Ok(Vec::new()),
                Kind::Text | Kind::File => self.reads_node(row.node),
            };
            let node = row.node;
            let labels = self.ask(|replica| async move { replica.labels(&[node]).await });
            let shown = Shown {
                node,
                kind: row.kind,
                size: row.size,
                two_versions: row.two_versions,
                labels: labels.unwrap().remove(0),
                content,
            };
            all.insert(path, shown);
        }
        all
    }

    /// Walks through root, `Recovered` and trash; the tree has to be one.
    pub fn walk(&self) -> Vec<(String, Row)> {
        let mut all: BTreeMap<String, Row> = BTreeMap::new();
        let mut nodes = std::collections::BTreeSet::new();
        let mut open = vec![(String::new(), NodeId::ROOT), ("trash:".to_owned(), NodeId::TRASH)];
        while let Some((path, folder)) = open.pop() {
            for row in self.rows(folder) {
                let name = if row.node == NodeId::RECOVERED { "Recovered:" } else { &row.name };
                let mut inner = format!("{path}/{name}");
                assert!(nodes.insert(row.node), "{inner} is shown twice");
                // Several of one name may lie in the trash; anywhere else names are told apart.
                if folder == NodeId::TRASH {
                    inner = format!("{inner}#{}", row.node);
                }
                if row.kind == Kind::Folder {
                    open.push((inner.clone(), row.node));
                }
                assert!(all.insert(inner.clone(), row).is_none(), "two siblings are {inner}");
            }
        }
        all.into_iter().collect()
    }

    // ------------------------------------------------------------ devices

    /// The names of the account's devices, this one first.
    pub fn lists_devices(&self) -> Vec<String> {
        let rows = self.ask(|replica| async move { replica.devices().await }).unwrap();
        assert!(rows.iter().all(|row| row.this == (row.device == rows[0].device)));
        rows.into_iter().map(|row| row.name).collect()
    }

    /// Takes another device off the account.
    pub fn takes_off(&self, other: &Self) -> Result<(), Fault> {
        let device = other.replica().identity().device;
        self.ask(|replica| async move { replica.take_off(device).await })
    }

    /// Writes a snapshot, if that can be done now.
    pub fn writes_snapshot(&self) -> bool {
        self.ask(|replica| async move { replica.write_snapshot().await }).unwrap()
    }

    // ------------------------------------------------------------ changes

    /// Makes a folder.
    pub fn creates_folder(&self, path: &str) -> NodeId {
        let (parent, name) = self.split(path);
        let reply = self.ask(|replica| async move { replica.create_folder(parent, &name).await });
        let Ok(Reply::Created { node, .. }) = reply else { panic!("{reply:?}") };
        node
    }

    /// Makes a text file and types into it.
    pub fn creates_text(self: &Rc<Self>, path: &str, text: &str) -> NodeId {
        let (parent, name) = self.split(path);
        let reply = self.ask(|replica| async move { replica.create_text(parent, &name).await });
        let Ok(Reply::Created { node, .. }) = reply else { panic!("{reply:?}") };
        if !text.is_empty() {
            self.edits(node, |_| text.to_owned());
        }
        node
    }

    /// Renames.
    pub fn renames(&self, path: &str, name: &str) -> ActionId {
        let (node, name) = (self.node(path), name.to_owned());
        action(self.ask(|replica| async move { replica.rename(node, &name).await }))
    }

    /// Moves to a folder.
    pub fn moves(&self, path: &str, folder: &str) -> ActionId {
        let (node, to) = (self.node(path), self.node(folder));
        action(self.ask(|replica| async move { replica.move_to(&[node], to).await }))
    }

    /// Copies to a folder.
    pub fn copies(&self, path: &str, folder: &str) -> ActionId {
        let (node, to) = (self.node(path), self.node(folder));
        action(self.ask(|replica| async move { replica.copy(&[node], to).await }))
    }

    /// Deletes.
    pub fn trashes(&self, path: &str) -> ActionId {
        let node = self.node(path);
        action(self.ask(|replica| async move { replica.trash(&[node]).await }))
    }

    /// Takes out of the trash.
    pub fn restores(&self, path: &str) -> ActionId {
        let node = self.node(path);
        action(self.ask(|replica| async move { replica.restore(&[node]).await }))
    }

    /// Asks to delete for good, names just what it was told and is sure; no path is all that is
    /// in the trash. Tells how much it was.
    pub fn purges(&self, path: Option<&str>) -> (u32, u64) {
        let nodes: Vec<NodeId> = path.into_iter().map(|path| self.node(path)).collect();
        let asked = self.ask(|replica| async move { replica.purge(&nodes, false).await });
        let Err(Fault::ForGood { nodes, count, bytes }) = asked else { panic!("{asked:?}") };
        let deleted = self.ask(|replica| async move { replica.purge(&nodes, true).await });
        assert_eq!(deleted, Ok(Reply::Done));
        (count, bytes)
    }

    /// Takes an action back.
    pub fn undoes(&self, undone: ActionId) {
        action(self.ask(|replica| async move { replica.undo(undone).await }));
    }

    // ------------------------------------------------------------ texts

    /// Opens a text in the editor.
    pub fn opens_text(&self, path: &str) -> NodeId {
        let node = self.node(path);
        self.tries_open_text(node).unwrap();
        node
    }

    /// Opens a text in the editor, if it can be.
    pub fn tries_open_text(&self, node: NodeId) -> Result<(), Fault> {
        let opened = self.ask(|replica| async move { replica.open_text(node).await })?;
        self.page.texts.borrow_mut().insert(node, opened);
        Ok(())
    }

    /// Types into an open text; it is saved a while later.
    pub fn types(&self, node: NodeId, edit: impl Fn(&str) -> String) {
        for _ in 0..100 {
            let (version, before) = {
                let texts = self.page.texts.borrow();
                let open = &texts[&node];
                (open.version, open.text.clone())
            };
            let after = edit(&before);
            let changes = ChangeSet::between(&before, &after).to_json();
            let update = TextUpdate { client: self.name.clone(), changes };
            if self.replica().push_text(node, version, &[update]).unwrap() == 1 {
                let mut texts = self.page.texts.borrow_mut();
                let open = texts.get_mut(&node).unwrap();
                (open.text, open.version) = (after, version + 1);
                return;
            }
            self.executor.run_for(1);
        }
        panic!("the engine never takes the edit");
    }

    /// What the editor shows.
    pub fn sees(&self, node: NodeId) -> String {
        self.page.texts.borrow()[&node].text.clone()
    }

    /// Saves what was typed, if that can be.
    pub fn flushes(&self, node: NodeId) -> Result<(), Fault> {
        self.ask(|replica| async move { replica.flush_text(node).await })
    }

    /// Saves and closes a text.
    pub fn closes_text(&self, node: NodeId) {
        self.ask(|replica| async move { replica.close_text(node).await }).unwrap();
        self.page.texts.borrow_mut().remove(&node);
    }

    /// Opens a text, changes it, closes it.
    pub fn edits(&self, node: NodeId, edit: impl Fn(&str) -> String) {
        self.tries_open_text(node).unwrap();
        self.types(node, edit);
        self.closes_text(node);
    }

    /// Types at the end of the text at a path.
    pub fn appends_to(&self, path: &str, more: &str) {
        self.edits(self.node(path), |text| format!("{text}{more}"));
    }

    // ------------------------------------------------------------ contents

    /// Reads a file.
    pub fn reads(&self, path: &str) -> Result<Vec<u8>, Fault> {
        self.reads_node(self.node(path))
    }

    /// Finds the file before or after one in its folder, by name.
    pub fn walks(&self, node: NodeId, forward: bool) -> Option<NodeId> {
        let sort = Sort { by: SortBy::Name, descending: false };
        self.ask(|replica| async move { replica.neighbour(node, sort, forward).await }).unwrap()
    }

    /// Finds what a link in a text or from a folder goes to.
    pub fn follows(&self, from: NodeId, link: &str) -> Option<NodeId> {
        let path: Vec<String> = link.split('/').map(str::to_owned).collect();
        self.ask(|replica| async move { replica.follow_link(from, &path).await }).unwrap()
    }

    /// Reads a text file.
    pub fn reads_text(&self, path: &str) -> String {
        String::from_utf8(self.reads(path).unwrap()).unwrap()
    }

    /// Reads a file by its node.
    pub fn reads_node(&self, node: NodeId) -> Result<Vec<u8>, Fault> {
        self.downloads(node, false)
    }

    /// Downloads all that there is, as the settings offer it.
    pub fn downloads_everything(&self) -> Vec<u8> {
        let all = [NodeId::ROOT, NodeId::RECOVERED, NodeId::TRASH];
        self.downloads_all(all.to_vec(), false).unwrap()
    }

    /// Downloads a node: a file as it is, a folder as a ZIP.
    pub fn downloads(&self, node: NodeId, anyway: bool) -> Result<Vec<u8>, Fault> {
        self.downloads_all(vec![node], anyway)
    }

    fn downloads_all(&self, nodes: Vec<NodeId>, anyway: bool) -> Result<Vec<u8>, Fault> {
        self.ask(|replica| async move { whole(replica.download(&nodes, anyway).await?).await })
    }

    /// Downloads the files that are not on the server as they are here.
    pub fn downloads_unsynced(&self) -> Vec<u8> {
        self.ask(|replica| async move { whole(replica.download_unsynced().await?).await }).unwrap()
    }

    /// Reads a range of a file, as a preview does.
    pub fn reads_range(&self, path: &str, range: std::ops::Range<u64>) -> Result<Vec<u8>, Fault> {
        let node = self.node(path);
        self.ask(|replica| async move { replica.open_content(node).await?.read(range).await })
    }

    /// The thumb of a file.
    pub fn thumb(&self, node: NodeId) -> Result<Option<Vec<u8>>, Fault> {
        self.ask(|replica| async move { replica.thumb(node).await })
    }

    /// Keeps a node on this device.
    pub fn keeps(&self, path: &str) {
        let node = self.node(path);
        self.ask(|replica| async move { replica.keep(&[node], true).await }).unwrap();
    }

    /// Stops keeping a node on this device.
    pub fn stops_keeping(&self, path: &str) {
        let node = self.node(path);
        self.ask(|replica| async move { replica.keep(&[node], false).await }).unwrap();
    }

    /// How many bytes of chunks are on this device.
    pub fn stored_bytes(&self) -> u64 {
        ready(self.profile.chunks.usage()).unwrap()
    }

    /// Drops files into a folder; answers once the upload has begun.
    pub fn uploads(&self, folder: &str, files: &[(&str, &[u8])], clash: Clash) -> Vec<TransferId> {
        let sources = files.iter().map(|(_, bytes)| TestFile::new(bytes)).collect();
        let names = files.iter().map(|(name, bytes)| (*name, bytes.len())).collect::<Vec<_>>();
        self.uploads_from(folder, &names, sources, clash)
    }

    /// Drops files into a folder, read from these sources.
    pub fn uploads_from(
        &self,
        folder: &str,
        files: &[(&str, usize)],
        sources: Vec<TestFile>,
        clash: Clash,
    ) -> Vec<TransferId> {
        let parent = self.node(folder);
        let item = |(path, len): &(&str, usize)| UploadItem {
            path: path.split('/').map(str::to_owned).collect(),
            size: *len as u64,
            modified_ms: EPOCH_MS,
        };
        let items = files.iter().map(item).collect();
        let reply =
            self.ask(|replica| async move { replica.upload(parent, items, sources, clash).await });
        let Ok(Reply::Uploading(ids)) = reply else { panic!("{reply:?}") };
        ids
    }

    /// Steers a transfer.
    pub fn steers(&self, transfer: TransferId, control: TransferControl) {
        self.ask(|replica| async move { replica.steer(transfer, control).await }).unwrap();
    }

    /// Where a transfer stands.
    pub fn transfer(&self, transfer: TransferId) -> TransferState {
        self.page.transfers.borrow()[&transfer].state.clone()
    }

    fn split(&self, path: &str) -> (NodeId, String) {
        let (parent, name) = path.rsplit_once('/').unwrap();
        let parent = if parent.is_empty() { NodeId::ROOT } else { self.node(parent) };
        (parent, name.to_owned())
    }
}

fn action(reply: Result<Reply, Fault>) -> ActionId {
    match reply {
        Ok(Reply::Changed { action, .. } | Reply::Created { action, .. }) => action,
        other => panic!("nothing was changed: {other:?}"),
    }
}

/// All bytes of a download.
async fn whole(mut download: Download<TestHost>) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    while let Some(piece) = download.next().await? {
        bytes.extend(piece);
    }
    Ok(bytes)
}

async fn copy_stores(from: &Profile, store: &MemoryStore, chunks: &MemoryChunks) {
    let mut batch = Batch::new();
    for table in Table::ALL {
        let rows = from.store.scan(table, &Range::all(), 0, u32::MAX, Direction::Forward).await;
        for (key, value) in rows.unwrap() {
            batch.put(table, key, value);
        }
    }
    store.write(batch, Durability::Strict).await.unwrap();
    for id in from.chunks.list().await.unwrap() {
        let bytes = from.chunks.get_all(id).await.unwrap().unwrap();
        chunks.put(id, &bytes).await.unwrap();
    }
}
