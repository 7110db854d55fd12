//! The program itself, in a process of its own, over a folder of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use offing_server::service::accounts::invite_beside;
use offing_server::state::system_clock;
use tempfile::{NamedTempFile, TempDir};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStdout, Command};

use crate::calls::{Calls, Person};
use crate::harness::RECOVERY;

/// A server that runs until this is dropped.
pub(crate) struct Program {
    pub(crate) calls: Calls,
    folder: TempDir,
    /// What it was started with.
    options: Vec<String>,
    child: Child,
    /// What it says; it would end if nobody could hear it.
    says: Lines<BufReader<ChildStdout>>,
    first_invite: Option<String>,
}

impl Program {
    /// Starts it with these options beside its own, and waits until it says where it is.
    pub(crate) async fn start(options: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), options, Stdio::inherit()).await
    }

    /// The same, and a file into which it writes what it logs.
    pub(crate) async fn start_logging(options: &[&str]) -> (Self, NamedTempFile) {
        let log = NamedTempFile::new().unwrap();
        let stderr = log.reopen().unwrap().into();
        (Self::start_in(tempfile::tempdir().unwrap(), options, stderr).await, log)
    }

    /// The same beside another, over the same stores and with the same secrets.
    pub(crate) async fn start_beside(other: &Self, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for secret in ["server-setup", "token-key"] {
            std::fs::copy(other.data().join(secret), folder.path().join(secret)).unwrap();
        }
        Self::start_in(folder, options, Stdio::inherit()).await
    }

    async fn start_in(folder: TempDir, options: &[&str], stderr: Stdio) -> Self {
        let address = free_address().await;
        let listen = address.to_string();
        let options = with_own(&listen, options);
        let mut child = command(&folder, &options).stderr(stderr).spawn().unwrap();
        let mut says = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut first_invite = None;
        while first_invite.is_none() {
            let line = says.next_line().await.unwrap().expect("it says how to begin");
            first_invite = invite_in(&line);
        }
        Self { calls: Calls::to(address), folder, options, child, says, first_invite }
    }

    /// Starts it over a folder that knows accounts already, and waits until it answers.
    pub(crate) async fn start_again(folder: TempDir, options: &[&str]) -> Self {
        let address = free_address().await;
        let options = with_own(&address.to_string(), options);
        let mut child = command(&folder, &options).spawn().unwrap();
        let says = BufReader::new(child.stdout.take().unwrap()).lines();
        is_listened_on(address).await;
        Self { calls: Calls::to(address), folder, options, child, says, first_invite: None }
    }

    /// Signs people up.
    pub(crate) async fn sign_up(&mut self, count: usize) -> Vec<Person> {
        let mut people = Vec::new();
        for number in 0..count {
            let invite = match self.first_invite.take() {
                Some(invite) => invite,
                None => self.invite().await,
            };
            let name = format!("person-{number}");
            people
                .push(self.calls.try_sign_up(&invite, &name, "password", RECOVERY).await.unwrap());
        }
        people
    }

    /// Stops it as an administrator does, waits until it has, and answers its folder.
    pub(crate) async fn stop(mut self) -> TempDir {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
        assert!(self.child.wait().await.unwrap().success());
        drop(self.says);
        self.folder
    }

    /// Stops it and starts it again over what it has; says how long it took until it answered.
    pub(crate) async fn restarts(&mut self) -> Duration {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
        assert!(self.child.wait().await.unwrap().success());
        let begun = Instant::now();
        self.child = command(&self.folder, &self.options).spawn().unwrap();
        while TcpStream::connect(self.calls.address).await.is_err() {
            assert!(self.child.try_wait().unwrap().is_none(), "it goes on");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(self.calls.get("/readyz").await.status.is_success());
        begun.elapsed()
    }

    async fn invite(&self) -> String {
        invite_beside(self.folder.path(), system_clock()).await.unwrap()
    }

    /// The folder with everything that it keeps.
    pub(crate) fn data(&self) -> &Path {
        self.folder.path()
    }

    /// The number of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Gives it the first core alone, and this process the second.
    pub(crate) fn stands_apart(&self) {
        for (core, process) in [("0", self.process()), ("1", std::process::id())] {
            let mut command = std::process::Command::new("taskset");
            command.args(["-acp", core, &process.to_string()]).stdout(Stdio::null());
            assert!(command.status().unwrap().success());
        }
    }

    /// Bytes of memory that it has now.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let status = format!("/proc/{}/status", self.child.id().unwrap());
        let status = std::fs::read_to_string(status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }
}

/// A port that nobody listens on, for now.
pub(crate) async fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// Waits until somebody listens there: a program says how to begin before it has all its ports.
pub(crate) async fn is_listened_on(address: SocketAddr) {
    while TcpStream::connect(address).await.is_err() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The program as it was built.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_offing-server");

fn command(folder: &TempDir, options: &[String]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .arg("--data")
        .arg(folder.path())
        .args(options)
        .env_clear()
        .env("OFFING_LOG", "warn")
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// These options, and those of every server here.
fn with_own(listen: &str, options: &[&str]) -> Vec<String> {
    let own = ["--listen", listen, "--anonymous-per-minute", MANY, "--calls-per-minute", MANY]
        .into_iter()
        .chain(["--transfers-per-minute", MANY]);
    own.chain(options.iter().copied()).map(str::to_owned).collect()
}

fn invite_in(line: &str) -> Option<String> {
    line.split_once("/join#").map(|(_, token)| token.trim().to_owned())
}

const MANY: &str = "1000000000";
