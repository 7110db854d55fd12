//! Gives every module of the sandbox the most memory it may ever have.

#[path = "src/limits.rs"]
#[allow(dead_code, unreachable_pub, reason = "one of them is for the linker")]
mod limits;

fn main() {
    println!("cargo::rerun-if-changed=src/limits.rs");
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "wasm32") {
        println!("cargo::rustc-link-arg-bins=--max-memory={}", limits::MEMORY_BYTES_MAX);
    }
}
