//! What a script of the page asks for itself, at a port that it hands over: the page's wasm
//! knows nothing of it and grows by nothing.
//!
//! `[id, node…]`, nodes as their ids' text, is answered by `[id, thumb…]`: bytes, `null`
//! where a file has no thumb, `undefined` where it cannot be had now.
//!
//! `[id, what, node, after]` with a number is answered for `www/details` by `[id, …]`, or by `[id]`
//! where that cannot be told:
//!
//! - 0: `name, kind, size, saved, local, kept, two versions, path, made, by, changed, by`, the path
//!   as `[node, name]…`, times in milliseconds since 1970;
//! - 1: how many states its history has;
//! - 2: of a page of a folder `files, bytes, folders, end`, where `after` is the end before.
//!
//! and `[id, 3, node, order]` for `www/viewer/queue.js` by `[id, files]`, those after it in its folder as
//! `[node, name]…`, where `order` is the one of the list, as the page keeps it; and `[id, 6, folder]` for
//! `www/editor/templates.js` by `[id, texts]`, those in the folder, as `[node, name]…` too.
//!
//! And for `www/editor/presence.js`, with nothing in the answer:
//!
//! - 4: a text is in sight, and at `[id, 4, node, version, anchor, head]` stands its cursor. From
//!   then on the port is told who else is there: `[0, node, version, (visit, device, name, anchor,
//!   head)…]`, the last two `undefined` where they are not known;
//! - 5: it is not any more.
//!
//! And for `www/labels`, a label as its text, which of the star is empty. From the first of these on
//! the port is told `[0]` whenever lists changed:
//!
//! - `[id, 7, node…]`: the labels of each;
//! - `[id, 8, label, on, node…]`: puts it on these, or takes it off. What is typed becomes a tag as
//!   `core::label` says. Answered by `[id, 0]`, or by a number of [`Refusal`];
//! - `[id, 9]`: `label, count…`, of all that are in use;
//! - `[id, 10, label, after]`: `end, node…`, those that have it, in the trash too, where `after` is
//!   the end before and `null` at first.
//!
//! And for `www/factor`: `[id, 11, password]` proves the password, so that what wants a fresh sign-in can be
//! done. Answered by `[id, 0]`, by `[id, 1]` where it is wrong, and else by `[id, 2]`.

use std::rc::Rc;

use js_sys::Array;
use offing_core::id::NodeId;
use offing_core::label::Label;
use offing_core::limits;
use offing_core::proto::Code;
use offing_core::rpc::{Crumb, Fault, Sort, SortBy};
use offing_core::tree::Labelled;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, MessagePort};

use super::Engine;
use crate::host::browser::BrowserHost;
use crate::platform::js;
use crate::platform::port::number;
use crate::replica::{Company, Details, Replica, Visitor};

/// Most thumbs that one question asks for.
const THUMBS_MAX: usize = 64;
/// What is not asked but told: that a text is in sight, and that it is not any more.
const ATTENDS: f64 = 4.0;
const PARTS: f64 = 5.0;
/// What is asked from here on is about labels.
const LABELS: f64 = 7.0;
/// A password is proved.
const PROVES: f64 = 11.0;
/// Most nodes that one question about labels names; one more is refused as too many.
const LABELLED_MAX: usize = limits::CHANGE_OPS_MAX;

/// Why a label was not put on; the numbers are those of `www/labels/line.js`.
enum Refusal {
    /// Nobody can be called so.
    Unfit = 1,
    /// The node has as many as it may have, or these are too many.
    TooMany = 2,
    /// Anything else.
    Failed = 3,
}

/// Answers at a port, as long as the page lives.
pub(super) fn serve(engine: &Rc<Engine>, port: MessagePort) {
    let (engine, near) = (Rc::clone(engine), port.clone());
    let hear = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        let Ok(asked) = event.data().dyn_into::<Array>() else {
            return;
        };
        let (engine, port) = (Rc::clone(&engine), port.clone());
        wasm_bindgen_futures::spawn_local(async move {
            let answer = Array::of1(&asked.get(0));
            match asked.get(1).as_f64() {
                Some(what) if what == PROVES => {
                    answer.push(&engine.prove(&asked).await.into());
                }
                Some(what) if what >= LABELS => {
                    engine.labels(&port, &answer, what, &asked).await;
                }
                Some(what) if what == ATTENDS || what == PARTS => {
                    engine.attend(&port, what, &asked);
                }
                Some(what) => {
                    engine.details(&answer, what, &asked).await;
                }
                None => {
                    for node in asked.iter().skip(1).take(THUMBS_MAX) {
                        answer.push(&engine.thumb(&node).await);
                    }
                }
            }
            // Nobody waits any more where this fails.
            port.post_message(&answer).ok();
        });
    });
    near.set_onmessage(Some(hear.into_js_value().unchecked_ref()));
}

