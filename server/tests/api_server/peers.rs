//! Programs of others that take files by HTTP, each over a folder of its own. Neither waits for
//! the disk.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::program::free_address;

/// How long a start is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A program that runs until this is dropped.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    child: Child,
    _folder: TempDir,
}

impl Peer {
    /// nginx with its module for WebDAV; `None` where it is not installed.
    pub(crate) async fn nginx() -> Option<Self> {
        let (folder, address) = (TempDir::new().unwrap(), free_address().await);
        let place = folder.path().display();
        let config = format!(
            "daemon off; pid {place}/pid; error_log {place}/errors; worker_processes 2; {user}\n\
             events {{ worker_connections 512; }}\n\
             http {{ access_log off; client_body_temp_path {place}/bodies;\n\
             keepalive_requests 1000000; client_max_body_size 64m; sendfile on; tcp_nopush on;\n\
             server {{ listen {address}; root {place}/files; dav_methods PUT DELETE; }} }}\n",
            user = if is_root() { "user root;" } else { "" },
        );
        std::fs::create_dir(folder.path().join("files")).unwrap();
        let config_file = folder.path().join("nginx.conf");
        std::fs::write(&config_file, config).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-e").arg(folder.path().join("errors")).arg("-c").arg(config_file);
        Self::start("nginx, DAV", command, address, folder).await
    }

    /// `rclone serve webdav`; `None` where it is not installed.
    pub(crate) async fn rclone() -> Option<Self> {
        let (folder, address) = (TempDir::new().unwrap(), free_address().await);
        let mut command = Command::new("rclone");
        command.args(["serve", "webdav", "--config", "/dev/null", "--addr", &address.to_string()]);
        command.arg(folder.path());
        Self::start("rclone serve webdav", command, address, folder).await
    }

    async fn start(
        name: &'static str,
        mut command: Command,
        address: SocketAddr,
        folder: TempDir,
    ) -> Option<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().ok()?;
        let begun = Instant::now();
        while TcpStream::connect(address).await.is_err() {
            assert!(child.try_wait().unwrap().is_none(), "{name} goes on");
            assert!(begun.elapsed() < PATIENCE, "{name} does not start");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Some(Self { name, address, child, _folder: folder })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Politely, so that it ends those that it has started.
        let stopped = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        if stopped.is_ok_and(|status| status.success()) {
            self.child.wait().ok();
        }
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}
