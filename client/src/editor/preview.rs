//! A rendered Markdown document, kept up to date without ever blocking the page.
//!
//! Elements are made one by one from [`markdown::Piece`]s, never from a string. Work is
//! cut into slices of a few milliseconds, blocks that did not change are left alone, and
//! a newer text ends the rendering of an older one.

use std::cell::{Cell, RefCell};

use leptos::prelude::document;
use wasm_bindgen::JsCast;
use wasm_bindgen::JsValue;
use web_sys::{Element, Node};

use crate::platform::timer;
use crate::state::markdown::{self, Builder, Piece};

/// How long a slice of work lasts.
const SLICE_MS: f64 = 8.0;
/// Work between two looks at the clock.
const STEPS: u32 = 64;

/// A rendered document.
#[derive(Default)]
pub(crate) struct Preview {
    shown: RefCell<Vec<u64>>,
    turn: Cell<u32>,
}

impl Preview {
    /// Renders a text into its region.
    pub(crate) async fn render(&self, region: &Element, text: String) {
        let turn = self.turn.get().wrapping_add(1);
        self.turn.set(turn);
        let mut slice = Slice::begin();
        let mut builder = Builder::default();
        let mut blocks = Vec::new();
        for event in markdown::parser(&text) {
            blocks.extend(builder.push(event));
            slice.rest().await;
            if self.turn.get() != turn {
                return;
            }
        }
        let (head, tail) = markdown::unchanged(&self.shown.borrow(), &blocks);
        let mut made = Vec::new();
        for block in &blocks[head..blocks.len() - tail] {
            match build(&block.piece, &mut slice).await {
                Ok(node) => made.push(node),
                Err(error) => leptos::logging::error!("{error:?}"),
            }
            if self.turn.get() != turn {
                return;
            }
        }
        // Every block is one node; one that could not be made is an empty text.
        let wanted = blocks.len() - tail - head;
        while made.len() < wanted {
            made.push(document().create_text_node("").into());
        }
        let old = self.shown.borrow().len();
        replace(region, head, old - tail, &made);
        self.shown.replace(blocks.iter().map(|block| block.fingerprint).collect());
    }
}

/// Puts nodes in place of the children from `start` to `end`.
fn replace(region: &Element, start: usize, end: usize, made: &[Node]) {
    let children = region.child_nodes();
    let after = children.item(end as u32);
    let gone: Vec<Node> = (start..end).filter_map(|at| children.item(at as u32)).collect();
    for node in gone {
        region.remove_child(&node).ok();
    }
    for node in made {
        region.insert_before(node, after.as_ref()).ok();
    }
}

/// Makes the nodes of a piece. A stack and not recursion, so that it can rest anywhere.
async fn build(piece: &Piece, slice: &mut Slice) -> Result<Node, JsValue> {
    let mut root = None;
    let mut stack: Vec<(Option<Element>, &Piece)> = vec![(None, piece)];
    while let Some((parent, piece)) = stack.pop() {
        slice.rest().await;
        let node: Node = match piece {
            Piece::Text(text) => document().create_text_node(text).into(),
            Piece::Element(element) => {
                let made = document().create_element(element.tag)?;
                for (name, value) in &element.attributes {
                    made.set_attribute(name, value)?;
                }
                stack
                    .extend(element.children.iter().rev().map(|child| (Some(made.clone()), child)));
                made.unchecked_into()
            }
        };
        match parent {
            Some(parent) => drop(parent.append_child(&node)?),
            None => root = Some(node),
        }
    }
    root.ok_or(JsValue::NULL)
}

struct Slice {
    began_ms: f64,
    steps: u32,
}

impl Slice {
    fn begin() -> Self {
        Self { began_ms: timer::now_ms(), steps: 0 }
    }

    /// Lets the page breathe once this slice has lasted long enough.
    async fn rest(&mut self) {
        self.steps += 1;
        if self.steps < STEPS {
            return;
        }
        self.steps = 0;
        if timer::now_ms() - self.began_ms > SLICE_MS {
            timer::pause(0).await;
            self.began_ms = timer::now_ms();
        }
    }
}
