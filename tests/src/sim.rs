//! Whole lives of devices and a server, from a seed.
//!
//! Three to six devices, with several tabs each, are used as people use them, while lines,
//! disks, browsers, machines and the server fail in every way there is. Everything is the
//! real thing but where it runs: replicas, the driver, the outbox, the server's services.
//! Time and randomness come from the seed, so a life that fails fails again in the same
//! way, and tells its history in words.
//!
//! A life ends when all is mended and nothing moves any more. Then [`check`] holds it to
//! what was promised, by a model that stands outside of the system ([`model`]).

pub mod acts;
mod beside;
pub mod check;
pub mod harms;
pub mod history;
pub mod life;
pub mod model;
pub mod picture;
pub mod plan;
pub mod runs;
pub mod seat;
mod tidy;
