//! Runs futures on one thread under a virtual clock.
//!
//! Tasks run in the order in which they became ready. When none is, the clock jumps to the
//! next timer. Tasks belong to a tab, so that a crash can drop all of a tab at once.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

/// Names a tab: all tasks of one host.
pub type TabId = u64;

/// Polls before a run that gets nowhere is given up.
const POLLS_MAX: u64 = 50_000_000;

type TaskFuture = Pin<Box<dyn Future<Output = ()>>>;
type Ready = Arc<Mutex<VecDeque<u64>>>;

/// Runs futures; clones share everything.
#[derive(Clone, Default)]
pub struct Executor {
    inner: Rc<Inner>,
}

#[derive(Default)]
struct Inner {
    /// `None` while the task is being polled.
    tasks: RefCell<BTreeMap<u64, (TabId, Option<TaskFuture>)>>,
    ready: Ready,
    last_task: Cell<u64>,
    timers: RefCell<BTreeMap<(u64, u64), Waker>>,
    last_timer: Cell<u64>,
    now_ms: Cell<u64>,
}

struct TaskWaker {
    task: u64,
    ready: Ready,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        let mut ready = self.ready.lock().unwrap();
        if !ready.contains(&self.task) {
            ready.push_back(self.task);
        }
    }
}

impl Executor {
    /// Milliseconds since the world began.
    pub fn now_ms(&self) -> u64 {
        self.inner.now_ms.get()
    }

    /// Runs a future on its own, as a task of `tab`.
    pub fn spawn(&self, tab: TabId, future: impl Future<Output = ()> + 'static) {
        let task = self.inner.last_task.get() + 1;
        self.inner.last_task.set(task);
        self.inner.tasks.borrow_mut().insert(task, (tab, Some(Box::pin(future))));
        self.inner.ready.lock().unwrap().push_back(task);
    }

    /// Drops all tasks of a tab, wherever they are.
    pub fn kill(&self, tab: TabId) {
        let mut dropped = Vec::new();
        self.inner.tasks.borrow_mut().retain(|_, (owner, future)| {
            if *owner == tab {
                dropped.push(future.take());
            }
            *owner != tab
        });
        // Dropped outside the borrow: a guard that is released may wake others.
        drop(dropped);
    }

    /// Drops all tasks: what they hold holds them.
    pub fn end(&self) {
        let tasks = std::mem::take(&mut *self.inner.tasks.borrow_mut());
        drop(tasks);
    }

    /// Waits for the clock.
    pub async fn sleep(&self, delay_ms: u64) {
        let due = self.now_ms() + delay_ms;
        let number = self.inner.last_timer.get() + 1;
        self.inner.last_timer.set(number);
        poll_fn(|context| {
            if self.now_ms() >= due {
                return Poll::Ready(());
            }
            self.inner.timers.borrow_mut().insert((due, number), context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Runs a future to its end, and everything beside it meanwhile.
    pub fn block_on<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> T {
        let slot = Rc::new(RefCell::new(None));
        let filled = Rc::clone(&slot);
        self.spawn(0, async move {
            let value = future.await;
            *filled.borrow_mut() = Some(value);
        });
        for _ in 0..POLLS_MAX {
            if let Some(value) = slot.borrow_mut().take() {
                return value;
            }
            if !self.poll_one() && !self.skip_to_next_timer(u64::MAX) {
                break;
            }
        }
        panic!("nobody will ever finish what is waited for");
    }

    /// Runs everything for a while of the virtual clock.
    pub fn run_for(&self, duration_ms: u64) {
        let end = self.now_ms() + duration_ms;
        for _ in 0..POLLS_MAX {
            if !self.poll_one() && !self.skip_to_next_timer(end) {
                self.inner.now_ms.set(end);
                return;
            }
        }
        panic!("the world does not come to rest");
    }

    /// Runs so many turns of tasks and stops there, in the middle of whatever it is.
    pub fn run_turns(&self, turns: u32) {
        for _ in 0..turns {
            if !self.poll_one() && !self.skip_to_next_timer(u64::MAX) {
                return;
            }
        }
    }

    fn poll_one(&self) -> bool {
        let Some(task) = self.inner.ready.lock().unwrap().pop_front() else {
            return false;
        };
        let future = match self.inner.tasks.borrow_mut().get_mut(&task) {
            Some((_, future)) => future.take(),
            None => None,
        };
        let Some(mut future) = future else {
            return true;
        };
        let waker = Waker::from(Arc::new(TaskWaker { task, ready: Arc::clone(&self.inner.ready) }));
        let done = future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        let mut tasks = self.inner.tasks.borrow_mut();
        if done {
            tasks.remove(&task);
        } else if let Some((_, slot)) = tasks.get_mut(&task) {
            *slot = Some(future);
            return true;
        }
        drop(tasks);
        drop(future);
        true
    }

    fn skip_to_next_timer(&self, end: u64) -> bool {
        let waker = {
            let mut timers = self.inner.timers.borrow_mut();
            match timers.first_key_value() {
                Some(((due, _), _)) if *due <= end => {
                    self.inner.now_ms.set(self.inner.now_ms.get().max(*due));
                    timers.pop_first().map(|(_, waker)| waker)
                }
                Some(_) | None => None,
            }
        };
        waker.map(Waker::wake).is_some()
    }
}
