//! Network namespaces that somebody made before the test began (`netns.sh`), and work that is done in them.

use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd as _;
use std::process::Command;

use rustix::fs::{Mode, OFlags, open};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::runtime::{Builder, Handle};

/// Where the server listens.
pub(crate) const ORIGIN: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 1, 2));
/// Where the edge listens.
pub(crate) const EDGE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 2, 2));

/// A runtime, each of whose threads is in a namespace.
#[derive(Clone)]
pub(crate) struct Namespace {
    name: &'static str,
    runtime: Handle,
}

impl Namespace {
    /// Goes into one, by its name.
    pub(crate) fn enter(name: &'static str) -> Self {
        let enters = move || {
            let namespace =
                open(format!("/run/netns/{name}"), OFlags::RDONLY, Mode::empty()).unwrap();
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
        };
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).enable_all().on_thread_start(enters).build();
        // It ends with the program: none can end within another.
        Self { name, runtime: Box::leak(Box::new(runtime.unwrap())).handle().clone() }
    }

    /// Does something there. What it starts stays there.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T> + Send + 'static) -> T
    where
        T: Send + 'static,
    {
        self.runtime.spawn(work).await.unwrap()
    }

    /// Bytes that its line has carried away from it, with the headers of every layer.
    pub(crate) fn sent_bytes(&self) -> u64 {
        let path = "/sys/class/net/line/statistics/tx_bytes";
        let read = Command::new("ip").args(["netns", "exec", self.name, "cat", path]).output();
        String::from_utf8(read.unwrap().stdout).unwrap().trim().parse().unwrap()
    }
}
