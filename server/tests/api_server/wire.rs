//! HTTP/1.1 written by hand: a client that costs as much as what it calls would measure itself.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    headers.find(|(its, _)| its.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Connects; what is written goes at once.
pub(crate) async fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Asks over a connection that stays open, and reads the answer, whose length has to be told.
pub(crate) async fn ask(stream: &mut TcpStream, head: &[u8], body: &[u8]) -> Answer {
    stream.write_all(head).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut bytes = Vec::with_capacity(2 * 1024);
    let head_len = loop {
        if let Some(at) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
            break at + 4;
        }
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the connection ended");
    };
    let mut body = bytes.split_off(head_len);
    let head = String::from_utf8(bytes).unwrap();
    let len = header(&head, "content-length").map_or(0, |len| len.parse().unwrap());
    body.reserve(len - body.len());
    while body.len() < len {
        assert!(stream.read_buf(&mut body).await.unwrap() > 0, "the connection ended");
    }
    Answer { status: head[9..12].parse().unwrap(), head, body }
}
