//! What the page and the engine say to each other.
//!
//! Messages are postcard in one byte array; a JavaScript message is
//! `[Uint8Array, …transferables]`, the transferables being the `File`s of an upload or the
//! `ReadableStream` of a download. Nothing here carries a key or ciphertext.
//!
//! The engine answers every [`Command`] once, with a [`Reply`] or a [`Fault`], and says
//! [`Event`]s of its own accord. Faults are codes with fields; people's words for them are
//! in the client.

use serde::{Deserialize, Serialize};

use crate::id::{NodeId, VaultId};
use crate::limits;
use crate::proto::Code;

/// Names one open folder view, so that several may be open.
pub type ViewId = u32;
/// Names one transfer of the tray.
pub type TransferId = u64;
/// Names an action that can be undone.
pub type ActionId = u64;

/// A message from the page to the engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToEngine {
    /// Repeated in the reply.
    pub id: u32,
    /// What is asked.
    pub command: Command,
}

/// A message from the engine to the page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FromEngine {
    /// The answer to a command.
    Reply {
        /// The command's id.
        id: u32,
        /// What came of it.
        result: Result<Reply, Fault>,
    },
    /// Something happened.
    Event(Event),
}

/// What a page can ask of the engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Command {
    // ------------------------------------------------------------ account
    /// Opens what is stored on this device; never waits for the network. → `Session`
    Start,
    /// Creates an account and its first vault, "My files". → `Kit`
    SignUp {
        /// The token of the sign-up link.
        invite: String,
        /// The name to sign in with.
        username: String,
        /// The password; it never leaves the engine.
        password: String,
    },
    /// Records that the recovery kit was read back. → `Done`
    ConfirmKit {
        /// The code as the person typed it; a wrong one is `Fault::CodeMismatch`.
        code: String,
    },
    /// Signs in. → `Session`
    SignIn {
        /// The name to sign in with.
        username: String,
        /// The password; it never leaves the engine.
        password: String,
        /// Someone else's computer: nothing is written to its disk.
        borrowed: bool,
    },
    /// Signs in with the recovery code and sets a new password. → `Session`
    Recover {
        /// The name to sign in with.
        username: String,
        /// The code of the recovery kit, in any spacing and case.
        code: String,
        /// The new password.
        new_password: String,
    },
    /// Signs out and forgets everything on this device. → `Done`
    ///
    /// Refused with `Fault::Unsynced` while the outbox holds work, unless `anyway`.
    SignOut {
        /// Lose what is not on the server.
        anyway: bool,
    },

    // ------------------------------------------------------------ lists
    /// Opens a view of a folder (or of `NodeId::TRASH`). → `Folder`
    OpenFolder {
        /// The folder.
        node: NodeId,
        /// The order of rows.
        sort: Sort,
        /// How many rows to send at once.
        rows: u32,
    },
    /// Reads rows of a view. → `Rows`
    Window {
        /// The view.
        view: ViewId,
        /// First row.
        start: u32,
        /// One past the last row; at most `WINDOW_ROWS_MAX` after `start`.
        end: u32,
    },
    /// Finds the first row of a view whose name starts with the letters typed. → `Found`
    TypeAhead {
        /// The view.
        view: ViewId,
        /// The letters.
        prefix: String,
    },
    /// Closes a view. → `Done`
    CloseView {
        /// The view.
        view: ViewId,
    },
    /// Tells what a node is and the path to it; for deep links and the page title. → `Node`
    Describe {
        /// The node.
        node: NodeId,
    },
    /// Finds nodes of the vault by words in their names. → `Hits`
    Search {
        /// The words.
        query: String,
    },

    // ------------------------------------------------------------ changes
    /// Makes a folder. → `Created`
    CreateFolder {
        /// The folder it goes to.
        parent: NodeId,
        /// Its name.
        name: String,
    },
    /// Makes an empty text file. → `Created`
    CreateText {
        /// The folder it goes to.
        parent: NodeId,
        /// Its name.
        name: String,
    },
    /// Renames a node. → `Changed`
    Rename {
        /// The node.
        node: NodeId,
        /// Its new name.
        name: String,
    },
    /// Moves nodes to a folder. → `Changed`
    Move {
        /// The nodes.
        nodes: Vec<NodeId>,
        /// The folder.
        to: NodeId,
    },
    /// Copies nodes, with all below them, to a folder. → `Changed`
    Copy {
        /// The nodes.
        nodes: Vec<NodeId>,
        /// The folder.
        to: NodeId,
    },
    /// Moves nodes to the trash. → `Changed`
    Trash {
        /// The nodes.
        nodes: Vec<NodeId>,
    },
    /// Takes nodes out of the trash, to where they were. → `Changed`
    Restore {
        /// The nodes.
        nodes: Vec<NodeId>,
    },
    /// Takes an action back. → `Changed`
    Undo {
        /// The action.
        action: ActionId,
    },

    // ------------------------------------------------------------ text
    /// Opens a text file for editing. → `Text`
    OpenText {
        /// The file.
        node: NodeId,
    },
    /// Hands over edits, based on `version`. → `TextAccepted`
    ///
    /// Where the engine knows more than `version`, it accepts nothing and says
    /// `accepted: 0`; the page receives the missing edits as `Event::TextUpdates`, rebases
    /// and tries again, as CodeMirror's collaboration protocol has it.
    PushText {
        /// The file.
        node: NodeId,
        /// How many updates the page has seen of this opening.
        version: u32,
        /// The edits, oldest first.
        updates: Vec<TextUpdate>,
    },
    /// Saves what was typed at once (on blur, before a close). → `Done`
    FlushText {
        /// The file.
        node: NodeId,
    },
    /// Saves and closes a text file. → `Done`
    CloseText {
        /// The file.
        node: NodeId,
    },

    // ------------------------------------------------------------ transfers
    /// Uploads files; the message carries one JavaScript `File` for each item.
    /// → `Uploading`, or `Clashes` when `clash` is `Ask` and names exist
    Upload {
        /// The folder they go to.
        parent: NodeId,
        /// The files, in the order of the `File`s.
        items: Vec<UploadItem>,
        /// What to do with names that exist.
        clash: Clash,
    },
    /// Steers a transfer. → `Done`
    Transfer {
        /// The transfer.
        transfer: TransferId,
        /// What to do.
        control: TransferControl,
    },
    /// Forgets the transfers that ended. → `Done`
    ClearTransfers,
    /// Opens a download; the reply carries a `ReadableStream`. One file comes as it is,
    /// anything else as a ZIP. → `Download`
    Download {
        /// What to download.
        nodes: Vec<NodeId>,
    },
    /// Keeps nodes on this device, or lets go of them. → `Done`
    Keep {
        /// The nodes.
        nodes: Vec<NodeId>,
        /// Keep, or let go.
        keep: bool,
    },

    // ------------------------------------------------------------ the two versions
    /// Lists the versions of a file that has more than one. → `Versions`
    Versions {
        /// The file.
        node: NodeId,
    },
    /// Settles a file that has more than one version. → `Changed`
    Settle {
        /// The file.
        node: NodeId,
        /// How.
        choice: Choice,
    },

    // ------------------------------------------------------------ state
    /// Tells what waits to be saved on the server. → `Queue`
    Queue,
    /// Tells the use of space on this device and the server. → `Storage`
    Storage,
    /// Synchronises now (the page came to the front, the network returned). → `Done`
    Nudge,
}

