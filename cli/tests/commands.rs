//! The program against a real server: what each command does, and what it says of what fails.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "commands/faults.rs"]
mod faults;
#[path = "commands/harness.rs"]
mod harness;
#[path = "commands/story.rs"]
mod story;
