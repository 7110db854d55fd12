//! What people do: one thing in one tab, chosen by what is on that device right now.
//!
//! An act runs beside everything else and may be cut short by anything. What cannot be done
//! (a folder into itself, a disk that is full) is refused in words, and that is fine; what
//! answers as done is a promise.

use std::rc::Rc;

use offing_core::id::NodeId;
use offing_core::label::Label;
use offing_core::rpc::{
    Choice, Clash, Fault, Reply, TextUpdate, TransferControl, TransferId, TransferState, UploadItem,
};
use offing_core::text::ChangeSet;
use offing_core::tree::Labelled;
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use super::model::{Model, Thing, Token};
use super::picture::Picture;
use super::seat::{Seat, Tab, Typed};
use crate::device::TestReplica;
use crate::host::{EPOCH_MS, TestFile};

/// How often a page offers an edit again that came too late.
const PUSHES_MAX: usize = 200;

/// What becomes of a text after something was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It stays open; it is saved by itself.
    Leave,
    /// It is saved at once, and stays open.
    Flush,
    /// It is closed.
    Close,
}

/// One thing that a person does.
#[derive(Debug, Clone)]
pub enum Act {
    /// Makes a folder.
    CreateFolder(NodeId, String),
    /// Makes a text.
    CreateText(NodeId, String),
    /// Types a word at some place.
    Type(NodeId, String, usize, Then),
    /// Takes a word out of a text.
    Unwrite(NodeId, usize),
    /// Closes a text.
    Close(NodeId),
    /// Renames.
    Rename(NodeId, String),
    /// Moves.
    Move(NodeId, NodeId),
    /// Copies.
    Copy(NodeId, NodeId),
    /// Deletes.
    Trash(NodeId),
    /// Takes out of the trash.
    Restore(NodeId),
    /// Deletes for good.
    Purge(NodeId),
    /// Puts a label on, or takes it off.
    Label(NodeId, Labelled),
    /// Takes back an action.
    Undo(u64),
    /// Uploads files.
    Upload(NodeId, Vec<(String, Token)>, Clash),
    /// Steers a transfer.
    Steer(TransferId, TransferControl),
    /// Settles two versions.
    Settle(NodeId, Choice),
    /// Keeps on the device.
    Keep(NodeId, bool),
    /// Reads a file.
    Read(NodeId),
    /// Gives a restored server back what it lacks.
    GiveBack,
    /// Goes on with what a restored server has.
    GoOn,
}

/// Chooses what to do; `mark` is in no other word. `None` where nothing suits.
pub fn choose(rng: &mut StdRng, seat: &Seat, tab: &Tab, mark: &str) -> Option<Act> {
    let picture = Picture::of(&seat.profile);
    let folder = *picture.folders().choose(rng)?;
    let live: Vec<NodeId> = picture.live().map(|row| row.node).collect();
    let some = live.choose(rng).copied();
    // Few names, so that they collide.
    let name = format!("n{}", rng.gen_range(0..6));
    Some(match rng.gen_range(0..100) {
        0..8 => Act::CreateFolder(folder, name),
        8..18 => Act::CreateText(folder, format!("{name}.md")),
        18..50 => {
            let open: Vec<NodeId> = tab.device.page.texts.borrow().keys().copied().collect();
            let texts = if rng.gen_bool(0.4) && !open.is_empty() { open } else { picture.texts() };
            let then = *[Then::Leave, Then::Leave, Then::Flush, Then::Close].choose(rng)?;
            let (node, at) = (*texts.choose(rng)?, rng.gen_range(0..1_000));
            Act::Type(node, format!("<{mark}>"), at, then)
        }
        50..52 => Act::Unwrite(*picture.texts().choose(rng)?, rng.gen_range(0..1_000)),
        52..56 => Act::Close(*tab.device.page.texts.borrow().keys().next()?),
        56..59 => Act::Rename(some?, name),
        59..62 => {
            // Few, so that they meet; one of them is the star.
            let label = Label::parse(["", "a", "b c"].choose(rng)?).expect("a label");
            Act::Label(some?, Labelled { label, on: rng.gen_bool(0.7) })
        }
        62..69 => Act::Move(some?, folder),
        69..71 => Act::Copy(some?, folder),
        71..76 => Act::Trash(some?),
        76..81 => Act::Restore(*picture.trash().choose(rng)?),
        81..83 => Act::Undo(*tab.undoable.borrow().choose(rng)?),
        83..93 => uploads(rng, folder, mark),
        93..95 => steers(rng, seat, tab)?,
        95..97 => {
            let two: Vec<_> = picture.live().filter(|row| row.two_versions()).collect();
            let row = two.choose(rng)?;
            let is_text = row.created.value == offing_core::rpc::Kind::Text
                || row.contents.iter().any(|content| content.value.text);
            // What is chosen away is gone, and in a text that would be words of others.
            let keep = !is_text && rng.gen_bool(0.5);
            Act::Settle(row.node, if keep { Choice::KeepOne } else { Choice::KeepBoth })
        }
        97..98 => Act::Keep(some?, rng.gen_bool(0.7)),
        98..99 => Act::Purge(*picture.trash().choose(rng)?),
        _ => Act::Read(picture.live().filter(|row| !row.is_folder()).last()?.node),
    })
}

