//! This profile becomes another device, and what it had not sent becomes that one's.
//!
//! Somebody copied the browser's folder, so two write as one device and the server takes
//! only one of them; or the device was taken off the account and its person signed in
//! again. A key is minted and certified, the rows are made again from the log alone, and
//! what waits in the outbox is written anew on top of them: same ops, other device. All of
//! it is one strict transaction, after which this tab and the others go on. What the log
//! has of the outbox already is known by its hash and stays what it is.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use offing_core::account;
use offing_core::account::device::DeviceCertificate;
use offing_core::crypto::PublicKey;
use offing_core::id::{DeviceId, Hash, Incarnation, NodeId};
use offing_core::limits;
use offing_core::log::author;
use offing_core::log::chain::ChainPoint;
use offing_core::log::change::ChangeBody;
use offing_core::log::entry::{Entry, EntryKind, Header};
use offing_core::log::verify::{CheckedBody, HistoryError, LogState, Step};
use offing_core::ordered;
use offing_core::proto::DeviceBinding;
use offing_core::rpc::{Alarm, Event, Fault};
use offing_core::sync::machine::Failure;
use offing_core::text::Actor;
use offing_core::tree::OpId;
use offing_core::tree::memory::MemoryTree;
use serde::{Deserialize, Serialize};

use super::come_back::{Instead, Skimmed, is_gone};
use super::commit::{CURSOR_KEY, Who};
use super::documents::Retype;
use super::fault::from_store;
use super::pull::{Brought, PullError};
use super::text_store::{self, SavedDoc};
use super::{Identity, LOG_KEY, Own, Replica, encode};
use crate::host::{Host, Notice, Server};
use crate::net::NetError;
use crate::store::outbox::{self, OutboxItem};
use crate::store::{Batch, Range, Table};

/// Key of the device that this profile became, in `Table::Meta`; none if it never did.
pub(crate) const RENEWED_KEY: &[u8] = b"renewed";

/// Why nothing can be written as this device any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unseated {
    /// Another copy of the profile writes as it.
    Copied,
    /// This device was taken off the account; its person has signed in again since.
    TakenOff,
}

/// The device that this profile became.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Renewed {
    /// Who it is.
    pub(crate) identity: Identity,
    public: PublicKey,
}

/// An entry of the outbox, taken apart.
pub(super) struct Waiting {
    pub(super) item: OutboxItem,
    pub(super) entry: Entry,
    pub(super) header: Header,
}

impl Waiting {
    /// What its author had seen.
    pub(super) fn seen(&self) -> ChainPoint {
        ChainPoint { seq: self.header.seen_seq, chain: self.header.seen_chain }
    }
}

/// What the log alone says.
#[derive(Default)]
struct FromLog {
    /// The rows as of the cursor.
    tree: MemoryTree,
    /// The hashes of this device's entries beyond it, by their counters.
    beyond: BTreeMap<u64, Hash>,
    /// Where bodies up to the cursor are gone and no snapshot of before is left: all up to the
    /// server's tip, but for the rows above, which are of there too.
    instead: Option<Instead>,
}

/// A new device, certified.
struct Minted<H: Host> {
    who: Who<H>,
    renewed: Renewed,
    certificate: DeviceCertificate,
}

impl<H: Host> Replica<H> {
    /// Becomes another device. Called by whoever holds the lock for pulling.
    pub(super) async fn renew(self: &Rc<Self>, why: Unseated) -> Result<(), PullError> {
        let was = self.device();
        self.own().await?;
        if self.device() == was {
            // What cannot be saved now stays in its editor, which follows.
            self.flush_all().await.ok();
            let minted = self.mint(why).await?;
            self.become_another(minted).await?;
            match why {
                Unseated::Copied => self.emit(Event::Alarm(Alarm::DeviceCopied)),
                Unseated::TakenOff => {}
            }
        }
        // Should this fail, the first refused append does it again.
        self.bind_session().await.ok();
        self.host.announce(&Notice::Renewed);
        self.go_on_renewed().await?;
        Ok(())
    }

    /// Another tab made another device of this profile.
    pub(super) async fn follow_renewal(self: &Rc<Self>) -> Result<(), Fault> {
        self.own().await?;
        self.go_on_renewed().await
    }

