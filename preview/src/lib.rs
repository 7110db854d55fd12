//! Parsers of files that other people made, for the preview's sandbox.
//!
//! Each format is a feature, a type that is a [`Format`], and a binary of two lines that
//! becomes a wasm module of its own. A module runs in a worker of an opaque-origin frame:
//! it has no key and no network, a fixed most of memory, and is ended when it takes too
//! long. It trusts nothing in its bytes; whatever it gives is bounded by [`limits`].
//!
//! What crosses the module's border: `open(bytes, name)` and `ask(request)`, both answered
//! by an [`Answer`] or by the code of a [`Refusal`].

use serde::Serialize;
use serde::de::DeserializeOwned;

#[cfg(feature = "archive")]
pub mod archive;
#[cfg(any(feature = "docx", feature = "epub"))]
#[cfg_attr(
    not(all(feature = "docx", feature = "epub")),
    allow(dead_code, reason = "each of those that share it needs most of it")
)]
mod blocks;
#[cfg(feature = "docx")]
pub mod docx;
#[cfg(feature = "epub")]
pub mod epub;
pub mod limits;
#[cfg(any(feature = "docx", feature = "epub", feature = "sheet"))]
#[cfg_attr(
    not(all(feature = "docx", feature = "epub", feature = "sheet")),
    allow(dead_code, reason = "each of those that share it needs most of it")
)]
mod package;
#[cfg(feature = "pdf")]
pub mod pdf;
#[cfg(feature = "picture")]
pub mod picture;
#[cfg(feature = "sheet")]
pub mod sheet;
#[cfg(feature = "table")]
pub mod table;

/// A file of a format, opened.
pub trait Format: Sized {
    /// What can be asked of it.
    type Request: DeserializeOwned;

    /// Opens a file; the answer says what it is. The name is a hint and nothing more.
    fn open(bytes: Vec<u8>, name: &str) -> Result<(Self, Answer), Refusal>;

    /// Answers a question. It may be asked again after a refusal.
    fn ask(&mut self, request: Self::Request) -> Result<Answer, Refusal>;
}

/// A format whose files are read in pieces, so that they may be larger than all memory.
///
/// An answer that is `{"need": [start, end]}` stands for another: what was asked is to be asked again
/// once these bytes were given.
pub trait InPieces: Format {
    /// Begins with a file of a size, of which nothing is known yet.
    fn begin(size: u64, name: &str) -> Self;

    /// Takes bytes of the file from a place on.
    fn give(&mut self, start: u64, bytes: Vec<u8>);
}

/// What a module answers: plain data, and bytes beside it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    json: String,
    bytes: Vec<u8>,
}

/// Why a module does not answer. No detail: the person is told in a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The file is not what its name says, or is damaged.
    #[error("broken")]
    Broken,
    /// It needs a password.
    #[error("locked")]
    Locked,
    /// A shop's lock is on it, which nothing but the shop's programs opens.
    #[error("rights")]
    Rights,
    /// It is of a kind or version that this module does not read.
    #[error("unsupported")]
    Unsupported,
    /// It would have to be read whole, and is larger than a module may hold.
    #[error("large")]
    Large,
    /// It would become more than [`limits::EXPANSION_MAX`] times as large.
    #[error("expands")]
    Expands,
    /// It holds more than [`limits::MEMBERS_MAX`] members.
    #[error("members")]
    Members,
    /// The answer would be too large.
    #[error("output")]
    Output,
    /// Nobody asks that.
    #[error("unknown")]
    Unknown,
}

impl Answer {
    /// Plain data.
    pub fn of(data: &impl Serialize) -> Result<Self, Refusal> {
        Self::with(data, Vec::new())
    }

    /// Plain data with bytes beside it.
    pub fn with(data: &impl Serialize, bytes: Vec<u8>) -> Result<Self, Refusal> {
        let json = serde_json::to_string(data).map_err(|_| Refusal::Output)?;
        if json.len() + bytes.len() > limits::ANSWER_BYTES_MAX {
            return Err(Refusal::Output);
        }
        Ok(Self { json, bytes })
    }

    /// The plain data, as JSON.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The bytes beside it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The message: the length of the JSON in four bytes, little-endian, the JSON, the bytes.
    pub fn encode(self) -> Vec<u8> {
        // Bounded when it was made.
        let length = self.json.len() as u32;
        let mut message = Vec::with_capacity(4 + self.json.len() + self.bytes.len());
        message.extend(length.to_le_bytes());
        message.extend(self.json.into_bytes());
        message.extend(self.bytes);
        message
    }
}

/// Reads a request as it comes from the frame.
pub fn request<F: Format>(json: &str) -> Result<F::Request, Refusal> {
    serde_json::from_str(json).map_err(|_| Refusal::Unknown)
}

/// Makes the border of a module: `module!(format::Type);` is all that its binary says, or
/// `module!(format::Type, in pieces);` for one that is [`InPieces`].
#[macro_export]
macro_rules! module {
    ($format:ty) => {
        $crate::module!(@ $format, {
            /// Opens a file.
            #[expect(unreachable_pub, reason = "JavaScript reaches it")]
            #[wasm_bindgen]
            pub fn open(bytes: Vec<u8>, name: &str) -> Result<Vec<u8>, JsValue> {
                let (opened, answer) = <$format>::open(bytes, name).map_err(code)?;
                OPENED.set(Some(opened));
                Ok(answer.encode())
            }
        });
    };
    ($format:ty, in pieces) => {
        $crate::module!(@ $format, {
            use offing_preview::InPieces as _;

            /// Begins with a file of so many bytes.
            #[expect(unreachable_pub, reason = "JavaScript reaches it")]
            #[wasm_bindgen]
            pub fn begin(size: f64, name: &str) -> Vec<u8> {
                OPENED.set(Some(<$format>::begin(size as u64, name)));
                Vec::new()
            }

            /// Takes bytes of it from a place on.
            #[expect(unreachable_pub, reason = "JavaScript reaches it")]
            #[wasm_bindgen]
            pub fn give(start: f64, bytes: Vec<u8>) -> Vec<u8> {
                OPENED.with_borrow_mut(|opened| {
                    if let Some(opened) = opened {
                        opened.give(start as u64, bytes);
                    }
                });
                Vec::new()
            }
        });
    };
    (@ $format:ty, { $($opens:item)* }) => {
        #[cfg(target_arch = "wasm32")]
        mod border {
            use std::cell::RefCell;

            use offing_preview::{Format, Refusal};
            use wasm_bindgen::prelude::*;

            thread_local! {
                static OPENED: RefCell<Option<$format>> = const { RefCell::new(None) };
            }

            fn code(refusal: Refusal) -> JsValue {
                refusal.to_string().into()
            }

            $($opens)*

            /// Asks the open file.
            #[expect(unreachable_pub, reason = "JavaScript reaches it")]
            #[wasm_bindgen]
            pub fn ask(request: &str) -> Result<Vec<u8>, JsValue> {
                let request = offing_preview::request::<$format>(request).map_err(code)?;
                OPENED.with_borrow_mut(|opened| {
                    let opened = opened.as_mut().ok_or_else(|| code(Refusal::Unknown))?;
                    Ok(opened.ask(request).map_err(code)?.encode())
                })
            }
        }

        fn main() {}
    };
}