fn uploads(rng: &mut StdRng, folder: NodeId, mark: &str) -> Act {
    let contested = rng.gen_range(0..4) == 0;
    let files = match rng.gen_range(0..10) {
        0..5 => 1,
        5..9 => rng.gen_range(2..6),
        _ => rng.gen_range(10..30),
    };
    let file = |n: usize, rng: &mut StdRng| {
        let noise_bytes = match rng.gen_range(0..20) {
            0 if files == 1 => rng.gen_range(270_000..600_000),
            0..3 => 0,
            _ => rng.gen_range(1..4_000),
        };
        let name = match contested {
            true => format!("contested{n}.bin"),
            false if noise_bytes == 0 => format!("up {mark} {n}.md"),
            false => format!("up {mark} {n}.bin"),
        };
        // Noise after the head makes it no text.
        (name, Token { head: format!("{{{mark} {n}}}\n"), noise_bytes })
    };
    let files = (0..files).map(|n| file(n, rng)).collect();
    Act::Upload(folder, files, if contested { Clash::Replace } else { Clash::KeepBoth })
}

fn steers(rng: &mut StdRng, seat: &Seat, tab: &Tab) -> Option<Act> {
    let transfers = tab.device.page.transfers.borrow();
    let under_way: Vec<_> = transfers.values().filter(|t| t.state != TransferState::Done).collect();
    let transfer = under_way.choose(rng)?;
    let control = match (&transfer.state, rng.gen_range(0..3)) {
        (TransferState::Paused, _) => TransferControl::Resume,
        (TransferState::Failed(_), _) => TransferControl::Retry,
        (_, 0) => TransferControl::Cancel,
        _ => TransferControl::Pause,
    };
    // Whatever was promised of it is taken back by the person.
    seat.uploads.borrow().get(&transfer.id)?;
    Some(Act::Steer(transfer.id, control))
}

impl Act {
    /// In words, with the paths of this moment.
    pub fn words(&self, seat: &Seat) -> String {
        let picture = Picture::of(&seat.profile);
        let path = |node: &NodeId| picture.path(*node);
        match self {
            Self::CreateFolder(parent, name) => format!("makes folder {name} in {}", path(parent)),
            Self::CreateText(parent, name) => format!("makes text {name} in {}", path(parent)),
            Self::Type(node, word, _, then) => {
                format!("types {word} into {} ({then:?})", path(node))
            }
            Self::Unwrite(node, _) => format!("takes a word out of {}", path(node)),
            Self::Close(node) => format!("closes {}", path(node)),
            Self::Rename(node, name) => format!("renames {} to {name}", path(node)),
            Self::Move(node, to) => format!("moves {} to {}", path(node), path(to)),
            Self::Copy(node, to) => format!("copies {} to {}", path(node), path(to)),
            Self::Trash(node) => format!("deletes {}", path(node)),
            Self::Restore(node) => format!("restores {}", path(node)),
            Self::Purge(node) => format!("deletes {} for good", path(node)),
            Self::Label(node, Labelled { label, on }) => {
                format!("labels {} {:?}: {on}", path(node), label.as_str())
            }
            Self::Undo(action) => format!("takes back action {action}"),
            Self::Upload(parent, files, clash) => {
                let file = |(name, token): &(String, Token)| {
                    format!("{name} ({} bytes)", token.head.len() + token.noise_bytes)
                };
                let files: Vec<String> = files.iter().map(file).collect();
                format!("uploads {} to {} ({clash:?})", files.join(", "), path(parent))
            }
            Self::Steer(id, control) => format!("{control:?}s transfer {id}"),
            Self::Settle(node, choice) => format!("settles {} by {choice:?}", path(node)),
            Self::Keep(node, keep) => format!("keeps {} here: {keep}", path(node)),
            Self::Read(node) => format!("reads {}", path(node)),
            Self::GiveBack => "gives back what the server lacks".to_owned(),
            Self::GoOn => "goes on with what the server has".to_owned(),
        }
    }

