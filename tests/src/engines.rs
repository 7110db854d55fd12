//! Real engines for the tests of stores, each with its data in a temporary folder. They are
//! ended when the last test that uses them drops them.

pub mod postgres;
pub mod s3;
