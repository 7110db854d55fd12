//! Every bound that more than one part relies on, in one place.
//!
//! Writers check before they write and readers check again after they read, so a limit
//! holds whoever is at the other end. Raising one is compatible; lowering one is a format
//! change.

/// Bytes of plaintext in one sealed frame of a chunk.
pub const FRAME_PLAIN_BYTES: usize = 64 * 1024;
/// Most bytes of plaintext in one chunk of an ordinary file.
pub const CHUNK_PLAIN_BYTES: usize = 1024 * 1024;
/// Most bytes of plaintext in one chunk of a large file.
pub const CHUNK_PLAIN_BYTES_LARGE: usize = 4 * 1024 * 1024;
/// Files of this size and more use the large chunk size.
pub const LARGE_FILE_BYTES: u64 = 256 * 1024 * 1024;
/// Most bytes of one sealed chunk: the large plaintext plus a tag per frame.
pub const CHUNK_SEALED_BYTES_MAX: usize =
    CHUNK_PLAIN_BYTES_LARGE + (CHUNK_PLAIN_BYTES_LARGE / FRAME_PLAIN_BYTES + 1) * 16 + 64;
/// Files up to this size share chunks with others of the same upload.
pub const PACKED_FILE_BYTES_MAX: u64 = 256 * 1024;
/// Most bytes of a decoded manifest.
pub const MANIFEST_BYTES_MAX: usize = 3 * 1024 * 1024;
/// Manifests up to this size stand inline in the tree.
pub const MANIFEST_INLINE_BYTES_MAX: usize = 2 * 1024;
/// Most extents (and block signatures) in one manifest.
pub const EXTENTS_MAX: usize = 32 * 1024;
/// Files of this size and more get block signatures; what is smaller is as quickly sent.
pub const SIGNED_FILE_BYTES_MIN: u64 = 16 * 1024 * 1024;
/// Least bytes of a block that is signed.
pub const BLOCK_BYTES_MIN: u32 = 16 * 1024;
/// Most blocks that are signed; longer blocks make them fewer.
pub const BLOCKS_MAX: usize = 16 * 1024;
/// Most bytes of a thumb, the small picture of a content.
pub const THUMB_BYTES_MAX: usize = 16 * 1024;
/// Most bytes of a media type.
pub const MIME_BYTES_MAX: usize = 255;
/// Smallest padded plaintext.
pub const PADDED_BYTES_MIN: usize = 256;

/// Most bytes of one log entry on the wire.
pub const ENTRY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most entries in one append.
pub const APPEND_ENTRIES_MAX: usize = 64;
/// Most bytes of one append.
pub const APPEND_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most bytes of one append that gives back: the place and the chain come before it.
pub const GIVE_BACK_BYTES_MAX: usize = APPEND_BYTES_MAX + 40;
/// Most bytes of entries in one page of the log (one entry always fits).
pub const LOG_PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most entries in one page of the log.
pub const LOG_PAGE_ENTRIES_MAX: usize = 1024;
/// Most entries at the end of the log that a device keeps as they came.
pub const TAIL_ENTRIES_MAX: u64 = 4_096;
/// Most bytes of them.
pub const TAIL_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Newest snapshots of a vault whose pieces nobody may call dead: the one before the newest serves
/// where the newest does not hold.
pub const SNAPSHOTS_KEPT: u8 = 2;
/// Shared search indexes whose pieces nobody can call dead.
pub const INDEXES_KEPT: u8 = 2;
/// Most blobs of a shared search index.
pub const INDEX_BLOBS_MAX: usize = 256;
/// Most pieces of a blob of a shared search index.
pub const INDEX_BLOB_PIECES_MAX: usize = 8;
/// Most bytes that a shared search index says of its blobs.
pub const INDEX_ABOUT_BYTES_MAX: usize = 64 * 1024;
/// Most chunks one entry may declare.
pub const ENTRY_CHUNKS_MAX: usize = 16 * 1024;
/// Most streams one entry may touch.
pub const ENTRY_STREAMS_MAX: usize = 4 * 1024;
/// Most bytes an opened (decompressed) entry body may have.
pub const BODY_PLAIN_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most ops in one change of the tree.
pub const CHANGE_OPS_MAX: usize = 20_000;

