//! A real S3 server over a folder, with one bucket.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use offing_server::store::s3::S3Address;
use tempfile::TempDir;

const KEY: &str = "offing";
const SECRET: &str = "a secret of the tests alone";

/// A server; it ends with this value, and with the process that holds it.
pub struct S3 {
    folder: TempDir,
    server: Child,
    port: u16,
}

impl S3 {
    /// Starts a server with an empty bucket.
    ///
    /// # Panics
    ///
    /// If it cannot be built, or does not start.
    pub fn start() -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("bucket")).unwrap();
        let mut server = Command::new(program())
            .arg(folder.path())
            .args([KEY, SECRET])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { folder, server, port: port.trim().parse().unwrap() }
    }

    /// Where the bucket is; each prefix is a store of its own.
    pub fn address(&self, prefix: &str) -> S3Address {
        S3Address {
            url: format!("http://127.0.0.1:{}/bucket/{prefix}", self.port),
            access_key: KEY.to_owned(),
            secret_key: SECRET.to_owned(),
        }
    }

    /// The number of its process.
    pub fn process(&self) -> u32 {
        self.server.id()
    }

    /// The file of an object.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("bucket").join(name)
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

/// The built server (`cargo xtask setup`); where there is none, it is built.
fn program() -> PathBuf {
    // target/<profile>/deps/<test>
    let test = std::env::current_exe().unwrap();
    let build = test.ancestors().nth(3).unwrap().join("tools/build");
    let program = build.join("release/offing-s3");
    if !program.is_file() {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../xtask/s3/Cargo.toml");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "-q", "--release", "--locked", "--target-dir"])
            .arg(&build)
            .arg("--manifest-path")
            .arg(manifest)
            .status();
        assert!(built.unwrap().success(), "the S3 server is built");
    }
    program
}