/// What the engine answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// Done; nothing to say.
    Done,
    /// Who is signed in on this device.
    Session(Session),
    /// The account exists; this is its recovery kit, shown once.
    Kit {
        /// 128 random bits as groups of letters and digits.
        code: String,
        /// The session that has begun.
        session: Session,
    },
    /// A view of a folder.
    Folder(FolderView),
    /// Rows of a view.
    Rows {
        /// The view's state these rows belong to.
        revision: u32,
        /// Index of the first row.
        start: u32,
        /// The rows.
        rows: Vec<Row>,
    },
    /// The index of a row, if one was found.
    Found(Option<u32>),
    /// A node and the path to it.
    Node {
        /// The node.
        row: Row,
        /// From the root to its parent.
        path: Vec<Crumb>,
    },
    /// What a search found, best first; at most `WINDOW_ROWS_MAX`.
    Hits(Vec<Hit>),
    /// A node was made.
    Created {
        /// The node.
        node: NodeId,
        /// Undoes it.
        action: ActionId,
    },
    /// Nodes were changed.
    Changed {
        /// Undoes it.
        action: ActionId,
        /// How many nodes.
        count: u32,
    },
    /// A text file, open.
    Text(OpenedText),
    /// How many of the pushed updates were taken: all, or none.
    TextAccepted {
        /// Taken updates.
        accepted: u32,
    },
    /// The uploads have begun.
    Uploading(Vec<TransferId>),
    /// These names exist; nothing has begun.
    Clashes(Vec<String>),
    /// A download, with its stream beside this message.
    Download {
        /// The file's name.
        name: String,
        /// Its size, where known before.
        size: Option<u64>,
    },
    /// The versions of a file.
    Versions(Vec<Version>),
    /// What waits to be saved on the server, oldest first.
    Queue(Vec<Pending>),
    /// The use of space, in bytes.
    Storage {
        /// Used on this device.
        device_used: u64,
        /// What the browser allows.
        device_quota: u64,
        /// Used on the server, if it was asked lately.
        server_used: Option<u64>,
        /// What the server allows.
        server_quota: Option<u64>,
        /// The browser promised not to evict.
        persisted: bool,
    },
}