    /// Is the device that this profile became.
    pub(super) async fn take_up(&self, renewed: &Renewed) -> Result<(), Fault> {
        let device = renewed.identity.device;
        if device == self.device() {
            return Ok(());
        }
        let signing = self.host.take_up_device(device).await.ok_or(Fault::Storage)?;
        self.keys.borrow_mut().signing = signing;
        *self.identity.borrow_mut() = renewed.identity.clone();
        // What was done as the other device cannot be taken back by its ops' names.
        self.undo.take();
        Ok(())
    }

    /// Binds the server's session to this device.
    pub(super) async fn bind_session(&self) -> Result<(), NetError> {
        let device = self.device();
        let renewed: Option<Renewed> = self.meta(RENEWED_KEY).await.ok().flatten();
        let log: Option<LogState> = self.meta(LOG_KEY).await.ok().flatten();
        let known = log.and_then(|log| log.device(&device).map(|known| known.public));
        let Some(public) = renewed.map(|renewed| renewed.public).or(known) else {
            return Err(NetError::Malformed);
        };
        let binding = DeviceBinding { device, public: public.0.to_vec().into() };
        self.host.server().bind_device(&binding).await
    }

    /// Shows everything as the rows have it now, under the new name.
    async fn go_on_renewed(self: &Rc<Self>) -> Result<(), Fault> {
        for node in self.open_texts() {
            self.load_increments(node).await?;
        }
        if let Some(call) = &*self.session_changed.borrow() {
            call();
        }
        self.refresh_all_views().await?;
        self.count_pending().await
    }

    /// Makes a device and certifies it with the account's identity.
    async fn mint(&self, why: Unseated) -> Result<Minted<H>, PullError> {
        let crypto = self.host.crypto();
        let mut identity = self.identity();
        let log: LogState = self.meta(LOG_KEY).await?.ok_or(Fault::Storage)?;
        let member = log.member(&identity.account).ok_or(Fault::CannotOpen)?;
        let sealed = self.host.server().account().await.map_err(PullError::Net)?.identity_sealed;
        let master = self.keys.borrow().account.clone();
        let public = &member.identity;
        let key =
            account::open_identity(crypto, &master, &identity.account, public, &sealed.0).await;
        let key = key.map_err(|_| Fault::CannotOpen)?;
        let (public, signing) = self.host.mint_device().await.ok_or(Fault::Unsupported)?;
        let issued = DeviceCertificate::issue(crypto, &key, identity.account, public).await;
        let certificate = issued.map_err(|_| Fault::Internal)?;
        identity.device = public.device_id();
        if why == Unseated::Copied {
            identity.device_name = second(&identity.device_name);
        }
        let who = Who { device: identity.device, signing };
        Ok(Minted { who, renewed: Renewed { identity, public }, certificate })
    }

    /// Writes everything that waits as the new device's, and makes the rows fit.
    async fn become_another(self: &Rc<Self>, minted: Minted<H>) -> Result<(), PullError> {
        let mut from_log = None;
        let (guard, waiting) = loop {
            let guard = self.host.lock(&self.commit_lock()).await;
            let waiting = self.waiting().await?;
            if waiting.is_empty() || from_log.is_some() {
                break (guard, waiting);
            }
            drop(guard);
            // The cursor stays where it is: whoever moves it holds the lock for pulling.
            from_log = Some(self.read_from_log().await?);
        };
        let mut own = self.own().await?;
        let mut batch = Batch::new();
        let mut counters = BTreeMap::new();
        outbox::forget_all(&mut batch, &self.vault);
        let was = self.device();
        let mut heard = None;
        match from_log {
            Some(mut from_log) if !waiting.is_empty() => {
                let (sent, unsent): (Vec<Waiting>, Vec<Waiting>) =
                    waiting.into_iter().partition(|waiting| {
                        from_log.beyond.get(&waiting.item.dseq) == Some(&waiting.entry.hash())
                    });
                // Those are on the server, whatever their counters were.
                counters.extend(sent.iter().map(|sent| (sent.item.dseq, 0)));
                let sent = self.changes_of(sent).await?;
                let mut unsent = renamed(self.changes_of(unsent).await?, was, minted.who.device);
                self.retell_texts(&mut batch, &mut unsent, &own, minted.who.device).await?;
                for (waiting, change) in sent.iter().chain(&unsent) {
                    from_log.tree.apply(&change.known_ops(None, waiting.header.seen_seq));
                }
                replace_rows(&mut batch, &from_log.tree);
                if let Some(Instead { skimmed: Skimmed { state, brought, .. }, mut retold }) =
                    from_log.instead
                {
                    retold.tree = from_log.tree;
                    let Brought { also, pieces, deaths, .. } = brought;
                    batch.steps.extend(also.steps);
                    self.put_retold(&mut batch, &mut own, &state, &retold).await?;
                    heard = Some((pieces, deaths));
                }
                self.enqueue_anew(&mut batch, &mut own, &minted, &unsent, &mut counters).await?;
            }
            Some(_) | None => {
                self.enqueue_anew(&mut batch, &mut own, &minted, &[], &mut counters).await?;
            }
        }
        let former = self.identity();
        batch.put(Table::Meta, super::pull::device_key(was), encode(&former.device_name));
        batch.put(Table::Meta, RENEWED_KEY, encode(&minted.renewed));
        self.write_strict(batch).await?;
        self.take_up(&minted.renewed).await?;
        drop(guard);
        self.renumbered(counters);
        if let Some((pieces, deaths)) = heard {
            self.went_on(&pieces, &deaths).await?;
        }
        Ok(())
    }

