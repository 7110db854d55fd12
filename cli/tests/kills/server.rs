//! The real program, on one port and one data folder for all its lives.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use offing_server::store::places::Places;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// How long a start is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Server {
    program: PathBuf,
    places: Places,
    address: SocketAddr,
    child: Child,
}

impl Server {
    /// Starts one that keeps everything in a folder.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_over(Places::from(&folder.join("server")))
    }

    /// Starts one that keeps things there.
    pub(crate) fn start_over(places: Places) -> Self {
        // A port that nobody listens on; the server takes it again after each kill.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let program = program();
        let child = spawn(&program, &places, address);
        let server = Self { program, places, address, child };
        server.gets_ready();
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn places(&self) -> Places {
        self.places.clone()
    }

    /// SIGKILL, as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again; how long that took until it was ready.
    pub(crate) fn restart(&mut self) -> Duration {
        let begun = Instant::now();
        self.child = spawn(&self.program, &self.places, self.address);
        self.gets_ready();
        begun.elapsed()
    }

    /// Runs another command of the program on the same data, which may be served meanwhile.
    pub(crate) fn runs(&self, words: &[&str]) {
        let command = Command::new(&self.program).env_clear().args(words).output().unwrap();
        assert!(command.status.success(), "{words:?}: {command:?}");
    }

    /// Goes on at the same address over other data.
    pub(crate) fn moves_to(&mut self, data: PathBuf) {
        self.kill();
        self.places.data = data;
        self.restart();
    }

    fn gets_ready(&self) {
        let begun = Instant::now();
        while !self.is_ready().unwrap_or(false) {
            assert!(begun.elapsed() < PATIENCE, "the server does not get ready");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn is_ready(&self) -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 200"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn spawn(program: &Path, places: &Places, address: SocketAddr) -> Child {
    let data = &places.data;
    std::fs::create_dir_all(data).unwrap();
    let log = File::options().create(true).append(true).open(data.with_extension("log")).unwrap();
    let many = "1000000000";
    let mut command = Command::new(program);
    command.env_clear();
    if let Some(database) = &places.database {
        command.env("OFFING_DATABASE", database);
    }
    if let Some(chunks) = &places.chunks {
        command
            .env("OFFING_CHUNKS", &chunks.url)
            .env("OFFING_S3_ACCESS_KEY", &chunks.access_key)
            .env("OFFING_S3_SECRET_KEY", &chunks.secret_key);
    }
    command
        .args(["serve", "--listen", &address.to_string(), "--data"])
        .arg(data)
        .args(["--calls-per-minute", many, "--transfers-per-minute", many])
        .args(["--anonymous-per-minute", many, "--logins-per-minute", many])
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// The built server: `OFFING_SERVER`, else the one that was built beside this test; where there
/// is none, it is built.
fn program() -> PathBuf {
    if let Some(program) = std::env::var_os("OFFING_SERVER") {
        return program.into();
    }
    // target/<profile>/deps/<test>
    let test = std::env::current_exe().unwrap();
    let beside = test.ancestors().nth(2).unwrap().join("offing-server");
    if !beside.is_file() {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo).args(["build", "-q", "-p", "offing-server"]).status();
        assert!(built.unwrap().success(), "the server is built");
    }
    beside
}