/// An order as `client::components::sorting` writes it; by name where it says nothing.
fn order(text: &str) -> Sort {
    let (by, descending) = text.strip_prefix('-').map_or((text, false), |by| (by, true));
    let by = match by {
        "size" => SortBy::Size,
        "modified" => SortBy::Modified,
        _ => SortBy::Name,
    };
    Sort { by, descending }
}

/// Nodes with their names, as a script of the page reads them.
fn named(nodes: Vec<(NodeId, String)>) -> Array {
    let pair = |(node, name): (NodeId, String)| Array::of2(&node.to_string().into(), &name.into());
    nodes.into_iter().map(pair).collect()
}

impl Engine {
    /// Hears that a text is in sight, or is not any more.
    fn attend(&self, port: &MessagePort, what: f64, asked: &Array) -> Option<()> {
        let (replica, node) = (self.replica().ok()?, asked.get(2).as_string()?.parse().ok()?);
        if what == PARTS {
            replica.part(node);
            return Some(());
        }
        *self.company.borrow_mut() = Some(port.clone());
        let [version, anchor, head] = [3, 4, 5].map(|at| number(asked, at));
        replica.attend(node, version? as u32, (anchor? as u32, head? as u32));
        Some(())
    }

    /// Tells the page that lists changed, where it wants to know.
    pub(super) fn hear_lists(self: &Rc<Self>, replica: &Replica<BrowserHost>) {
        let telling = Rc::downgrade(self);
        replica.on_list_change(move || {
            let Some(engine) = telling.upgrade() else { return };
            if let Some(port) = &*engine.labels.borrow() {
                port.post_message(&Array::of1(&0.into())).ok();
            }
        });
    }

    /// Proves the password; 0, or why it was not.
    async fn prove(&self, asked: &Array) -> u32 {
        let (Some(password), Ok(owner)) = (asked.get(2).as_string(), self.owner()) else {
            return 2;
        };
        match owner.prove(&self.api, &password).await {
            Ok(_) => 0,
            Err(Fault::Server(Code::WrongCredentials)) => 1,
            Err(_) => 2,
        }
    }

    /// Adds to an answer what is asked about labels; nothing where that cannot be told.
    async fn labels(
        &self,
        port: &MessagePort,
        answer: &Array,
        what: f64,
        asked: &Array,
    ) -> Option<()> {
        let nodes = |skip| -> Option<Vec<NodeId>> {
            let nodes = asked.iter().skip(skip).take(LABELLED_MAX + 1);
            nodes.map(|node| node.as_string()?.parse().ok()).collect()
        };
        let text = || asked.get(2).as_string();
        let replica = self.replica().ok()?;
        *self.labels.borrow_mut() = Some(port.clone());
        if what == LABELS {
            for labels in replica.labels(&nodes(2)?).await.ok()? {
                let labels = labels.iter().map(|label| JsValue::from(label.as_str()));
                answer.push(&labels.collect::<Array>());
            }
        } else if what == 8.0 {
            let (typed, on) = (text()?, asked.get(3).is_truthy());
            // What another device wrote is taken off as it stands.
            let label =
                if on && !typed.is_empty() { Label::tag(&typed) } else { Label::parse(&typed) };
            let refused = match label {
                Err(_) => Refusal::Unfit as u32,
                Ok(label) => match replica.label(&nodes(4)?, &Labelled { label, on }).await {
                    Ok(_) => 0,
                    Err(Fault::TooMany) => Refusal::TooMany as u32,
                    Err(_) => Refusal::Failed as u32,
                },
            };
            answer.push(&refused.into());
        } else if what == 9.0 {
            for (label, count) in replica.labels_in_use().await.ok()? {
                answer.push(&label.as_str().into());
                answer.push(&count.into());
            }
        } else {
            let after = asked.get(3).dyn_ref().map(js_sys::Uint8Array::to_vec);
            let label = Label::parse(&text()?).ok()?;
            let (nodes, end) = replica.labelled(&label, after).await.ok()?;
            answer.push(&end.map_or(JsValue::NULL, |end| js::to_js(&end).into()));
            for node in nodes {
                answer.push(&node.to_string().into());
            }
        }
        Some(())
    }

