//! A small HTTP/1.0 server and client for tests: bulk bodies made from a formula, so that both ends can tell
//! whether they are right.

use std::{
    hash::{DefaultHasher, Hasher},
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use crate::{LabError, Namespace};

const CHUNK: usize = 1 << 16;

/// Serves `GET /<n>` with a body of n bytes. Ends on drop.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl HttpServer {
    /// Serves on `address` of a namespace; port 0 takes any.
    ///
    /// # Errors
    /// When the address is not the namespace's or is taken.
    pub fn start(namespace: &Namespace, address: SocketAddr) -> Result<Self, LabError> {
        let doing = format!("listening on TCP {address}");
        let listener = namespace.enter(|| TcpListener::bind(address))?.map_err(LabError::io(&doing))?;
        let address = listener.local_addr().map_err(LabError::io(&doing))?;
        listener.set_nonblocking(true).map_err(LabError::io(&doing))?;
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let stop = Arc::clone(&stop);
            move || {
                while !stop.load(Ordering::Relaxed) {
                    match listener.accept() {
                        // Detached: a timeout on the connection ends it.
                        Ok((stream, _)) => drop(std::thread::spawn(move || serve(&stream))),
                        Err(_) => std::thread::sleep(Duration::from_millis(2)),
                    }
                }
            }
        });
        Ok(Self { address, stop, thread: Some(thread) })
    }

    /// Where it serves.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.set_write_timeout(Some(Duration::from_secs(10)))?;
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let size: usize = request.split(['/', ' ']).nth(2).and_then(|word| word.parse().ok()).unwrap_or(0);
    let mut stream = stream;
    write!(stream, "HTTP/1.0 200 OK\r\nContent-Length: {size}\r\n\r\n")?;
    pattern(size, |chunk| stream.write_all(chunk))
}

/// Hands `take` the body of `size` bytes in chunks: a xorshift sequence, so that a chunk lost, doubled or
/// moved is seen.
fn pattern<E>(size: usize, mut take: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut chunk = vec![0; CHUNK];
    let mut left = size;
    while left > 0 {
        for word in chunk.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        let part = left.min(CHUNK);
        take(&chunk[..part])?;
        left -= part;
    }
    Ok(())
}

/// Checksum that [`download`] must report for a body of `size` bytes.
pub fn pattern_digest(size: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    let Ok(()) = pattern(size, |chunk| {
        hasher.write(chunk);
        Ok::<(), std::convert::Infallible>(())
    });
    hasher.finish()
}

/// A body as the client got it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Body {
    /// Its length in bytes.
    pub length: usize,
    /// Its checksum, to be compared with [`pattern_digest`].
    pub digest: u64,
}

/// Fetches a body of `size` bytes from an [`HttpServer`], with `header` (`Name: value`) in the request. No
/// single read may take longer than `limit`.
///
/// # Errors
/// When the namespace cannot be entered, or the connection fails or falls silent.
pub fn download(
    from: &Namespace,
    server: SocketAddr,
    size: usize,
    header: &str,
    limit: Duration,
) -> Result<Body, LabError> {
    from.enter(|| download_here(server, size, header, limit))?
        .map_err(LabError::io(format!("downloading {size} bytes from {server}")))
}

fn download_here(server: SocketAddr, size: usize, header: &str, limit: Duration) -> io::Result<Body> {
    let mut stream = TcpStream::connect_timeout(&server, limit)?;
    stream.set_read_timeout(Some(limit))?;
    let request = format!("GET /{size} HTTP/1.0\r\nHost: lab\r\n{header}\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut reader = BufReader::with_capacity(CHUNK, stream);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    // Hashed in the same chunks as the pattern: a Hasher does not promise that their bounds do not matter.
    let (mut hasher, mut length, mut chunk) = (DefaultHasher::new(), 0, vec![0; CHUNK]);
    loop {
        let mut filled = 0;
        while filled < CHUNK {
            match reader.read(&mut chunk[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        if filled == 0 {
            return Ok(Body { length, digest: hasher.finish() });
        }
        hasher.write(&chunk[..filled]);
        length += filled;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_tells_bodies_apart() {
        assert_eq!(pattern_digest(100_000), pattern_digest(100_000));
        assert_ne!(pattern_digest(100_000), pattern_digest(100_001));
    }
}
