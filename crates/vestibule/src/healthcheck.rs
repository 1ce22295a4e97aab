//! `vestibule healthcheck`: is the gateway of this machine ready? For containers, which have no other program to ask with.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    path::Path,
    time::Duration,
};

use serde_json::json;

use crate::{
    config::{self, layers},
    failure::Failure,
    print,
};

const PATIENCE: Duration = Duration::from_secs(5);
/// More than `/readyz` ever says.
const LONGEST_ANSWER: u64 = 4096;

/// Asks `/readyz` of the configured operators' listener.
pub(crate) fn healthcheck(path: Option<&Path>, as_json: bool) -> Result<(), Failure> {
    let address = reachable(config::ops_of(&layers::read(path, &config::environment())?)?);
    let asked = is_ready(address);
    if as_json {
        let why = asked.as_ref().err().map(|failure| failure.to_string().trim_start_matches("error: ").to_owned());
        print::json(&json!({ "ready": asked.is_ok(), "asked": format!("http://{address}/readyz"), "why_not": why }))?;
    }
    asked
}

fn is_ready(address: SocketAddr) -> Result<(), Failure> {
    let answer = ask(address).map_err(|error| Failure::io(format!("http://{address}/readyz does not answer"), error))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    match head.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => Err(Failure::Plain(format!("http://{address}/readyz is not ready: {}", body.trim().escape_debug()))),
    }
}

/// Who listens everywhere listens on loopback too.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

fn ask(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(LONGEST_ANSWER).read_to_string(&mut answer)?;
    Ok(answer)
}
