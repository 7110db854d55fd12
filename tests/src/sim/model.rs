//! What people were promised, kept outside of the system.
//!
//! A promise begins when the app says that something is saved on the device: a command was
//! answered, a text was told saved, a transfer is shown as here. It is made stronger when the
//! device's status says *On server*. At the end every promise is looked for.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use offing_core::id::NodeId;
use offing_core::label::Label;
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};

/// Something that must not be lost.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    /// A node is somewhere.
    Node(NodeId),
    /// A word is in some text.
    Word(String),
    /// A file has exactly this content.
    File(Token),
    /// A node has this label.
    Label(NodeId, Label),
}

/// The content of an uploaded file, by what it was made from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token {
    /// What it begins with; no two are the same.
    pub head: String,
    /// How many bytes follow.
    pub noise_bytes: usize,
}

impl Token {
    /// The bytes. Text if nothing follows the head.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head.clone().into_bytes();
        let head_bytes = bytes.len();
        bytes.resize(head_bytes + self.noise_bytes, 0);
        let seed = self
            .head
            .bytes()
            .fold(7, |seed: u64, byte| seed.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte));
        StdRng::seed_from_u64(seed).fill_bytes(&mut bytes[head_bytes..]);
        bytes
    }
}

/// What somebody was promised.
#[derive(Debug, Clone)]
pub struct Promise {
    /// By which seat.
    pub seat: usize,
    /// What.
    pub thing: Thing,
    /// When it was said to be saved on the device.
    pub here_ms: u64,
    /// When it was said to be on the server.
    pub on_server_ms: Option<u64>,
}

/// All promises.
#[derive(Default)]
pub struct Model {
    /// Each, in the order in which they were made.
    pub promises: RefCell<Vec<Promise>>,
    /// What people took away themselves, or replaced.
    pub given_up: RefCell<BTreeSet<Thing>>,
    /// What was gone before the eyes of somebody who deleted something for good.
    pub purged: RefCell<BTreeSet<NodeId>>,
    /// Words that were typed and not yet saved when a profile was copied: each copy saves
    /// its own.
    pub typed_twice: RefCell<BTreeSet<String>>,
    /// What must not be, and was seen.
    pub violations: RefCell<Vec<String>>,
    /// How often the status said *On server*.
    pub claims: Cell<u64>,
}

impl Model {
    /// A seat says that something is saved on the device.
    pub fn is_here(&self, seat: usize, thing: Thing, here_ms: u64) {
        let mut promises = self.promises.borrow_mut();
        if !promises.iter().any(|promise| promise.seat == seat && promise.thing == thing) {
            promises.push(Promise { seat, thing, here_ms, on_server_ms: None });
        }
    }

    /// A seat says that everything is on the server.
    pub fn all_on_server(&self, seat: usize, now_ms: u64) {
        self.claims.set(self.claims.get() + 1);
        for promise in &mut *self.promises.borrow_mut() {
            if promise.seat == seat && promise.on_server_ms.is_none() {
                promise.on_server_ms = Some(now_ms);
            }
        }
    }

    /// A profile is copied, with all that was promised there and all that was only typed.
    pub fn copies(&self, seat: usize, copy: usize, typed: Vec<String>) {
        self.typed_twice.borrow_mut().extend(typed);
        let mut promises = self.promises.borrow_mut();
        let of_seat = promises.iter().filter(|promise| promise.seat == seat);
        let copied: Vec<Promise> =
            of_seat.map(|promise| Promise { seat: copy, ..promise.clone() }).collect();
        promises.extend(copied);
    }

    /// Somebody takes something away, or replaces it, and means it.
    pub fn gives_up(&self, thing: Thing) {
        self.given_up.borrow_mut().insert(thing);
    }

    /// Somebody deletes nodes for good, and means it.
    pub fn purges(&self, nodes: impl IntoIterator<Item = NodeId>) {
        self.purged.borrow_mut().extend(nodes);
    }

    /// Something that must not be was seen.
    pub fn violates(&self, what: impl Into<String>) {
        self.violations.borrow_mut().push(what.into());
    }
}
