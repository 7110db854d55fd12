//! The services over their stores, without HTTP: what is kept, refused, repaired, reclaimed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "store/admin.rs"]
mod admin;
#[path = "store/append.rs"]
mod append;
#[path = "store/backup.rs"]
mod backup;
#[path = "store/bury.rs"]
mod bury;
#[path = "store/chunks.rs"]
mod chunks;
#[path = "store/collect.rs"]
mod collect;
#[path = "store/fsck.rs"]
mod fsck;
#[path = "store/prune.rs"]
mod prune;
#[path = "store/reclaim.rs"]
mod reclaim;
#[path = "store/recovery.rs"]
mod recovery;
#[path = "store/uploads.rs"]
mod uploads;
#[path = "store/world.rs"]
mod world;
