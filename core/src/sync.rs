//! The synchronisation of one vault, as a pure machine: events in, effects out.
//!
//! It decides *when* to pull and to push, how long to wait after a failure, and what the
//! status says; it knows neither entries nor the network. A push is the draining of the
//! outbox, a pull is the reading and verifying of the log up to the tip. Both are the
//! caller's work, and their outcome comes back as an event.
//!
//! Invariants: at most one pull and one push are asked for at a time; a push is followed
//! by a pull, since only the verified log empties the outbox; the status says *on server*
//! only when nothing is pending and a pull has succeeded since the last failure.

pub mod backoff;
pub mod machine;
