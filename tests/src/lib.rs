//! A world for scenarios: devices of one person, a server, a network between them, a clock.
//!
//! The replicas and the server are the real ones; only where they run is made for tests:
//! stores in memory, randomness from a seed, a clock that moves when everybody is idle, and
//! a network that loses what it is told to lose. A scenario reads as what people do:
//! `phone.types(…)`, `world.goes_offline("phone")`, `world.sync_all()`. Nothing sleeps, and
//! a world of the same seed runs the same way.

#![warn(missing_docs)]
#![allow(clippy::unwrap_used, reason = "helpers of tests, where a panic is a failure")]

pub mod backup;
pub mod collect;
pub mod device;
pub mod disk;
pub mod engines;
pub mod executor;
pub mod fuzz;
pub mod host;
pub mod net;
pub mod page;
pub mod rogue;
pub mod sim;
pub mod world;

pub use device::{Device, STAR};
pub use world::World;