    /// What waits has other counters now; what has none is on the server.
    pub(super) fn renumbered(self: &Rc<Self>, counters: BTreeMap<u64, u64>) {
        self.held_up.set(None);
        self.move_uploads(&counters);
        self.settle_uploads(0);
        self.host.announce(&Notice::Reordered(counters));
    }

    /// Everything in the outbox, in order.
    pub(super) async fn waiting(&self) -> Result<Vec<Waiting>, Fault> {
        let store = self.host.store();
        let items = outbox::items(store, &self.vault, 0, u32::MAX).await;
        let items = items.map_err(|e| from_store(&e))?;
        let dseqs: Vec<u64> = items.iter().map(|item| item.dseq).collect();
        let entries = outbox::entries(store, &self.vault, &dseqs).await;
        let entries = entries.map_err(|e| from_store(&e))?;
        let take_apart = |(item, wire): (OutboxItem, Vec<u8>)| {
            let entry = Entry::decode(&wire).map_err(|_| Fault::Storage)?;
            let header = Header::decode(&entry.header).map_err(|_| Fault::Storage)?;
            Ok(Waiting { item, entry, header })
        };
        items.into_iter().zip(entries).map(take_apart).collect()
    }

    /// The changes among these entries, opened.
    pub(super) async fn changes_of(
        &self,
        waiting: Vec<Waiting>,
    ) -> Result<Vec<(Waiting, ChangeBody)>, Fault> {
        let mut changes = Vec::new();
        for waiting in waiting {
            let Waiting { entry, header, .. } = &waiting;
            if header.kind != EntryKind::Change {
                continue;
            }
            let (crypto, epoch) = (self.host.crypto(), self.epoch(header.epoch)?);
            let opened =
                author::open_body(crypto, &epoch.secret, &self.vault, &entry.header, &entry.body);
            let plain = opened.await.map_err(|_| Fault::CannotOpen)?;
            let change = ChangeBody::decode(&plain, &header.device);
            changes.push((waiting, change.map_err(|_| Fault::Storage)?));
        }
        Ok(changes)
    }

    /// Reads the log from its beginning to the server's tip.
    async fn read_from_log(&self) -> Result<FromLog, PullError> {
        let verified: LogState = self.meta(LOG_KEY).await?.ok_or(Fault::Storage)?;
        let at = verified.at();
        let mut state = verified.from_the_start();
        let mut from_log = FromLog::default();
        // The server may have been restored, and gone on, since this device read the log.
        let mut life = None;
        loop {
            let after = state.at().seq;
            let page = self.host.server().read_log(self.vault, after, None).await;
            let page = page.map_err(PullError::Net)?;
            let steps = match state.check_page(self.host.crypto(), &page).await {
                Ok(steps) => steps,
                Err(HistoryError::Crypto(_)) => return Err(Fault::Internal.into()),
                Err(_) => return Err(self.history_changed(after)),
            };
            let read_here = |step: &Step| step.point.seq <= at.seq;
            if steps.iter().any(|step| read_here(step) && is_gone(step)) {
                // Bodies are gone: a snapshot has them.
                let Some(retold) = self.retell_beginning(&verified).await? else {
                    return self.read_beyond(&verified).await;
                };
                (state, from_log.tree) = (retold.state, retold.tree);
                continue;
            }
            if steps.iter().any(|step| step.point.seq == at.seq && step.point != at) {
                return Err(self.history_changed(at.seq));
            }
            let later = steps.iter().filter(|step| step.point.seq > at.seq);
            life = later.filter_map(adopted).next_back().or(life);
            self.take_from_log(&mut from_log, &steps, at).await;
            if state.at().seq >= page.tip.seq {
                let incarnation = &page.tip.incarnation;
                if life.map_or(!verified.is_of(incarnation), |life| life != *incarnation) {
                    return Err(PullError::Restored);
                }
                // A log that ends before the cursor has lost what this device knows.
                let whole = state.at().seq >= at.seq;
                return if whole { Ok(from_log) } else { Err(self.history_changed(after)) };
            }
        }
    }