/// Most ids in one `have` question.
pub const HAVE_IDS_MAX: usize = 1_000;
/// Most chunks in one framed batch.
pub const CHUNK_BATCH_MAX: usize = 64;
/// Most bytes of one framed batch of chunks.
pub const CHUNK_BATCH_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Most members of a vault.
pub const MEMBERS_MAX: usize = 1_024;
/// Most devices that a vault's log may certify, the revoked ones included.
pub const DEVICES_MAX: usize = 4_096;
/// Most bytes of a device's name, as UTF-8.
pub const DEVICE_NAME_BYTES_MAX: usize = 128;

/// Most bytes of a name, as UTF-8.
pub const NAME_BYTES_MAX: usize = 255;
/// Most bytes of a label, as UTF-8.
pub const LABEL_BYTES_MAX: usize = 128;
/// Most labels that a device gives a node; merged, they may be more.
pub const LABELS_MAX: usize = 64;
/// Deepest folder nesting that resolution follows.
pub const TREE_DEPTH_MAX: usize = 256;
/// How long the trash keeps what is in it, at least, in milliseconds.
pub const TRASH_MS: i64 = 30 * 24 * 3_600 * 1_000;
/// Text files up to this size are edited as merged text; larger ones are whole revisions.
pub const TEXT_BYTES_MAX: usize = 1024 * 1024;

/// Shortest and longest username, in characters.
pub const USERNAME_CHARS_MIN: usize = 2;
/// Longest username, in characters.
pub const USERNAME_CHARS_MAX: usize = 64;
/// Shortest password, in characters.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// Longest password, in bytes.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// Most bytes of one JSON request body.
pub const JSON_BODY_BYTES_MAX: usize = 64 * 1024;
/// Most bytes of one message between page and engine.
pub const RPC_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most rows in one window of a list.
pub const WINDOW_ROWS_MAX: usize = 512;
/// Most paths that a fault names.
pub const FAULT_PATHS_MAX: usize = 64;
/// Most files and folders in one ZIP.
pub const ZIP_MEMBERS_MAX: usize = 1_000_000;
/// Most files one upload may name.
pub const UPLOAD_FILES_MAX: usize = 50_000;
/// Most files of an upload that become nodes in one entry.
pub const UPLOAD_GROUP_FILES_MAX: usize = 2_048;
/// Most bytes of files that become nodes in one entry.
pub const UPLOAD_GROUP_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// First delay of a retry, in milliseconds; doubles, with full jitter.
pub const RETRY_DELAY_MS_MIN: u64 = 1_000;
/// Longest delay of a retry, in milliseconds.
pub const RETRY_DELAY_MS_MAX: u64 = 5 * 60 * 1_000;

/// Milliseconds without typing after which a batch of edits is saved.
pub const EDIT_IDLE_MS: u64 = 1_000;
/// Milliseconds of unbroken typing after which a batch of edits is saved.
pub const EDIT_BATCH_MS: u64 = 5_000;

/// Most others in one text that are told apart.
pub const PRESENCE_OTHERS_MAX: usize = 16;
/// Bytes of every presence before it is sealed, and after: they are all of one length.
pub const PRESENCE_PLAIN_BYTES: usize = 412;
/// Bytes of every sealed presence.
pub const PRESENCE_SEALED_BYTES: usize = 504;
/// Milliseconds between two presences of one tab, at least.
pub const PRESENCE_PACE_MS: i64 = 250;
/// Milliseconds after which somebody in company gives a sign of life.
pub const PRESENCE_ALIVE_MS: i64 = 4_000;
/// Milliseconds after which whoever gave none is taken for gone: two may be lost.
pub const PRESENCE_FADE_MS: i64 = 13_000;

/// Seconds an access token lives.
pub const ACCESS_TOKEN_SECONDS: u64 = 10 * 60;
/// Seconds a session cookie lives without use.
pub const SESSION_SECONDS: u64 = 30 * 24 * 3600;
