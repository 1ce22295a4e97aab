//! The door: an accept loop of our own over hyper that feeds a poem endpoint.
//!
//! What it holds off, so that no handler has to: a client that sends its headers or its body slowly, one that takes its answer
//! slowly, a flood of connections, a process out of file descriptors, a message whose end two readers would see in different places
//! (`framing`), a broken new certificate, and a stop in the middle of somebody's login.
//!
//! A connection has a seat on the roster (`roster`) for as long as it lives. The seat is a handful of
//! atomics that the connection writes as it goes; everything that takes time into account reads them from outside, once per tick,
//! so that no request pays for a timer.

mod accept;
mod ask;
mod bridge;
mod connection;
mod framing;
mod roster;
mod tls;

use std::{future::Future, io, net::SocketAddr, path::PathBuf, pin::pin, sync::Arc, time::Duration};

use poem::Endpoint;
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tracing::{info, warn};
use vestibule_domain::time::Timestamp;

use accept::{Accept, Shedder};
use roster::{Limits, Roster};
use tls::Certificates;

/// Connections the kernel may hold for us before they are accepted.
const BACKLOG: u32 = 1024;
/// How often a full house looks again for a connection that has fallen idle.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// How long connections get to notice that they were closed by force.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Where a door stands and how patient it is.
#[derive(Clone, Debug)]
pub struct DoorOptions {
    /// Where to listen; port 0 lets the system choose.
    pub address: SocketAddr,
    /// Serve TLS with these files. Without them the door speaks plain HTTP/1.1, for a proxy in front.
    pub tls: Option<TlsFiles>,
    /// Who is asked for a certificate of their own. Nobody has to have one.
    pub asks: Asks,
    /// How long a client may take for a TLS handshake, and for the headers of a request from their first byte on (its first one: from the
    /// handshake on). Default: 10 seconds.
    pub header_timeout: Duration,
    /// How long a connection may wait for its next request. Default: 75 seconds, longer than the 60 of usual proxies, so that they
    /// close first and never send into a closing connection.
    pub idle_timeout: Duration,
    /// How long an endpoint may take for its answer, the time the client needs to send the body included. Default: 60 seconds.
    pub request_timeout: Duration,
    /// How many connections are open at most. Default: 10,000. Keep it below the process's limit of file descriptors.
    pub max_connections: usize,
    /// How long a stop waits for requests under way. Default: 30 seconds.
    pub drain_timeout: Duration,
}

/// Who is asked for a certificate in the TLS handshake (RFC 8705).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Asks {
    /// Nobody.
    #[default]
    Nobody,
    /// Everybody, people's browsers too: one that has certificates lets its person choose.
    Everybody,
    /// Who calls this host (RFC 6066 §3), which is for clients with certificates alone.
    At(String),
}

/// A certificate chain and its key, both PEM. They are read again while the door is open, so a renewal needs no restart.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The chain, our certificate first.
    pub certificate: PathBuf,
    /// The private key: PKCS#8, PKCS#1 or SEC1.
    pub key: PathBuf,
}

impl TlsFiles {
    /// Reads them as the door would, for whoever checks a configuration without opening one.
    ///
    /// # Errors
    /// When a file can't be read or used, or the key is another certificate's; the text names the file.
    pub fn check(&self) -> io::Result<()> {
        Certificates::load(self.clone()).map(drop)
    }

    /// When the certificate expires; nothing if it can't be read.
    pub fn expiry(&self) -> Option<Timestamp> {
        tls::expiry(&self.certificate)
    }
}

impl DoorOptions {
    /// The defaults, at an address.
    pub fn at(address: SocketAddr) -> Self {
        Self {
            address,
            tls: None,
            asks: Asks::default(),
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            request_timeout: Duration::from_mins(1),
            max_connections: 10_000,
            drain_timeout: Duration::from_secs(30),
        }
    }
}

/// A bound listener that serves nobody yet.
#[derive(Debug)]
pub struct Door {
    accept: Accept,
    address: SocketAddr,
    certificates: Option<Arc<Certificates>>,
    options: DoorOptions,
}

/// Has the certificate files of a door read again.
#[derive(Clone, Debug)]
pub struct Reload(Option<Arc<Certificates>>);

