//! A PostgreSQL cluster of its own, on a socket in its folder, and on a port only if it speaks TLS.

use std::fs::{self, File, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a start is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// Whom the database runs as where the tests run as root, which it refuses.
const NOBODY: u32 = 65_534;

/// A cluster.
pub struct Postgres {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
    server: Child,
    databases: AtomicU32,
}

impl Postgres {
    /// The cluster that the tests of this process share; the first makes it.
    ///
    /// # Panics
    ///
    /// If PostgreSQL is not installed, or does not start.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let made = Arc::new(Self::start(&["fsync=off", "listen_addresses="], &[]));
            *shared = Arc::downgrade(&made);
            made
        })
    }

    /// A cluster of one's own, which waits for the disk at each commit; those of tests do not, as
    /// processes are killed there and no machines.
    pub fn durable() -> Self {
        Self::start(&["fsync=on", "listen_addresses="], &[])
    }

    /// A cluster that speaks TLS at a port, by this certificate and key (PEM).
    pub fn over_tls(certificate: &str, key: &str) -> Self {
        let settings = ["fsync=off", "listen_addresses=127.0.0.1", "ssl=on"];
        Self::start(&settings, &[("server.crt", certificate), ("server.key", key)])
    }

    /// Starts one with these settings and files in its folder of data.
    fn start(settings: &[&str], files: &[(&str, &str)]) -> Self {
        // Its socket is named by it too.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let programs = programs();
        let folder = TempDir::new().unwrap();
        let data = folder.path().join("data");
        let root = fs::metadata("/proc/self").unwrap().uid() == 0;
        if root {
            std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let as_nobody = |name: &str| {
            let mut command = Command::new(programs.join(name));
            command.env_clear().env("PATH", "/usr/bin:/bin").current_dir("/");
            if root {
                command.uid(NOBODY).gid(NOBODY);
            }
            command
        };
        let made = as_nobody("initdb")
            .args(["--username=offing", "--auth=trust", "--encoding=UTF8", "--locale=C"])
            .args(["--no-sync", "--pgdata"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        for (name, text) in files {
            let path = data.join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            if root {
                std::os::unix::fs::chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        let log = File::create(folder.path().join("log")).unwrap();
        let server = as_nobody("postgres")
            .arg("-D")
            .arg(&data)
            .args(settings.iter().flat_map(|setting| ["-c", setting]))
            .args(["-c", "max_connections=200", "-c", &format!("port={port}"), "-c"])
            .arg(format!("unix_socket_directories={}", folder.path().display()))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let cluster = Self { programs, folder, port, server, databases: AtomicU32::new(0) };
        let begun = Instant::now();
        while !cluster
            .client("psql")
            .args(["-c", "SELECT 1", "postgres"])
            .output()
            .unwrap()
            .status
            .success()
        {
            let log = fs::read_to_string(cluster.folder.path().join("log"));
            assert!(begun.elapsed() < PATIENCE, "PostgreSQL does not start: {log:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        cluster
    }

    /// Makes an empty database, and says its URL.
    pub fn database(&self) -> String {
        let (name, folder) = (self.creates(), self.folder.path().display());
        format!("postgresql://offing@/{name}?host={folder}&port={}", self.port)
    }

    /// Makes an empty database, and says its URL at the port.
    pub fn database_at(&self, host: &str) -> String {
        format!("postgresql://offing@{host}:{}/{}", self.port, self.creates())
    }

    fn creates(&self) -> String {
        let name = format!("d{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let made = self.client("createdb").arg(&name).output().unwrap();
        assert!(made.status.success(), "createdb: {}", String::from_utf8_lossy(&made.stderr));
        name
    }

    /// Runs SQL as the owner of everything, in the database of a URL.
    pub fn run(&self, url: &str, sql: &str) {
        let ran = self.client("psql").args(["-v", "ON_ERROR_STOP=1", "-c", sql, url]).output();
        let ran = ran.unwrap();
        assert!(ran.status.success(), "psql: {}", String::from_utf8_lossy(&ran.stderr));
    }

    /// What it has said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    fn client(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.env_clear().args(["--username=offing", "--host"]).arg(self.folder.path());
        command.arg(format!("--port={}", self.port));
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Its processes end with it, and the shared memory is given back, which SIGKILL is not
        // enough for.
        let stopped = Command::new("kill").args(["-QUIT", &self.server.id().to_string()]).status();
        if stopped.is_ok_and(|status| status.success()) {
            let _ = self.server.wait();
        }
    }
}

/// Where the distribution keeps the newest PostgreSQL, which is not always in `PATH`.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|version| {
            let number = version.file_name().to_str()?.parse().ok()?;
            Some((number, version.path().join("bin")))
        })
        .collect();
    found.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let newest = found.pop().map(|(_, folder)| folder);
    newest
        .into_iter()
        .chain(std::env::split_paths(&path))
        .find(|folder: &PathBuf| Path::new(folder).join("initdb").is_file())
        .expect("PostgreSQL is installed (`cargo xtask setup`)")
}
