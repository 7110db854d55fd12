//! A server on a free port over a folder of its own, and people who run the program.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use offing_cli::profile::Profile;
use offing_cli::session::binding;
use offing_cli::wire::Wire;
use offing_core::account::recovery::RecoveryCode;
use offing_core::crypto::native::NativeCrypto;
use offing_server::config::Settings;
use offing_server::serve;
use offing_server::service::accounts::invite_beside;
use offing_server::state::{AppState, system_clock};
use offing_worker::net::api::Api;
use offing_worker::proof::{self, NewAccount};
use rand::rngs::OsRng;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const PASSWORD: &str = "a long and quiet evening";

/// A server and the folder in which everybody's things are.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    runtime: Runtime,
    address: SocketAddr,
    running: Option<(oneshot::Sender<()>, JoinHandle<std::io::Result<()>>)>,
}

impl World {
    /// A server, and an account of this name that has no device yet.
    pub(crate) fn with(username: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let mut world = Self {
            folder: tempfile::tempdir().unwrap(),
            runtime,
            address: "127.0.0.1:0".parse().unwrap(),
            running: None,
        };
        world.starts_server();
        world.signs_up(username);
        world
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("server")
    }

    /// Starts the server, on its port and data if it was stopped.
    pub(crate) fn starts_server(&mut self) {
        let state = self.opens_server();
        let (stop, stopped) = oneshot::channel();
        let listener = self.runtime.block_on(TcpListener::bind(self.address)).unwrap();
        self.address = listener.local_addr().unwrap();
        let served = self.runtime.spawn(serve(listener, state, async {
            stopped.await.ok();
        }));
        self.running = Some((stop, served));
    }

    fn opens_server(&self) -> AppState {
        let settings = Settings {
            listen: Some(self.address),
            data: Some(self.data()),
            logins_per_minute: Some(1_000),
            ..Settings::default()
        };
        fs::create_dir_all(self.data()).unwrap();
        let config = settings.finish().unwrap();
        let opening = self.runtime.spawn_blocking(move || AppState::open(config));
        let (state, _) = self.runtime.block_on(opening).unwrap().unwrap();
        state
    }

    pub(crate) fn stops_server(&mut self) {
        let (stop, served) = self.running.take().unwrap();
        stop.send(()).unwrap();
        self.runtime.block_on(served).unwrap().unwrap();
    }

    fn signs_up(&self, username: &str) {
        let data = self.data();
        let invite = self.runtime.block_on(invite_beside(&data, system_clock())).unwrap();
        let wire = Wire::new(&self.url(), &self.folder.path().join("nobody")).unwrap();
        let (identity, device) = (Profile::new_device(), Profile::new_device());
        let new = NewAccount {
            invite,
            username: username.to_owned(),
            password: PASSWORD,
            code: &RecoveryCode::new([7; 16]),
            identity: &identity,
            device: binding(&device),
        };
        let api = Api::new(wire);
        let proving = async { proof::sign_up(&api, &NativeCrypto, &mut OsRng, new).await };
        self.runtime.block_on(proving).unwrap();
    }

    /// Somebody's program with a profile of its own, not signed in.
    pub(crate) fn device(&self, name: &str) -> Device {
        let folder = self.folder.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        Device { name: name.to_owned(), folder, url: self.url() }
    }

    /// A program that is signed in.
    pub(crate) fn signed_in(&self, name: &str) -> Device {
        let device = self.device(name);
        device.logs_in("alice", PASSWORD).succeeds();
        device
    }

    /// Writes a file for somebody to put.
    pub(crate) fn disk(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join("disk").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Bytes of chunks that the server keeps.
    pub(crate) fn stored_bytes(&self) -> u64 {
        self.segments().iter().map(|path| fs::metadata(path).unwrap().len()).sum()
    }

    /// The files in which the server keeps chunks.
    pub(crate) fn segments(&self) -> Vec<PathBuf> {
        let mut open = vec![self.data()];
        let mut found = Vec::new();
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else if path.extension().is_some_and(|extension| extension == "seg") {
                    found.push(path);
                }
            }
        }
        found
    }
}

/// A profile, and the program over it.
pub(crate) struct Device {
    name: String,
    folder: PathBuf,
    url: String,
}

impl Device {
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_offing"));
        command
            .env_clear()
            .current_dir(&self.folder)
            .arg("--profile")
            .arg(self.profile())
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn profile(&self) -> PathBuf {
        self.folder.join("profile")
    }

    /// Runs the program to its end.
    pub(crate) fn runs(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().unwrap(), arguments)
    }

    /// Runs it and leaves it running.
    pub(crate) fn begins(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    pub(crate) fn logs_in(&self, username: &str, password: &str) -> Ran {
        let file = self.folder.join("password");
        fs::write(&file, format!("{password}\n")).unwrap();
        let file = file.to_str().unwrap();
        let options = ["--username", username, "--password-file", file];
        let named = ["--device-name", &self.name];
        self.runs(&[&["login", &self.url], &options[..], &named[..]].concat())
    }

    pub(crate) fn puts(&self, file: &Path, folder: &str) -> Ran {
        self.runs(&["put", file.to_str().unwrap(), folder])
    }

    /// The names in a folder of the vault.
    pub(crate) fn names(&self, path: &str) -> Vec<String> {
        let listed = self.runs(&["ls", path]).succeeds();
        listed.lines().map(|line| line[16..].to_owned()).collect()
    }

    /// The content of a file of the vault.
    pub(crate) fn reads(&self, path: &str) -> Vec<u8> {
        let output = self.command(&["get", path, "-"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Exports into a folder of this name and returns it.
    pub(crate) fn exports(&self, name: &str) -> (PathBuf, Ran) {
        let to = self.folder.join(name);
        let ran = self.runs(&["export", to.to_str().unwrap()]);
        (to, ran)
    }
}

/// What a program that ended has said.
#[derive(Debug)]
pub(crate) struct Ran {
    command: String,
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of(output: Output, arguments: &[&str]) -> Self {
        Self {
            command: arguments.join(" "),
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Passes on what it printed, if it succeeded.
    pub(crate) fn succeeds(self) -> String {
        assert_eq!(self.code, Some(0), "{}: {}{}", self.command, self.out, self.err);
        self.out
    }

    /// It ended with this code, and said so.
    pub(crate) fn fails(&self, code: i32, said: &str) {
        assert_eq!(self.code, Some(code), "{}: {}{}", self.command, self.out, self.err);
        assert!(self.err.contains(said), "{}: {}", self.command, self.err);
        assert!(self.err.starts_with("offing: ") || code == 2, "{}", self.err);
    }
}

/// Bytes that look random and are the same in every run.
pub(crate) fn noise(len: usize, seed: u64) -> Vec<u8> {
    use rand::{RngCore as _, SeedableRng as _};
    let mut bytes = vec![0; len];
    rand::rngs::StdRng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}

/// The files below a folder with their contents, by their paths.
pub(crate) fn tree(folder: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut open = vec![folder.to_owned()];
    let mut found = std::collections::BTreeMap::new();
    while let Some(path) = open.pop() {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}