/// What the engine says of its own accord.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The session began or ended elsewhere (another tab, the server).
    Session(Session),
    /// What is saved where.
    Status(Status),
    /// A view has other rows now; the page reads its window again.
    ViewChanged {
        /// The view.
        view: ViewId,
        /// Its state; grows.
        revision: u32,
        /// How many rows it has.
        total: u32,
        /// The path, which may have changed too.
        path: Vec<Crumb>,
    },
    /// Edits of an open text from elsewhere.
    TextUpdates {
        /// The file.
        node: NodeId,
        /// The version before the first of them.
        version: u32,
        /// The edits, oldest first.
        updates: Vec<TextUpdate>,
        /// The devices they came from.
        from: Vec<String>,
    },
    /// All edits handed over up to `version` are saved on this device.
    TextSaved {
        /// The file.
        node: NodeId,
        /// The version.
        version: u32,
    },
    /// The tray's state: the transfers that changed.
    Transfers(Vec<Transfer>),
    /// Something a person must know, such as an integrity alarm.
    Alarm(Alarm),
}

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Session {
    /// Nobody.
    SignedOut,
    /// A person.
    SignedIn {
        /// The name to sign in with.
        username: String,
        /// The first vault.
        vault: VaultId,
        /// This device's name.
        device_name: String,
        /// The recovery kit was read back.
        kit_confirmed: bool,
        /// The server wants a new sign-in before it takes more; local work goes on.
        sign_in_again: bool,
    },
}

/// A folder, opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderView {
    /// Names this view.
    pub view: ViewId,
    /// The folder.
    pub node: NodeId,
    /// From the root to the folder itself.
    pub path: Vec<Crumb>,
    /// The view's state; grows with every change.
    pub revision: u32,
    /// How many rows it has.
    pub total: u32,
    /// The first rows.
    pub rows: Vec<Row>,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crumb {
    /// The folder.
    pub node: NodeId,
    /// Its name; empty for the root, which the client names.
    pub name: String,
}

