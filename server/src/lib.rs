//! Offing.
