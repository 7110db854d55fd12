//! The parts of the page. Components read signals and call actions; they decide nothing.

pub(crate) mod crumbs;
pub(crate) mod devices;
pub(crate) mod drop_zone;
pub(crate) mod folder_tree;
pub(crate) mod frame;
pub(crate) mod grid;
pub(crate) mod help;
pub(crate) mod history;
pub(crate) mod icon;
pub(crate) mod kit;
pub(crate) mod listing;
pub(crate) mod menu;
pub(crate) mod merge_strip;
pub(crate) mod modal;
pub(crate) mod naming;
pub(crate) mod questions;
pub(crate) mod restored;
pub(crate) mod revision;
pub(crate) mod rewind;
pub(crate) mod search;
pub(crate) mod sorting;
pub(crate) mod status;
pub(crate) mod toasts;
pub(crate) mod tray;
pub(crate) mod versions;
pub(crate) mod viewer;
