//! What was done to a server, a line of JSON for each change, in `audit.log` in its data folder: when,
//! what, to whom, by which way. The same goes to the log on standard error, which outlives a folder that goes with its
//! process (Kubernetes).

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// What the log says of changes, and of who was refused, beside all else.
pub const AUDIT: &str = "offing_server::audit";

/// By which way somebody keeps a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A command beside the server.
    Command,
    /// The page at `/admin`.
    Page,
}

/// Where changes are noted that come by one way.
#[derive(Debug, Clone)]
pub struct Audit {
    path: PathBuf,
    way: Way,
}

impl Audit {
    /// The log in this data folder; the first line makes it.
    pub fn of(data: &Path, way: Way) -> Self {
        Self { path: data.join("audit.log"), way }
    }

    /// Notes what is about to be done and waits for the disk; blocks. `more` is an object.
    pub fn note(&self, now_ms: i64, action: &str, more: Value) -> io::Result<()> {
        let by = match self.way {
            Way::Command => "command",
            Way::Page => "page",
        };
        tracing::info!(target: AUDIT, action, by, %more, "noted");
        let mut line = more;
        line["at_ms"] = now_ms.into();
        line["action"] = action.into();
        line["by"] = by.into();
        let mut options = OpenOptions::new();
        let mut log = options.create(true).append(true).mode(0o600).open(&self.path)?;
        writeln!(log, "{line}")?;
        log.sync_all()
    }
}
