//! A device's service worker, which pushes beside the tabs and while none is open.

use std::ops::ControlFlow;
use std::rc::Rc;

use offing_worker::host::Host;
use offing_worker::push;

use super::Device;

impl Device {
    /// The service worker empties the outbox, without any key and beside whatever is open, as
    /// `worker/src/bin/sw.rs` does; says whether it began.
    pub fn pushes_aside(&self) -> bool {
        if self.aside.get().is_some() {
            return false;
        }
        let host = (self.start)(Rc::clone(&self.profile), Rc::clone(&self.line));
        let (tab, vault, executor) = (host.tab(), self.identity.vault, self.executor.clone());
        let (aside, profile) = (Rc::clone(&self.aside), Rc::clone(&self.profile));
        aside.set(Some(tab));
        self.executor.spawn(tab, async move {
            if let Some(guard) = host.try_lock(&push::lock_name(&vault)).await {
                let pace = push::Pace::timed_by(move || executor.now_ms() as i64);
                let (store, chunks, server) = (host.store(), host.chunks(), host.server());
                let mut go_on = |_: &push::Step| ControlFlow::Continue(());
                // What is left then waits for a tab.
                drop(push::drain(vault, store, chunks, server, &pace, &mut go_on).await);
                drop(guard);
            }
            profile.forget(tab);
            aside.set(None);
        });
        true
    }
}
