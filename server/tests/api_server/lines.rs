//! Lines that take their time: a program between a caller and an address, which delays and paces TCP.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

/// A line that takes its time, and counts what crosses it towards the callers.
pub(crate) struct Line {
    pub(crate) address: SocketAddr,
    pub(crate) carried_bytes: Arc<AtomicU64>,
}

/// How long a line is, and how wide.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) round_trip: Duration,
    pub(crate) bytes_per_second: f64,
}

/// When one direction of a line is free again, for all connections.
type Free = Arc<Mutex<Instant>>;

impl Line {
    /// Lays a line to an address. A connection takes a round trip to begin, a piece half of one and
    /// its share of the width; nothing is lost, and nothing begins slowly.
    pub(crate) async fn to(far: SocketAddr, shape: Shape) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let carried_bytes = Arc::new(AtomicU64::new(0));
        let counts = Arc::clone(&carried_bytes);
        tokio::spawn(async move {
            let free = || Arc::new(Mutex::new(Instant::now()));
            let (up, down) = (free(), free());
            while let Ok((near, _)) = listener.accept().await {
                let (up, down, counts) = (Arc::clone(&up), Arc::clone(&down), Arc::clone(&counts));
                tokio::spawn(async move {
                    sleep(shape.round_trip).await;
                    let far = TcpStream::connect(far).await.unwrap();
                    near.set_nodelay(true).unwrap();
                    far.set_nodelay(true).unwrap();
                    let ((from_near, to_near), (from_far, to_far)) =
                        (near.into_split(), far.into_split());
                    let uncounted = Arc::default();
                    tokio::join!(
                        carry(from_near, to_far, shape, up, uncounted),
                        carry(from_far, to_near, shape, down, counts)
                    );
                });
            }
        });
        Self { address, carried_bytes }
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    shape: Shape,
    free: Free,
    carried: Arc<AtomicU64>,
) {
    // As many as may be on their way: a megabyte.
    let (sends, mut arrives) = mpsc::channel::<(Instant, Vec<u8>)>(64);
    let sending = async move {
        let mut piece = vec![0; 16 * 1024];
        while let Ok(len @ 1..) = from.read(&mut piece).await {
            let takes = Duration::from_secs_f64(len as f64 / shape.bytes_per_second);
            let arrives = {
                let mut free = free.lock().unwrap();
                *free = (*free).max(Instant::now()) + takes;
                *free + shape.round_trip / 2
            };
            carried.fetch_add(len as u64, Ordering::SeqCst);
            if sends.send((arrives, piece[..len].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let arriving = async {
        while let Some((at, piece)) = arrives.recv().await {
            sleep_until(at).await;
            if to.write_all(&piece).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(sending, arriving);
}