/// One row of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The node.
    pub node: NodeId,
    /// The name as shown.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Bytes, for files.
    pub size: Option<u64>,
    /// Last change, milliseconds since 1970.
    pub modified_ms: i64,
    /// Where its latest state is.
    pub saved: Saved,
    /// Its content is on this device.
    pub local: bool,
    /// The person asked to keep it on this device.
    pub kept: bool,
    /// It has two versions (or more).
    pub two_versions: bool,
}

/// A row found by a search, with the path to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// The row.
    pub row: Row,
    /// From the root to its parent.
    pub path: Vec<Crumb>,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A file that the editor opens and that merges.
    Text,
    /// Any other file.
    File,
}

/// Where a node's latest state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Saved {
    /// On this device only.
    Here,
    /// On its way.
    Syncing,
    /// On the server.
    Server,
}

/// The order of a list; folders come first in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    /// The column.
    pub by: SortBy,
    /// Greatest first.
    pub descending: bool,
}

/// A column to sort by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SortBy {
    /// By name, numbers by value.
    Name,
    /// By size.
    Size,
    /// By the time of the last change.
    Modified,
}

/// A text file, open for editing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedText {
    /// The file.
    pub node: NodeId,
    /// Its name.
    pub name: String,
    /// From the root to its parent.
    pub path: Vec<Crumb>,
    /// The text.
    pub text: String,
    /// The version that `text` is, for `PushText`.
    pub version: u32,
    /// Why it cannot be edited, if so.
    pub read_only: Option<ReadOnly>,
}

/// Why a text cannot be edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadOnly {
    /// It is larger than `TEXT_BYTES_MAX`.
    TooLarge,
    /// It is in the trash.
    Trashed,
}

/// One edit in CodeMirror's collaboration protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextUpdate {
    /// Who made it: the page's own id, or the engine's for edits from elsewhere.
    pub client: String,
    /// `ChangeSet.toJSON()`, as JSON text; positions are UTF-16.
    pub changes: String,
}

/// A file to upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadItem {
    /// Folders below the target, then the file's name.
    pub path: Vec<String>,
    /// Bytes.
    pub size: u64,
    /// Last change, milliseconds since 1970.
    pub modified_ms: i64,
}

/// What to do with names that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Clash {
    /// Answer `Clashes` and begin nothing.
    Ask,
    /// Keep both: the new one gets another name.
    KeepBoth,
    /// The upload becomes a new revision of the file that has the name.
    Replace,
    /// Leave those files out.
    Skip,
}

/// What to do with a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransferControl {
    /// Stop, keep what is done.
    Pause,
    /// Go on.
    Resume,
    /// Try again after a failure.
    Retry,
    /// Stop and forget.
    Cancel,
}

/// One line of the tray.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// The transfer.
    pub id: TransferId,
    /// The file's name.
    pub name: String,
    /// The direction.
    pub upload: bool,
    /// Bytes in all.
    pub size: u64,
    /// Bytes done.
    pub done: u64,
    /// Where it stands.
    pub state: TransferState,
}

/// Where a transfer stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransferState {
    /// Waits for its turn.
    Waiting,
    /// Is being read and sealed.
    Reading,
    /// Is saved on this device and waits for the network.
    Here,
    /// Is being sent or received.
    Moving,
    /// Was paused by the person.
    Paused,
    /// Is on the server (or was downloaded).
    Done,
    /// Failed; `Retry` may help.
    Failed(Fault),
    /// Was cancelled.
    Cancelled,
}

/// One content of a file that has more than one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Names it in `Choice::Keep`.
    pub index: u32,
    /// The device that wrote it.
    pub device_name: String,
    /// When, milliseconds since 1970.
    pub modified_ms: i64,
    /// Bytes.
    pub size: u64,
    /// The start of it, where it is text.
    pub excerpt: Option<String>,
    /// It is the one that the list shows.
    pub shown: bool,
}

/// How to settle two versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Choice {
    /// The versions become files of their own.
    KeepBoth,
    /// Only this one stays.
    Keep(u32),
}

