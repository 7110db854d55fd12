//! Rendered Markdown, without ever making markup from a string.
//!
//! A *rendering* is a flat list of [`Step`](steps::Step)s: open this element, write that
//! text, close. The renderer, a worker without keys or network, makes it from a text
//! (`parse`, with the feature `parser`); the page reads it step by step and may pause
//! after each ([`steps`]). What crosses between them are numbers for tags and classes, so
//! no text of a document ever becomes the name of an element or an attribute.
#![warn(missing_docs)]

#[cfg(feature = "parser")]
pub mod parse;
pub mod steps;