    /// Reads the log to the server's tip with a snapshot of after the cursor.
    async fn read_beyond(&self, verified: &LogState) -> Result<FromLog, PullError> {
        let mut instead = self.read_instead(verified).await?;
        let Skimmed { state, tip, own, .. } = &mut instead.skimmed;
        if !state.is_of(&tip.incarnation) {
            return Err(PullError::Restored);
        }
        let beyond = std::mem::take(own);
        let tree = std::mem::take(&mut instead.retold.tree);
        Ok(FromLog { tree, beyond, instead: Some(instead) })
    }

    async fn take_from_log(&self, from_log: &mut FromLog, steps: &[Step], cursor: ChainPoint) {
        let mut ops = Vec::new();
        for step in steps {
            let (seq, Ok(checked)) = (step.point.seq, &step.outcome) else { continue };
            if seq > cursor.seq {
                if checked.header.device == self.device() {
                    from_log.beyond.insert(checked.header.dseq, step.hash);
                }
                continue;
            }
            if let CheckedBody::Sealed(body) = &checked.body
                && checked.header.kind == EntryKind::Change
                && let Some(change) = self.open_change(checked, body).await
            {
                ops.extend(change.known_ops(Some(seq), checked.header.seen_seq));
            }
        }
        from_log.tree.apply(&ops);
    }

    /// Makes what was typed and not sent again as the new device's, and the documents that
    /// have it.
    async fn retell_texts(
        &self,
        batch: &mut Batch,
        unsent: &mut [(Waiting, ChangeBody)],
        own: &Own,
        device: DeviceId,
    ) -> Result<(), Fault> {
        let mut typed: BTreeMap<(NodeId, Hash), Vec<Vec<u8>>> = BTreeMap::new();
        for part in unsent.iter().flat_map(|(_, change)| &change.texts) {
            typed.entry((part.node, part.base)).or_default().extend(part.changes.iter().cloned());
        }
        for ((node, base), changes) in typed {
            let row = self.row(node).await?.ok_or(Fault::Storage)?;
            let mut loaded = self.load_doc(&row, base, Retype::None).await?;
            let actor = Actor { device, slot: loaded.slot };
            let retold = loaded.doc.retell(&changes, actor);
            let retold = retold.map_err(|error| super::texts::fault_of(&error))?;
            let (mut doc, mut told) = (retold.doc, retold.changes.into_iter());
            let parts = unsent.iter_mut().flat_map(|(_, change)| &mut change.texts);
            for part in parts.filter(|part| (part.node, part.base) == (node, base)) {
                let count = part.changes.len();
                part.changes = told.by_ref().take(count).flatten().collect();
            }
            let ends = doc.line_ends().clone();
            let saved = SavedDoc { through: own.increments, ends, doc: doc.save() };
            batch.put(Table::Texts, text_store::doc_key(node, base), encode(&saved));
            for (number, increment) in self.increments(node, 0).await? {
                if increment.base == base {
                    batch.delete(Table::Texts, text_store::increment_key(node, number));
                }
            }
        }
        Ok(())
    }

