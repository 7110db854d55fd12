//! The socket on which the server says that a vault has grown: a hint to read the log. And on
//! which devices tell one another for the moment where they are, sealed.
//!
//! It never carries content and nothing depends on it; when it closes, the caller decides
//! when to open another. What cannot be told at once is not told.

use offing_core::json;
use offing_core::proto::{API_PREFIX, TOLD_BYTES, Wake};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{BinaryType, Event, MessageEvent, WebSocket};

use super::NetError;
use crate::platform::js;

/// Most characters of a message that are looked at.
const MESSAGE_CHARS_MAX: u32 = 4 * 1024;

/// The code with which the server closes the socket of a session that ended.
const CODE_SIGNED_OUT: f64 = 4401.0;

/// What the socket says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// It is open.
    Open,
    /// A vault has grown.
    Wake(Wake),
    /// A device tells this (`proto::encode_told`).
    Told(Vec<u8>),
    /// It is closed, or never opened; nothing follows.
    Closed {
        /// The server says that the session ended.
        signed_out: bool,
    },
}

/// An open socket; it closes when dropped.
pub struct Live {
    socket: WebSocket,
    _on_event: Closure<dyn FnMut(Event)>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
}

impl Live {
    /// Opens the socket of this origin's server; the session cookie signs it in.
    pub fn open(hear: impl Fn(Signal) + 'static) -> Result<Self, NetError> {
        let location = js::global("location").ok_or(NetError::Offline)?;
        let host = js::property(&location, "host").as_string().unwrap_or_default();
        let secure = js::property(&location, "protocol") == "https:";
        let scheme = if secure { "wss" } else { "ws" };
        let url = format!("{scheme}://{host}{API_PREFIX}/live");
        let socket = WebSocket::new(&url).map_err(|_| NetError::Offline)?;
        let hear = std::rc::Rc::new(hear);
        let tell = std::rc::Rc::clone(&hear);
        let on_event = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
            let code = js::property(&event, "code").as_f64();
            let signed_out = code == Some(CODE_SIGNED_OUT);
            tell(match event.type_().as_str() {
                "open" => Signal::Open,
                _ => Signal::Closed { signed_out },
            });
        });
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let text = match event.data().dyn_into::<js_sys::JsString>() {
                Ok(text) => text,
                Err(bytes) => {
                    let bytes = js_sys::Uint8Array::new(&bytes);
                    if bytes.length() as usize == TOLD_BYTES {
                        hear(Signal::Told(bytes.to_vec()));
                    }
                    return;
                }
            };
            if text.length() > MESSAGE_CHARS_MAX {
                return;
            }
            if let Ok(wake) = json::read(String::from(text).as_bytes()) {
                hear(Signal::Wake(wake));
            }
        });
        socket.set_binary_type(BinaryType::Arraybuffer);
        // An error is always followed by `close`, so that alone is heard.
        socket.set_onopen(Some(on_event.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_event.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        Ok(Self { socket, _on_event: on_event, _on_message: on_message })
    }

    /// Tells the other devices, if the line takes it now.
    pub fn tell(&self, told: &[u8]) {
        let is_open = self.socket.ready_state() == WebSocket::OPEN;
        if is_open && self.socket.buffered_amount() == 0 {
            // A socket that closes just now tells nobody, as one that is closed.
            self.socket.send_with_u8_array(told).ok();
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onclose(None);
        self.socket.set_onmessage(None);
        let _ = self.socket.close();
    }
}