    /// Tells the other devices where this one is, and the page where they are.
    pub(super) fn hear_company(self: &Rc<Self>, replica: &Replica<BrowserHost>) {
        let (telling, showing) = (Rc::downgrade(self), Rc::downgrade(self));
        let tell = move |told: Vec<u8>| {
            let Some(engine) = telling.upgrade() else { return };
            if let Some(live) = &*engine.live.borrow() {
                live.tell(&told);
            }
        };
        let show = move |company: Company| {
            let Some(engine) = showing.upgrade() else { return };
            if let Some(port) = &*engine.company.borrow() {
                port.post_message(&told_to_page(company)).ok();
            }
        };
        replica.on_presence(tell, show);
    }

    /// Adds to an answer what a node says of itself; nothing where that cannot be told.
    async fn details(&self, answer: &Array, what: f64, asked: &Array) -> Option<()> {
        let node = asked.get(2).as_string()?.parse().ok()?;
        let replica = self.replica().ok()?;
        if what == 1.0 {
            answer.push(&replica.count_revisions(node).await.ok()?.into());
        } else if what == 3.0 {
            let sort = order(&asked.get(3).as_string()?);
            answer.push(&named(replica.following(node, sort).await.ok()?));
        } else if what == 6.0 {
            answer.push(&named(replica.texts_in(node).await.ok()?));
        } else if what == 2.0 {
            let after = asked.get(3).dyn_ref().map(js_sys::Uint8Array::to_vec);
            let tally = replica.tally(node, after).await.ok()?;
            let folders = tally.folders.iter().map(|node| JsValue::from(node.to_string()));
            answer.push(&tally.files.into());
            answer.push(&(tally.bytes as f64).into());
            answer.push(&folders.collect::<Array>());
            answer.push(&tally.end.map_or(JsValue::NULL, |end| js::to_js(&end).into()));
        } else {
            let Details { row, path, made, changed } = replica.details(node).await.ok()?;
            let step =
                |crumb: Crumb| Array::of2(&crumb.node.to_string().into(), &crumb.name.into());
            for value in [
                row.name.into(),
                (row.kind as u32).into(),
                row.size.map_or(JsValue::NULL, |size| (size as f64).into()),
                (row.saved as u32).into(),
                row.local.into(),
                row.kept.into(),
                row.two_versions.into(),
                path.into_iter().map(step).collect::<Array>().into(),
                (made.0 as f64).into(),
                made.1.into(),
                (changed.0 as f64).into(),
                changed.1.into(),
            ] {
                answer.push(&value);
            }
        }
        Some(())
    }

    async fn thumb(&self, node: &JsValue) -> JsValue {
        let node = node.as_string().and_then(|node| node.parse().ok());
        let (Some(node), Ok(replica)) = (node, self.replica()) else {
            return JsValue::UNDEFINED;
        };
        match replica.thumb(node).await {
            Ok(Some(thumb)) => js::to_js(&thumb).into(),
            Ok(None) => JsValue::NULL,
            Err(_) => JsValue::UNDEFINED,
        }
    }
}

/// Who is in a text, as a script of the page reads it.
fn told_to_page(company: Company) -> Array {
    let told = Array::of3(&0.into(), &company.node.to_string().into(), &company.version.into());
    for Visitor { visit, device, name, cursor } in company.visitors {
        let (anchor, head) = cursor
            .map_or((JsValue::UNDEFINED, JsValue::UNDEFINED), |(anchor, head)| {
                (anchor.into(), head.into())
            });
        for value in
            [visit.to_string().into(), device.to_string().into(), name.into(), anchor, head]
        {
            told.push(&value);
        }
    }
    told
}