    /// Fills the outbox with the new device's entries: first it introduces itself.
    async fn enqueue_anew(
        &self,
        batch: &mut Batch,
        own: &mut Own,
        minted: &Minted<H>,
        unsent: &[(Waiting, ChangeBody)],
        counters: &mut BTreeMap<u64, u64>,
    ) -> Result<(), Fault> {
        let Minted { who, renewed, certificate } = minted;
        (own.dseq, own.prev) = (0, Hash([0; 32]));
        // Nobody has seen less later than before.
        let seen = match unsent.first() {
            Some((waiting, _)) => waiting.seen(),
            None => self.meta(CURSOR_KEY).await?.unwrap_or(ChainPoint::START),
        };
        let (certificate, name) = (certificate.clone(), &renewed.identity.device_name);
        let intro = self.seal_intro(who, own, seen, certificate, name).await?;
        let item = OutboxItem {
            device: who.device,
            dseq: own.dseq,
            entry_bytes: 0,
            chunks: Vec::new(),
            created_ms: self.host.now_ms(),
        };
        self.enqueue(batch, item, &intro);
        for (waiting, change) in unsent {
            let chunks = &waiting.item.chunks;
            let entry = self.seal_change(who, own, waiting.seen(), chunks, change).await?;
            counters.insert(waiting.item.dseq, own.dseq);
            let item = OutboxItem { device: who.device, dseq: own.dseq, ..waiting.item.clone() };
            self.enqueue(batch, item, &entry);
        }
        batch.put(Table::Meta, Own::KEY, encode(own));
        Ok(())
    }

    /// Adds an entry to the outbox.
    pub(super) fn enqueue(&self, batch: &mut Batch, item: OutboxItem, entry: &Entry) {
        let wire = entry.encode();
        let entry_bytes = u32::try_from(wire.len()).expect("an entry is at most ENTRY_BYTES_MAX");
        outbox::enqueue(batch, &self.vault, &OutboxItem { entry_bytes, ..item }, &wire);
    }

    /// What comes of a try to become another device, for the synchronisation machine.
    pub(super) fn failure(&self, error: &PullError) -> Failure {
        match error {
            PullError::Net(error) => self.net_failure(error),
            PullError::History => Failure::History,
            PullError::Restored => Failure::Restored,
            PullError::Local(fault) => {
                self.note(fault);
                Failure::Busy { retry_after_ms: 0 }
            }
            PullError::Unseated(_) | PullError::Gone => Failure::Busy { retry_after_ms: 0 },
        }
    }
}

/// The changes as another device's.
fn renamed(
    unsent: Vec<(Waiting, ChangeBody)>,
    from: DeviceId,
    to: DeviceId,
) -> Vec<(Waiting, ChangeBody)> {
    let ops = unsent.iter().flat_map(|(_, change)| &change.ops);
    let ids: BTreeSet<OpId> = ordered::set(ops.map(|op| op.id).filter(|id| id.device == from));
    unsent.into_iter().map(|(w, change)| (w, change.renamed(&ids, to))).collect()
}

/// Puts these rows in the place of all that are here.
pub(super) fn replace_rows(batch: &mut Batch, tree: &MemoryTree) {
    batch.delete_range(Table::Nodes, Range::all());
    batch.delete_range(Table::Listing, Range::all());
    for row in tree.rows.values() {
        batch.put(Table::Nodes, row.node.0, row.encode());
    }
    for (key, value) in &tree.listing {
        batch.put(Table::Listing, key.as_slice(), value.as_slice());
    }
}

/// What people call the second of two devices of one name.
fn second(name: &str) -> String {
    let numbered = name.strip_suffix(')').and_then(|name| name.rsplit_once(" ("));
    let (stem, number) = match numbered.and_then(|(s, n)| Some((s, n.parse::<u32>().ok()?))) {
        Some((stem, number)) => (stem, number.saturating_add(1)),
        None => (name, 2),
    };
    let tail = format!(" ({number})");
    let mut stem = stem.to_owned();
    while stem.len() + tail.len() > limits::DEVICE_NAME_BYTES_MAX {
        stem.pop();
    }
    stem + &tail
}

/// The life of the server that an entry adopts for everybody.
fn adopted(step: &Step) -> Option<Incarnation> {
    match step.outcome.as_ref().ok()?.body {
        CheckedBody::Recovery(incarnation) => Some(incarnation),
        CheckedBody::Sealed(_)
        | CheckedBody::Held(_)
        | CheckedBody::Epoch(_)
        | CheckedBody::Device(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_counted_and_long_names_cut() {
        assert_eq!(second("Phone"), "Phone (2)");
        assert_eq!(second("Phone (2)"), "Phone (3)");
        assert_eq!(second("Phone (old)"), "Phone (old) (2)");
        let long = "é".repeat(limits::DEVICE_NAME_BYTES_MAX);
        assert!(second(&long).len() <= limits::DEVICE_NAME_BYTES_MAX);
    }
}