    /// Does it.
    pub async fn perform(
        self,
        seat: &Seat,
        tab: &Tab,
        model: &Model,
        replica: &TestReplica,
    ) -> Result<(), Fault> {
        let reply = match self {
            Self::CreateFolder(parent, name) => replica.create_folder(parent, &name).await?,
            Self::CreateText(parent, name) => replica.create_text(parent, &name).await?,
            Self::Type(node, word, at, then) => {
                return types(tab, replica, node, &word, at, then).await;
            }
            Self::Unwrite(node, which) => return unwrites(tab, model, replica, node, which).await,
            Self::Close(node) => return closes(tab, replica, node).await,
            Self::Rename(node, name) => replica.rename(node, &name).await?,
            Self::Move(node, to) => replica.move_to(&[node], to).await?,
            Self::Copy(node, to) => replica.copy(&[node], to).await?,
            Self::Trash(node) => replica.trash(&[node]).await?,
            Self::Restore(node) => replica.restore(&[node]).await?,
            Self::Purge(node) => {
                // Cut short, it may have happened all the same.
                model.purges(Picture::of(&seat.profile).below(node));
                let reply = replica.purge(&[node], true).await?;
                model.purges(Picture::of(&seat.profile).gone());
                reply
            }
            Self::Label(node, labelled) => {
                let thing = Thing::Label(node, labelled.label.clone());
                if !labelled.on {
                    model.gives_up(thing);
                    return replica.label(&[node], &labelled).await.map(drop);
                }
                // Undo would take away what may be another's promise.
                replica.label(&[node], &labelled).await?;
                model.is_here(seat.number, thing, tab.device.now_ms());
                return Ok(());
            }
            Self::Undo(action) => replica.undo(action).await?,
            Self::Upload(parent, files, clash) => {
                return upload(seat, tab, model, replica, parent, files, clash).await;
            }
            Self::Steer(id, control) => {
                if control == TransferControl::Cancel
                    && let Some(token) = seat.uploads.borrow().get(&id)
                {
                    model.gives_up(Thing::File(token.clone()));
                }
                return replica.steer(id, control).await;
            }
            Self::Settle(node, choice) => {
                let (_, versions) = replica.versions(node).await?;
                let [keep, other, ..] = versions.as_slice() else {
                    return Ok(());
                };
                replica.settle(node, keep.id, other.id, choice).await?
            }
            Self::Keep(node, keep) => return replica.keep(&[node], keep).await,
            // What cannot be done now shows in a banner, and is tried again.
            Self::GiveBack => {
                let lacking = replica.give_back().await;
                seat.gave_back.set(lacking.is_ok_and(|lacking| lacking.entries == 0));
                return Ok(());
            }
            Self::GoOn => {
                replica.go_on().await.ok();
                return Ok(());
            }
            Self::Read(node) => {
                let mut download = replica.download(&[node], false).await?;
                while download.next().await?.is_some() {}
                return Ok(());
            }
        };
        if let Reply::Created { node, .. } = &reply {
            model.is_here(seat.number, Thing::Node(*node), tab.device.now_ms());
        }
        if let Reply::Created { action, .. } | Reply::Changed { action, .. } = reply {
            tab.undoable.borrow_mut().push(action);
        }
        Ok(())
    }
}

/// Opens a text in the editor, unless it is; says whether it may be edited.
async fn opens(tab: &Tab, replica: &TestReplica, node: NodeId) -> Result<bool, Fault> {
    if tab.device.page.texts.borrow().contains_key(&node) {
        return Ok(true);
    }
    let opened = replica.open_text(node).await?;
    let may_edit = opened.read_only.is_none();
    if may_edit {
        tab.device.page.texts.borrow_mut().insert(node, opened);
    } else {
        replica.close_text(node).await?;
    }
    Ok(may_edit)
}

/// An edit as an editor makes it: at a place, so many bytes out, this in. People here type
/// ASCII, so bytes are code units.
struct Edit {
    at: usize,
    delete: usize,
    insert: String,
}

impl Edit {
    fn changes(&self, before: &str) -> ChangeSet {
        let rest = before.len() - self.at - self.delete;
        let keep = |len: usize| (len > 0).then(|| len.to_string());
        let middle = match self.insert.as_str() {
            "" => format!("[{}]", self.delete),
            insert => format!("[{},{insert:?}]", self.delete),
        };
        let sections = [keep(self.at), Some(middle), keep(rest)];
        let sections: Vec<String> = sections.into_iter().flatten().collect();
        ChangeSet::from_json(&format!("[{}]", sections.join(","))).unwrap()
    }
}

