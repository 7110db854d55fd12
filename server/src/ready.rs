//! Asks a server that runs with a configuration whether it is ready, from the same machine: what
//! a container's health check does, in which there is no other program to ask with.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use crate::config::Config;

/// Reports that the server is not ready.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotReady {
    /// It does not answer.
    #[error("the server does not answer")]
    Silent(#[from] reqwest::Error),
    /// It answers that it is not.
    #[error("the server answers {status}")]
    Busy {
        /// The status.
        status: u16,
    },
}

/// Asks once.
pub async fn ask(config: &Config) -> Result<(), NotReady> {
    let mut address = config.listen;
    address.set_ip(match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    });
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    // Its certificate names where others find it, and nothing that is said here is secret.
    let client = reqwest::Client::builder().no_proxy().danger_accept_invalid_certs(true);
    let client = client.timeout(DEADLINE).build()?;
    let answer = client.get(format!("{scheme}://{address}/readyz")).send().await?;
    let status = answer.status();
    if status.is_success() { Ok(()) } else { Err(NotReady::Busy { status: status.as_u16() }) }
}

/// Less than a health check has.
const DEADLINE: Duration = Duration::from_secs(4);
