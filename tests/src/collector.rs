//! A collector of OpenTelemetry's protocol, as little of one as tests need.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
};

/// Keeps every byte that is posted to it: names and texts stand in its messages as they are.
#[derive(Debug)]
pub struct Collector {
    /// Where it answers.
    pub url: String,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Collector {
    /// Starts it.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let seen: Arc<Mutex<Vec<u8>>> = Arc::default();
        let kept = seen.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let kept = kept.clone();
                std::thread::spawn(move || {
                    let mut buffer = vec![0; 64 * 1024];
                    while let Ok(read) = stream.read(&mut buffer) {
                        if read == 0 {
                            break;
                        }
                        kept.lock().expect("nobody panics here").extend_from_slice(&buffer[..read]);
                        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n");
                    }
                });
            }
        });
        Self { url, seen }
    }

    /// Every byte it has been sent.
    pub fn seen(&self) -> Vec<u8> {
        self.seen.lock().expect("nobody panics here").clone()
    }

    /// How often it has been sent these bytes.
    pub fn times(&self, part: impl AsRef<[u8]>) -> usize {
        let part = part.as_ref();
        self.seen.lock().expect("nobody panics here").windows(part.len()).filter(|window| *window == part).count()
    }
}
