//! libFuzzer over one target, which `OFFING_FUZZ` names: `cargo xtask fuzz`.
//!
//! Built with `--cfg fuzzing` and the coverage that libFuzzer reads; any other build only says
//! so. What a target is, `offing_tests::fuzz` says.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    use std::sync::LazyLock;

    use offing_tests::fuzz::{Target, target};

    static TARGET: LazyLock<Target> = LazyLock::new(|| {
        let name = std::env::var("OFFING_FUZZ").unwrap_or_default();
        target(&name).unwrap_or_else(|| panic!("OFFING_FUZZ names no target: {name:?}"))
    });
    (TARGET.run)(bytes);
});

#[cfg(not(fuzzing))]
fn main() -> std::process::ExitCode {
    eprintln!("this is built by `cargo xtask fuzz`");
    std::process::ExitCode::FAILURE
}
