//! The line to the engine.
//!
//! The boot script has started the worker before this module runs; messages are
//! `[Uint8Array, …transferables]` with postcard inside. Every command has one answer,
//! matched by its id; events go to whoever listens. A worker that breaks down answers
//! everything that waits with `Fault::Internal`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use js_sys::{Array, Reflect, Uint8Array};
use offing_core::rpc::{self, Command, Event, Fault, FromEngine, Reply, ToEngine};
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, Worker};

/// What an answer consists of: the reply, and the stream of a download.
pub(crate) struct Answer {
    /// The reply.
    pub(crate) reply: Reply,
    /// What came beside it.
    pub(crate) extra: JsValue,
}

/// Names a listener, to end it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ListenerId(u32);

type Listener = Rc<dyn Fn(&Event)>;
type Slot = Rc<RefCell<Waiting>>;

#[derive(Default)]
struct Waiting {
    result: Option<Result<Answer, Fault>>,
    waker: Option<Waker>,
}

#[derive(Default)]
struct Line {
    worker: Option<Worker>,
    next_id: u32,
    waiting: HashMap<u32, Slot>,
    listeners: Vec<(ListenerId, Listener)>,
    broken: bool,
}

thread_local! {
    static LINE: RefCell<Line> = RefCell::default();
}

/// Takes over the worker that the boot script started.
pub(crate) fn connect() -> Result<(), JsValue> {
    let started = Reflect::get(&js_sys::global(), &"offingEngine".into())?;
    let worker = started.dyn_into::<Worker>()?;
    let on_message = Closure::<dyn Fn(MessageEvent)>::new(|event: MessageEvent| hear(&event));
    let on_error = Closure::<dyn Fn(web_sys::Event)>::new(|_: web_sys::Event| break_down());
    worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
    // The worker lives as long as the page.
    on_message.forget();
    on_error.forget();
    LINE.with_borrow_mut(|line| line.worker = Some(worker));
    Ok(())
}

/// Asks the engine. The message is sent at once, so messages keep their order.
pub(crate) fn call(command: Command) -> impl Future<Output = Result<Reply, Fault>> {
    let answer = send(command, &Array::new(), false);
    async { answer.await.map(|answer| answer.reply) }
}

/// Asks the engine, with values beside the command (the files of an upload).
pub(crate) async fn call_with(command: Command, beside: &Array) -> Result<Answer, Fault> {
    send(command, beside, false).await
}

/// Tells the engine something whose answer does not matter, at once and not in a task:
/// the page may be about to go.
pub(crate) fn tell(command: Command) {
    drop(send(command, &Array::new(), true));
}

/// Listens to events until [`unlisten`].
pub(crate) fn listen(listener: impl Fn(&Event) + 'static) -> ListenerId {
    LINE.with_borrow_mut(|line| {
        line.next_id += 1;
        let id = ListenerId(line.next_id);
        line.listeners.push((id, Rc::new(listener)));
        id
    })
}

/// Ends a listener.
pub(crate) fn unlisten(id: ListenerId) {
    LINE.with_borrow_mut(|line| line.listeners.retain(|(known, _)| *known != id));
}

/// Says whether everything that was asked is answered.
pub(crate) fn is_quiet() -> bool {
    LINE.with_borrow(|line| line.waiting.is_empty())
}

/// Ends the engine; only for a page that is about to be loaded anew.
pub(crate) fn end() {
    if let Some(worker) = LINE.with_borrow_mut(|line| line.worker.take()) {
        worker.terminate();
    }
}

/// Posts a command; the future is its answer. The message is sent before this returns.
fn send(command: Command, beside: &Array, forget: bool) -> AnswerFuture {
    let slot = Slot::default();
    LINE.with_borrow_mut(|line| {
        line.next_id += 1;
        let id = line.next_id;
        let bytes = rpc::encode(&ToEngine { id, command });
        let message = Array::of1(&Uint8Array::from(bytes.as_slice()));
        for value in beside.iter() {
            message.push(&value);
        }
        let posted = !line.broken
            && line.worker.as_ref().is_some_and(|worker| worker.post_message(&message).is_ok());
        if !posted {
            slot.borrow_mut().result = Some(Err(Fault::Internal));
        } else if !forget {
            line.waiting.insert(id, slot.clone());
        }
    });
    AnswerFuture(slot)
}

struct AnswerFuture(Slot);

impl Future for AnswerFuture {
    type Output = Result<Answer, Fault>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut waiting = self.0.borrow_mut();
        if let Some(result) = waiting.result.take() {
            return Poll::Ready(result);
        }
        waiting.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

fn hear(event: &MessageEvent) {
    let Ok(parts) = event.data().dyn_into::<Array>() else {
        return;
    };
    let Ok(bytes) = parts.get(0).dyn_into::<Uint8Array>() else {
        return;
    };
    match rpc::decode::<FromEngine>(&bytes.to_vec()) {
        Ok(FromEngine::Reply { id, result }) => {
            let slot = LINE.with_borrow_mut(|line| line.waiting.remove(&id));
            if let Some(slot) = slot {
                let extra = parts.get(1);
                answer(&slot, result.map(|reply| Answer { reply, extra }));
            }
        }
        Ok(FromEngine::Event(event)) => {
            // Listeners may call and listen, so none is called inside the borrow.
            let listeners: Vec<Listener> = LINE.with_borrow(|line| {
                line.listeners.iter().map(|(_, listener)| listener.clone()).collect()
            });
            for listener in listeners {
                listener(&event);
            }
        }
        Err(error) => leptos::logging::error!("{error}"),
    }
}

fn answer(slot: &Slot, result: Result<Answer, Fault>) {
    let waker = {
        let mut waiting = slot.borrow_mut();
        waiting.result = Some(result);
        waiting.waker.take()
    };
    if let Some(waker) = waker {
        waker.wake();
    }
}

fn break_down() {
    let waiting = LINE.with_borrow_mut(|line| {
        line.broken = true;
        std::mem::take(&mut line.waiting)
    });
    for slot in waiting.values() {
        answer(slot, Err(Fault::Internal));
    }
}