impl Reload {
    /// Reads them now rather than at the next look. A pair that can't be used is an error and changes nothing.
    pub fn reload(&self) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), |certificates| certificates.reload())
    }
}

impl Door {
    /// Binds the address and reads the certificate. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// When the address is taken or not ours, or a certificate file can't be read or used; the text names the file.
    pub fn bind(options: DoorOptions) -> io::Result<Self> {
        let certificates = options.tls.clone().map(Certificates::load).transpose()?.map(Arc::new);
        let socket = if options.address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // A restart must not wait for the connections of the previous process to time out in the kernel.
        socket.set_reuseaddr(true)?;
        socket.bind(options.address)?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        Ok(Self { accept: Accept::new(listener), address, certificates, options })
    }

    /// Where it really listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// For an operator's signal.
    pub fn reloader(&self) -> Reload {
        Reload(self.certificates.clone())
    }

    /// Serves until `shutdown` resolves, then finishes what was accepted, for [`DoorOptions::drain_timeout`] at most.
    ///
    /// When a client hangs up, the endpoint's future is dropped where it awaits: what must not stop halfway belongs behind a commit.
    pub async fn serve<E>(self, endpoint: E, shutdown: impl Future<Output = ()> + Send) -> io::Result<()>
    where
        E: Endpoint + 'static,
    {
        let Self { accept, address, certificates, options } = self;
        let roster = Arc::new(Roster::new(Limits::of(&options)));
        let configs = certificates.as_ref().map(|certificates| tls::Configs::new(certificates, &options.asks)).transpose();
        let configs = configs.map_err(io::Error::other)?;
        let welcome = connection::Welcome::new(Arc::new(endpoint), configs, roster.clone(), address, &options);
        info!(address = %address, tls = certificates.is_some(), "listening on {address}");

        let work = async {
            let mut shutdown = pin!(shutdown);
            let mut hall = Hall { accept, shedder: Shedder::default(), roster: &roster, most: options.max_connections, in_hand: None };
            loop {
                tokio::select! {
                    biased;
                    () = &mut shutdown => break,
                    stream = hall.next() => welcome.welcome(stream),
                }
            }
            roster.start_draining();
            hall.leftovers()?.into_iter().for_each(|stream| welcome.welcome(stream));
            drain(&roster, options.drain_timeout).await;
            Ok(())
        };
        tokio::select! {
            done = work => done,
            never = roster.watch() => match never {},
            never = tls::watch(certificates.as_deref()) => match never {},
        }
    }
}

/// Where connections wait to be let in.
struct Hall<'a> {
    accept: Accept,
    shedder: Shedder,
    roster: &'a Roster,
    most: usize,
    /// Accepted, but the house is full; kept here so that a stop doesn't lose it.
    in_hand: Option<TcpStream>,
}

impl Hall<'_> {
    /// The next connection, when there is room for it. Dropping the future loses none.
    async fn next(&mut self) -> TcpStream {
        loop {
            if let Some(stream) = self.in_hand.take_if(|_| self.roster.len() < self.most) {
                self.roster.set_full(false);
                return stream;
            }
            if self.in_hand.is_some() {
                self.roster.set_full(true);
                self.shedder.shed(self.roster);
                let _ = timeout(LOOK_AGAIN, self.roster.somebody_left()).await;
            } else {
                self.in_hand = Some(self.accept.next(self.roster, &mut self.shedder).await);
            }
        }
    }

    /// Everything the kernel holds that was never let in; then nobody listens any more.
    fn leftovers(self) -> io::Result<Vec<TcpStream>> {
        let mut streams = self.accept.close()?;
        streams.extend(self.in_hand);
        Ok(streams)
    }
}

/// Waits for everybody to leave, and closes on those who don't.
async fn drain(roster: &Roster, patience: Duration) {
    let everybody_left = async {
        while roster.len() > 0 {
            roster.somebody_left().await;
        }
    };
    let mut everybody_left = pin!(everybody_left);
    if timeout(patience, &mut everybody_left).await.is_err() {
        warn!(connections = roster.len(), "{} connections did not finish in time and are closed", roster.len());
        roster.dismiss_everybody();
        let _ = timeout(LAST_WORDS, everybody_left).await;
    }
}