/// Hands an edit to the engine as the page does; says which version has it. `None` where
/// the text has nothing to edit.
async fn pushes(
    tab: &Tab,
    replica: &TestReplica,
    node: NodeId,
    edit: impl Fn(&str) -> Option<Edit>,
) -> Result<Option<u32>, Fault> {
    for _ in 0..PUSHES_MAX {
        let (version, before) = {
            let texts = tab.device.page.texts.borrow();
            let open = texts.get(&node).ok_or(Fault::NotOpen)?;
            (open.version, open.text.clone())
        };
        let Some(edit) = edit(&before) else {
            return Ok(None);
        };
        let changes = edit.changes(&before);
        let update = TextUpdate { client: tab.name.clone(), changes: changes.to_json() };
        if replica.push_text(node, version, &[update])? == 1 {
            let mut texts = tab.device.page.texts.borrow_mut();
            let open = texts.get_mut(&node).ok_or(Fault::NotOpen)?;
            open.text = changes.apply(&before).unwrap();
            open.version = version + 1;
            return Ok(Some(version + 1));
        }
        tab.device.sleeps(1).await;
    }
    Err(Fault::Internal)
}

async fn types(
    tab: &Tab,
    replica: &TestReplica,
    node: NodeId,
    word: &str,
    at: usize,
    then: Then,
) -> Result<(), Fault> {
    if !opens(tab, replica, node).await? {
        return Ok(());
    }
    let version = pushes(tab, replica, node, |text| {
        // Words never grow into each other's middle.
        let ends: Vec<usize> =
            std::iter::once(0).chain(text.match_indices('>').map(|(i, _)| i + 1)).collect();
        Some(Edit { at: ends[at % ends.len()], delete: 0, insert: word.to_owned() })
    })
    .await?;
    if let Some(version) = version {
        tab.typed.borrow_mut().push(Typed { node, version, word: word.to_owned() });
    }
    match then {
        Then::Leave => Ok(()),
        Then::Flush => replica.flush_text(node).await,
        Then::Close => closes(tab, replica, node).await,
    }
}

async fn unwrites(
    tab: &Tab,
    model: &Model,
    replica: &TestReplica,
    node: NodeId,
    which: usize,
) -> Result<(), Fault> {
    if !opens(tab, replica, node).await? {
        return Ok(());
    }
    let pushed = pushes(tab, replica, node, |text| {
        let words: Vec<&str> = words_of(text).collect();
        let word = words.get(which % words.len().max(1))?;
        model.gives_up(Thing::Word((*word).to_owned()));
        Some(Edit { at: text.find(word)?, delete: word.len(), insert: String::new() })
    });
    pushed.await.map(drop)
}

/// The words that people typed into a text.
pub fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('<').filter_map(|(start, _)| {
        let end = text[start..].find('>')?;
        Some(&text[start..=start + end])
    })
}

async fn closes(tab: &Tab, replica: &TestReplica, node: NodeId) -> Result<(), Fault> {
    replica.close_text(node).await?;
    tab.device.page.texts.borrow_mut().remove(&node);
    Ok(())
}

async fn upload(
    seat: &Seat,
    tab: &Tab,
    model: &Model,
    replica: &TestReplica,
    parent: NodeId,
    files: Vec<(String, Token)>,
    clash: Clash,
) -> Result<(), Fault> {
    let bytes: Vec<Vec<u8>> = files.iter().map(|(_, token)| token.bytes()).collect();
    let sources = bytes.iter().map(|bytes| TestFile::new(bytes)).collect();
    let item = |((name, _), bytes): (&(String, Token), &Vec<u8>)| UploadItem {
        path: vec![name.clone()],
        size: bytes.len() as u64,
        modified_ms: EPOCH_MS,
    };
    let items = files.iter().zip(&bytes).map(item).collect();
    if clash == Clash::Replace {
        // Whatever has the name may be replaced by who has seen it; that somebody has the
        // last word is for other tests.
        for (_, token) in &files {
            model.gives_up(Thing::File(token.clone()));
        }
    }
    let reply = replica.upload(parent, items, sources, clash).await?;
    let Reply::Uploading(ids) = reply else {
        return Ok(());
    };
    for (id, (_, token)) in ids.iter().zip(&files) {
        seat.uploads.borrow_mut().insert(*id, token.clone());
    }
    // The tray may have moved on before the answer was here.
    let transfers = Rc::clone(&tab.device.page);
    let transfers = transfers.transfers.borrow();
    for id in &ids {
        if let Some(transfer) = transfers.get(id) {
            seat.transfer_is_shown(*id, &transfer.state);
        }
    }
    Ok(())
}
