//! A BroadcastChannel of bytes between the tabs' engines and the service worker.

use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{BroadcastChannel, MessageEvent};

use super::js;

/// One end of a channel; a message reaches every other end in this browser, not itself.
pub struct Channel {
    channel: BroadcastChannel,
    _listener: Closure<dyn FnMut(MessageEvent)>,
}

impl Channel {
    /// Joins the channel; `None` where the browser has none.
    pub fn join(name: &str, mut receive: impl FnMut(Vec<u8>) + 'static) -> Option<Self> {
        let channel = BroadcastChannel::new(name).ok()?;
        let listener = Closure::new(move |event: MessageEvent| {
            let data = event.data();
            if data.is_instance_of::<js_sys::Uint8Array>() {
                receive(js::to_bytes(&data));
            }
        });
        channel.set_onmessage(Some(listener.as_ref().unchecked_ref()));
        Some(Self { channel, _listener: listener })
    }

    /// Sends a message to every other end; a closed channel swallows it.
    pub fn send(&self, message: &[u8]) {
        let _ = self.channel.post_message(&js::to_js(message));
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.channel.set_onmessage(None);
        self.channel.close();
    }
}