/// Something that waits to be saved on the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The node's name.
    pub name: String,
    /// The node.
    pub node: NodeId,
    /// Bytes of content still to send.
    pub bytes: u64,
}

/// What is saved where, in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The state.
    pub state: SyncState,
    /// How many changes wait to be saved on the server.
    pub pending: u32,
}

/// The state of synchronisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SyncState {
    /// Edits are in memory and about to be saved on this device.
    Saving,
    /// All is saved on this device, something waits, and nothing is moving.
    SavedHere,
    /// Something is moving.
    Syncing,
    /// Everything is on the server, as far as this device knows.
    OnServer,
    /// The server cannot be reached; local work goes on.
    Offline,
}

/// Something a person must know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Alarm {
    /// The server's history contradicts what this device saw; nothing more is taken from it.
    HistoryChanged {
        /// The place in the log.
        seq: u64,
    },
    /// An entry was refused and set aside.
    EntryRefused {
        /// The place in the log.
        seq: u64,
    },
    /// The browser's storage fails; what is not synced may be exported.
    StorageFailing,
    /// The server takes no more from this device, and says why; it is all kept here.
    ServerRefuses(Code),
    /// Another copy of this browser profile writes as the same device; nothing more is sent.
    DeviceCopied,
}

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Fault {
    /// The server refused.
    Server(Code),
    /// The server cannot be reached, and this needs it.
    Offline,
    /// Nobody is signed in.
    SignedOut,
    /// The recovery code was typed wrong.
    CodeMismatch,
    /// The password is too short, or too long.
    PasswordUnfit,
    /// A name is empty, too long or holds what no system allows.
    NameUnfit {
        /// The name.
        name: String,
        /// Why.
        reason: NameReason,
    },
    /// The node is gone.
    NodeUnknown,
    /// A folder cannot go into itself or below itself.
    MoveIntoItself,
    /// This folder cannot be changed.
    Builtin,
    /// The content is not on this device and the server cannot be reached.
    NotHere {
        /// The file's name.
        name: String,
    },
    /// A file changed or vanished while it was read.
    FileVanished {
        /// The file's name.
        name: String,
    },
    /// The browser's storage is full.
    StorageFull,
    /// The browser's storage failed.
    Storage,
    /// A secret does not open what it should: wrong account, or tampering.
    CannotOpen,
    /// Chunk or entry is not what its id says.
    Corrupt {
        /// The file's name, if known.
        name: String,
    },
    /// Work would be lost.
    Unsynced {
        /// How many changes.
        pending: u32,
    },
    /// More at once than `limits` allow.
    TooMany,
    /// The view, text or transfer is not open.
    NotOpen,
    /// The browser lacks something, such as a secure context.
    Unsupported,
    /// A fault of the engine; the console has the cause.
    Internal,
}

/// What is wrong with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NameReason {
    /// It is empty.
    Empty,
    /// It is `.` or `..`.
    Dots,
    /// It has more than `NAME_BYTES_MAX` bytes.
    TooLong,
    /// It holds `/` or a control character.
    Character,
}

/// Reports a message that cannot be understood, such as one of another build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message between page and engine cannot be understood")]
pub struct RpcError;

/// Encodes a message.
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    postcard::to_allocvec(message).expect("plain data always serialises")
}

/// Decodes a message of at most `RPC_BYTES_MAX` bytes.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, RpcError> {
    if bytes.len() > limits::RPC_BYTES_MAX {
        return Err(RpcError);
    }
    postcard::from_bytes(bytes).map_err(|_| RpcError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_survives_the_message() {
        let message = ToEngine {
            id: 7,
            command: Command::Rename { node: NodeId([9; 16]), name: "ünïcode.md".into() },
        };
        assert_eq!(decode::<ToEngine>(&encode(&message)), Ok(message));
    }

    #[test]
    fn noise_is_refused() {
        assert_eq!(decode::<ToEngine>(&[0xff; 12]), Err(RpcError));
    }
}
