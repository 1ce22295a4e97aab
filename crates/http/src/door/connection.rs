//! One connection, from the handshake to its end.

use std::{
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use http::uri::Scheme;
use hyper::{
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::graceful::GracefulConnection,
};
use poem::{
    Addr, Endpoint,
    web::{LocalAddr, RemoteAddr},
};
use rustls_pki_types::CertificateDer;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::sleep,
};
use tokio_rustls::LazyConfigAcceptor;
use tracing::debug;

use super::{
    DoorOptions,
    bridge::Visit,
    framing::HeadScan,
    roster::{Order, Phase, Roster, Seat, Seated},
    tls::Configs,
};
use crate::certificates::PeerCertificates;

/// Longest head of a request: request line and headers; also the longest header list in HTTP/2.
const HEAD: u32 = 64 * 1024;
/// Requests under way on one HTTP/2 connection.
const STREAMS: u32 = 100;
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection that was told to finish may stay open with nothing under way: HTTP/2 needs a round trip to agree on the end.
const PARTING: Duration = Duration::from_secs(1);
/// How much is read and thrown away after our last answer.
const MOST_UNREAD: usize = 256 * 1024;

/// What every connection gets.
pub(super) struct Welcome<E> {
    endpoint: Arc<E>,
    tls: Option<Configs>,
    roster: Arc<Roster>,
    address: SocketAddr,
    request_timeout: Duration,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
}

impl<E: Endpoint + 'static> Welcome<E> {
    pub(super) fn new(endpoint: Arc<E>, tls: Option<Configs>, roster: Arc<Roster>, address: SocketAddr, options: &DoorOptions) -> Self {
        let mut http1 = http1::Builder::new();
        // hyper's own limit runs while a connection waits for its next request too, so it can't tell a slow head from a
        // patient client; the roster can, and keeps both limits.
        http1.timer(TokioTimer::new()).header_read_timeout(None).max_header_size(HEAD as usize).max_buf_size(HEAD as usize);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(HEAD)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_TIMEOUT);
        Self { endpoint, tls, roster, address, request_timeout: options.request_timeout, http1, http2 }
    }

    /// Takes a seat for a connection and serves it in a task of its own.
    pub(super) fn welcome(&self, stream: TcpStream) {
        let Ok(remote) = stream.peer_addr() else { return };
        // Without this the second half of a short answer waits for the client's delayed acknowledgement, up to 40 ms.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "could not set TCP_NODELAY");
        }
        let seated = self.roster.take_seat();
        let visit = Visit {
            endpoint: self.endpoint.clone(),
            roster: self.roster.clone(),
            seat: seated.seat.clone(),
            local: LocalAddr(Addr::SocketAddr(stream.local_addr().unwrap_or(self.address))),
            remote: RemoteAddr(Addr::SocketAddr(remote)),
            scheme: if self.tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP },
            request_timeout: self.request_timeout,
            certificates: None,
        };
        let (http1, http2) = (self.http1.clone(), self.http2.clone());
        match self.tls.clone() {
            None => drop(tokio::spawn(speak_http1(http1, stream, Arc::new(visit), seated))),
            Some(tls) => drop(tokio::spawn(async move {
                let Some(stream) = shake_hands(&tls, stream, &seated.seat).await else { return };
                let shown = stream.get_ref().1.peer_certificates();
                let certificates = shown.map(|shown| PeerCertificates(shown.iter().cloned().map(CertificateDer::into_owned).collect()));
                let visit = Arc::new(Visit { certificates, ..visit });
                if stream.get_ref().1.alpn_protocol() == Some(super::tls::H2) {
                    speak_http2(http2, stream, visit, seated).await;
                } else {
                    speak_http1(http1, stream, visit, seated).await;
                }
            })),
        }
    }
}

async fn shake_hands(tls: &Configs, stream: TcpStream, seat: &Seat) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
    seat.enters(Phase::Handshake);
    let shaken = tokio::select! {
        shaken = accept(tls, stream) => shaken,
        _ = seat.told(Order::Leave) => return None,
    };
    seat.enters(Phase::Fresh);
    shaken.inspect_err(|error| debug!(%error, "a TLS handshake failed")).ok()
}

/// Whether a certificate is asked for hangs on the name that the client calls.
async fn accept(tls: &Configs, stream: TcpStream) -> io::Result<tokio_rustls::server::TlsStream<TcpStream>> {
    let begun = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
    let config = tls.of(&begun.client_hello());
    begun.into_stream(config).await
}

async fn speak_http1<E, S>(builder: http1::Builder, stream: S, visit: Arc<Visit<E>>, seated: Seated)
where
    E: Endpoint + 'static,
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let io = TokioIo::new(Watched { stream, seat: seated.seat.clone(), scan: HeadScan::default(), drained: 0, shut: false });
    see_through(builder.serve_connection(io, service_fn(move |request| visit.clone().answer(request))), &seated.seat).await;
}

async fn speak_http2<E, S>(builder: http2::Builder<TokioExecutor>, stream: S, visit: Arc<Visit<E>>, seated: Seated)
where
    E: Endpoint + 'static,
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    seated.seat.speaks_http2();
    let io = TokioIo::new(stream);
    see_through(builder.serve_connection(io, service_fn(move |request| visit.clone().answer(request))), &seated.seat).await;
}

/// Drives a connection until it ends or is told to.
async fn see_through<C>(connection: C, seat: &Seat)
where
    C: GracefulConnection<Error = hyper::Error> + Send,
{
    let mut connection = pin!(connection);
    let order = tokio::select! {
        biased;
        ended = connection.as_mut() => return log_end(ended),
        order = seat.told(Order::Finish) => order,
    };
    if order == Order::Leave {
        return;
    }
    connection.as_mut().graceful_shutdown();
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => return log_end(ended),
            _ = seat.told(Order::Leave) => return,
            () = sleep(PARTING) => if !seat.is_busy() { return },
        }
    }
}

fn log_end(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        debug!(%error, "a connection ended early");
    }
}

/// A stream that tells its seat when a request begins to arrive, and looks at its head.
struct Watched<S> {
    stream: S,
    seat: Arc<Seat>,
    scan: HeadScan,
    drained: usize,
    shut: bool,
}

impl<S> Watched<S> {
    fn saw(&mut self, bytes: &[u8]) {
        // While an answer is under way, what arrives is the body, or a pipelined request; in the latter hyper lets the transfer coding
        // win over a length and closes after it, which is what RFC 9112 §6.1 asks for.
        if bytes.is_empty() || self.seat.is_busy() {
            return;
        }
        let phase = self.seat.phase();
        if phase != Phase::Head {
            self.scan = HeadScan::default();
        }
        match phase {
            Phase::Waiting => self.seat.enters(Phase::Head),
            Phase::Fresh => self.seat.enters_first_head(),
            Phase::Handshake | Phase::Head | Phase::Closing => {}
        }
        if self.scan.feed(bytes) {
            self.seat.mark_conflict();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        this.saw(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    /// Says that we are done, and then, where the client may still be talking, hears it out for a moment: see [`Seat::may_have_unread`].
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.shut {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            this.shut = true;
            if !this.seat.may_have_unread() {
                return Poll::Ready(Ok(()));
            }
            this.seat.enters(Phase::Closing);
        }
        let mut scratch = [0; 4096];
        while this.drained < MOST_UNREAD {
            let mut buf = ReadBuf::new(&mut scratch);
            let read = ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buf));
            if read.is_err() || buf.filled().is_empty() {
                break;
            }
            this.drained += buf.filled().len();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
