//! What a page can ask of the engine.
//!
//! One [`Command`] per question, with the reply it gets after the arrow. Lists, names and
//! ranges in it come from the page and are checked by the engine before use.

use serde::{Deserialize, Serialize};

use super::{
    Choice, Clash, RevisionId, Sort, TextUpdate, TransferControl, TransferId, UploadItem, ViewId,
    Wanted,
};
use crate::id::{DeviceId, NodeId};

/// Names an action that can be undone.
pub type ActionId = u64;

/// What a page can ask of the engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Command {
    // ------------------------------------------------------------ account
    /// Opens what is stored on this device, and at once the node that the page's address
    /// names; never waits for the network. → `Started`
    Start {
        /// What to show first.
        wanted: Option<Wanted>,
    },
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
    /// Makes a new recovery kit; the one before opens nothing any more. → `Kit`
    NewKit {
        /// The password; it never leaves the engine.
        password: String,
    },
    /// Sets a new password; every other session of the account ends. → `Done`
    ChangePassword {
        /// The password so far.
        password: String,
        /// The new one.
        new_password: String,
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
    /// Finds the file before or after one, as a list of their folder has them; what the editor
    /// opens is passed over. → `Linked`
    Neighbour {
        /// The file.
        node: NodeId,
        /// The order of the list.
        sort: Sort,
        /// After it, or before it.
        forward: bool,
    },
    /// Closes a view. → `Done`
    CloseView {
        /// The view.
        view: ViewId,
    },
    /// Opens whatever an address names: tells what the node is and the path to it, and
    /// opens a view where it is a folder. → `Node`
    OpenNode(Wanted),
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
    /// Makes the folders of these paths, where they do not exist yet. → `Done`
    MakeFolders {
        /// The folder they go to.
        parent: NodeId,
        /// The paths below it.
        paths: Vec<Vec<String>>,
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
    /// Deletes nodes of the trash for good, with all below them. → `Done`
    ///
    /// Refused with `Fault::ForGood`, which tells how much that is, unless `sure`. No nodes are
    /// all of the trash; that has to be told before.
    Purge {
        /// The nodes.
        nodes: Vec<NodeId>,
        /// The person was told.
        sure: bool,
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
    /// Saves what was typed into every text: the page is about to load anew. → `Done`
    FlushAll,
    /// Saves and closes a text file. → `Done`
    CloseText {
        /// The file.
        node: NodeId,
    },

    /// Finds what a link goes to. → `Linked`
    FollowLink {
        /// The text that has it, or the folder from which it goes.
        from: NodeId,
        /// The names to go through, from the folder that the text is in; `..` is the folder
        /// above, an empty name the root.
        path: Vec<String>,
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
    ///
    /// Refused with `Fault::Incomplete` while a ZIP would lack files, unless `anyway`.
    Download {
        /// What to download.
        nodes: Vec<NodeId>,
        /// Leave out what cannot be had now.
        anyway: bool,
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
    /// Settles two versions of a file; others that it has stay. → `Changed`
    Settle {
        /// The file.
        node: NodeId,
        /// The one that is the file's content from now on.
        keep: RevisionId,
        /// The other one.
        other: RevisionId,
        /// What becomes of that.
        choice: Choice,
    },

    // ------------------------------------------------------------ history
    /// Lists what a file is and was. → `Revisions`
    Revisions {
        /// The file.
        node: NodeId,
    },
    /// Opens a state of a file; the reply carries a `ReadableStream`. → `Download`
    OpenRevision {
        /// The file.
        node: NodeId,
        /// The state.
        revision: RevisionId,
    },
    /// Opens a download of the files that are not on the server as they are here; the reply
    /// carries a `ReadableStream`. → `Download`
    DownloadUnsynced,
    /// Makes a file what it was, by a new edit. → `Changed`
    Revert {
        /// The file.
        node: NodeId,
        /// What it was.
        revision: RevisionId,
    },

    /// Lists when something below a folder was changed. → `Moments`
    Moments {
        /// The folder.
        folder: NodeId,
    },
    /// Tells what would make a folder what it was at a moment. → `Rewinding`
    PlanRewind {
        /// The folder.
        folder: NodeId,
        /// The moment, in milliseconds since 1970.
        at_ms: i64,
    },
    /// Makes a folder what it was at a moment, by new changes. → `Changed`
    Rewind {
        /// The folder.
        folder: NodeId,
        /// The moment, in milliseconds since 1970.
        at_ms: i64,
    },

    // ------------------------------------------------------------ state
    /// Tells what waits to be saved on the server. → `Queue`
    Queue,
    /// Tells which entries of the log were set aside. → `SetAside`
    SetAside,
    /// Lists the account's devices. → `Devices`
    Devices,
    /// Takes another device off the account: what it writes from then on counts for nothing,
    /// and its sessions end. Needs the server. → `Done`
    TakeOff {
        /// The device.
        device: DeviceId,
    },
    /// Tells the use of space on this device and the server. → `Storage`
    Storage,
    /// Asks what a server that was restored from a backup lacks of what this device has seen.
    /// → `Lacking`
    Lacking,
    /// Gives it back. → `Lacking`
    GiveBack,
    /// Goes on with what the restored server has now, on every device. → `Done`
    GoOn,
    /// Synchronises now (the page came to the front, the network returned). → `Done`
    Nudge,
    /// Opens a file's content to be read in ranges; the reply carries a `MessagePort`:
    /// `[id, start, end]` is answered by `[id, bytes]`, or by `[id]` where that cannot be
    /// read now, and anything else ends it. → `Download`
    OpenContent {
        /// The file.
        node: NodeId,
    },
    /// Opens the engine to the searcher; the reply carries a `MessagePort`, at which is asked
    /// what [`index`](super::index) names. → `Done`
    OpenIndex,
}
