//! A TCP server that keeps what it reads: what really reached a process, as its own kernel put it together.

use std::{
    collections::HashMap,
    io::Read,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use crate::{LabError, Namespace};

/// How soon its threads see that it ends.
const END: Duration = Duration::from_millis(200);
/// One thread per connection, of which there may be many.
const STACK: usize = 64 << 10;

type Streams = Arc<Mutex<HashMap<SocketAddr, Vec<u8>>>>;

/// Accepts every connection and reads it, says nothing. Ends on drop.
#[derive(Debug)]
pub struct TcpRecorder {
    address: SocketAddr,
    streams: Streams,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl TcpRecorder {
    /// Listens on `address` of a namespace; port 0 takes any.
    ///
    /// # Errors
    /// When the address is not the namespace's or is taken.
    pub fn start(namespace: &Namespace, address: SocketAddr) -> Result<Self, LabError> {
        let doing = format!("listening on TCP {address}");
        let listener = namespace.enter(|| TcpListener::bind(address))?.map_err(LabError::io(&doing))?;
        let address = listener.local_addr().map_err(LabError::io(&doing))?;
        listener.set_nonblocking(true).map_err(LabError::io(&doing))?;
        let (streams, stop) = (Streams::default(), Arc::new(AtomicBool::new(false)));
        let thread = std::thread::spawn({
            let (streams, stop) = (Arc::clone(&streams), Arc::clone(&stop));
            move || accept(&listener, &streams, &stop)
        });
        Ok(Self { address, streams, stop, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has read from `peer`; `None` without a connection.
    pub fn received(&self, peer: SocketAddr) -> Option<Vec<u8>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).get(&peer).cloned()
    }

    /// What it has read from each peer.
    pub fn all(&self) -> HashMap<SocketAddr, Vec<u8>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for TcpRecorder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, streams: &Streams, stop: &Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        let Ok((stream, peer)) = listener.accept() else {
            std::thread::sleep(Duration::from_millis(1));
            continue;
        };
        streams.lock().unwrap_or_else(PoisonError::into_inner).insert(peer, Vec::new());
        let (streams, stop) = (Arc::clone(streams), Arc::clone(stop));
        let reader = move || record(stream, peer, &streams, &stop);
        // Detached: it ends with the connection, or soon after the recorder.
        let _ = std::thread::Builder::new().stack_size(STACK).spawn(reader);
    }
}

fn record(mut stream: TcpStream, peer: SocketAddr, streams: &Streams, stop: &AtomicBool) {
    if stream.set_nonblocking(false).is_err() || stream.set_read_timeout(Some(END)).is_err() {
        return;
    }
    let mut buffer = [0; 4096];
    while !stop.load(Ordering::Relaxed) {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                let mut streams = streams.lock().unwrap_or_else(PoisonError::into_inner);
                streams.entry(peer).or_default().extend_from_slice(&buffer[..read]);
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
}
