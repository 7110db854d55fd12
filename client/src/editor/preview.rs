//! A rendered Markdown document, kept up to date without ever blocking the page.
//!
//! The renderer parses in its own worker; here elements are made one by one from its
//! steps, never from a string. Work is cut into slices of a few milliseconds and blocks
//! that did not change are left alone. Texts are rendered one after the other, and of
//! those that wait only the newest. What cannot be rendered is said, and the next text is
//! tried again.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::Function;
use leptos::prelude::document;
use leptos::task::spawn_local;
use offing_markdown::steps::{Block, Rendering, Step, Steps};
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Element, Node};

use crate::platform::renderer::Renderer;
use crate::platform::timer;
use crate::state::markdown;

/// How long typing pauses before the rendered text follows.
const PAUSE_MS: u32 = 120;
/// How long a slice of work lasts.
const SLICE_MS: f64 = 8.0;
/// Work between two looks at the clock.
const STEPS: u32 = 64;
/// Blocks that stand in one part of the region, which a browser looks at as a whole: with each of many thousands looked
/// at by itself, every frame was late while somebody typed beside them.
const BLOCKS_OF_PART: u32 = 64;

/// A rendered document.
pub(crate) struct Preview {
    region: Element,
    /// What stands there when a text cannot be rendered.
    problem: String,
    renderer: Renderer,
    shown: RefCell<Vec<Block>>,
    /// Where each of them stands.
    nodes: RefCell<Vec<Node>>,
    /// Reads the newest text, if it is not rendered yet.
    newest: RefCell<Option<Function>>,
    busy: Cell<bool>,
    closed: Cell<bool>,
}

/// Renders a text that does not change into an empty region.
pub(crate) async fn draw(region: Element, text: &JsValue, problem: String) {
    let preview = Preview::new(region, problem);
    preview.render(text).await;
    preview.close();
}

impl Preview {
    fn new(region: Element, problem: String) -> Self {
        Self {
            region,
            problem,
            renderer: Renderer::default(),
            shown: RefCell::default(),
            nodes: RefCell::default(),
            newest: RefCell::default(),
            busy: Cell::new(true),
            closed: Cell::new(false),
        }
    }

    /// Renders a first text into an empty region.
    pub(crate) fn open(region: Element, text: &str, problem: String) -> Rc<Self> {
        let preview = Rc::new(Self::new(region, problem));
        let text = JsValue::from_str(text);
        let first = preview.clone();
        spawn_local(async move {
            first.render(&text).await;
            first.follow().await;
        });
        preview
    }

    /// Renders the newest text soon; the function reads it.
    pub(crate) fn changed(self: &Rc<Self>, text: Function) {
        self.newest.replace(Some(text));
        if !self.busy.replace(true) {
            let preview = self.clone();
            spawn_local(async move { preview.follow().await });
        }
    }

    /// Ends whatever is going on.
    pub(crate) fn close(&self) {
        self.closed.set(true);
        self.renderer.end();
    }

    async fn follow(&self) {
        while self.newest.borrow().is_some() && !self.closed.get() {
            timer::pause(PAUSE_MS).await;
            let read = self.newest.borrow_mut().take();
            if let Some(text) = read.and_then(|read| read.call0(&JsValue::NULL).ok()) {
                self.render(&text).await;
            }
        }
        self.busy.set(false);
    }

    async fn render(&self, text: &JsValue) {
        if self.closed.get() {
            return;
        }
        let shown = match self.renderer.render(text).await {
            Ok(bytes) => self.show(&bytes).await,
            Err(error) => Err(error),
        };
        if let Err(error) = shown
            && !self.closed.get()
        {
            web_sys::console::warn_1(&error);
            self.shown.take();
            self.nodes.take();
            self.region.set_text_content(None);
            if let Ok(said) = document().create_element("p") {
                said.set_text_content(Some(&self.problem));
                said.set_attribute("role", "alert").ok();
                self.region.append_child(&said).ok();
            }
        }
    }

    async fn show(&self, bytes: &[u8]) -> Result<(), JsValue> {
        let rendering = Rendering::read(bytes).map_err(|_| "the rendering is malformed")?;
        let blocks = &rendering.blocks;
        let shown = self.shown.take();
        if shown.is_empty() {
            // There may be words of an earlier failure.
            self.region.set_text_content(None);
        }
        let (head, tail) = markdown::unchanged(&shown, blocks);
        let gone = shown.len() - head - tail;
        let mut nodes = self.nodes.take();
        let after = nodes.get(head + gone).cloned();
        let mut slice = Slice::begin();
        let mut made = Vec::new();
        for steps in rendering.steps(head, blocks.len() - tail) {
            let node = make(steps, &mut slice, |node| {
                // Where nothing has to go first, a long document shows as it grows.
                if gone == 0 { self.put(node, after.as_ref()) } else { Ok(()) }
            })
            .await?;
            made.push(node);
            if self.closed.get() {
                return Ok(());
            }
        }
        if gone > 0 {
            for node in &made {
                self.put(node, after.as_ref())?;
            }
            for node in &nodes[head..head + gone] {
                // Every block is an element; a part that is left empty takes no room.
                node.unchecked_ref::<Element>().remove();
            }
        }
        nodes.splice(head..head + gone, made);
        self.nodes.replace(nodes);
        self.shown.replace(rendering.blocks);
        Ok(())
    }

    /// Puts a block before another, into its part, or behind all.
    fn put(&self, node: &Node, before: Option<&Node>) -> Result<(), JsValue> {
        let part = match before.and_then(Node::parent_node) {
            Some(part) => part,
            None => {
                let last = self.region.last_child();
                match last.filter(|part| part.child_nodes().length() < BLOCKS_OF_PART) {
                    Some(part) => part,
                    None => self.region.append_child(&document().create_element("div")?.into())?,
                }
            }
        };
        part.insert_before(node, before).map(drop)
    }
}

/// Makes the node of a block; `begun` gets it while it is still empty.
async fn make(
    steps: Steps<'_>,
    slice: &mut Slice,
    mut begun: impl FnMut(&Node) -> Result<(), JsValue>,
) -> Result<Node, JsValue> {
    let mut root: Option<Node> = None;
    let mut open: Vec<Element> = Vec::new();
    for step in steps {
        slice.rest().await;
        let node: Node = match step.map_err(|_| "a step is malformed")? {
            Step::Open(tag) => {
                let element = document().create_element(tag.name())?;
                let node = element.clone().into();
                append(open.last(), &node)?;
                open.push(element);
                node
            }
            Step::Attribute(attribute) => {
                if let Some(element) = open.last() {
                    markdown::set(&attribute, |name, value| element.set_attribute(name, value))?;
                }
                continue;
            }
            Step::Text(text) => {
                let node = document().create_text_node(text).into();
                append(open.last(), &node)?;
                node
            }
            Step::Close => {
                open.pop();
                continue;
            }
        };
        if root.is_none() {
            begun(&node)?;
            root = Some(node);
        }
    }
    root.ok_or_else(|| "a block is empty".into())
}

fn append(parent: Option<&Element>, node: &Node) -> Result<(), JsValue> {
    parent.map_or(Ok(()), |parent| parent.append_child(node).map(drop))
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
