//! Where a message ends and whom it is for must look the same to us and to whatever stands before us; a request that leaves room for two
//! readings can carry another one inside (attack 46). hyper settles most of this; here is what it lets through.

use http::{HeaderMap, HeaderValue, Method, Request, Version, header, uri::Authority};

/// What is wrong with a request, in words for whoever wrote the client.
pub(super) fn fault<B>(request: &Request<B>, conflict: bool) -> Option<&'static str> {
    let is_http1 = request.version() < Version::HTTP_2;
    if conflict {
        return Some("a request has Content-Length or Transfer-Encoding, not both");
    }
    if request.method() == Method::CONNECT {
        return Some("this is not a proxy");
    }
    if is_http1 && !transfer_encoding_is_plain(request.headers()) {
        return Some("the only Transfer-Encoding understood is chunked");
    }
    host_fault(request, is_http1)
}

/// hyper reads `gzip, chunked` as chunked and ignores the rest; another reader might not.
fn transfer_encoding_is_plain(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (values.next(), values.next()) {
        (None, _) => true,
        (Some(only), None) => only.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}

/// RFC 9112 §3.2: exactly one valid Host in HTTP/1.1; RFC 9113 §8.3.1: it must not contradict `:authority`.
fn host_fault<B>(request: &Request<B>, is_http1: bool) -> Option<&'static str> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Some("there is more than one Host");
    }
    match (host, request.uri().authority()) {
        (None, None) if request.version() == Version::HTTP_10 => None,
        (None, Some(authority)) if !is_http1 => authority_fault(authority),
        (None, _) => Some("there is no Host"),
        (Some(host), None) => (!is_host(host)).then_some("the Host is not valid"),
        (Some(host), Some(authority)) if !host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes()) => {
            Some("Host is not the one the request is addressed to")
        }
        (Some(_), Some(authority)) => authority_fault(authority),
    }
}

fn authority_fault(authority: &Authority) -> Option<&'static str> {
    authority.as_str().contains('@').then_some("an address has no user in it")
}

/// `uri-host [ ":" port ]` by its characters (RFC 3986 §3.2.2, without the sub-delimiters no real name has).
fn is_host(value: &HeaderValue) -> bool {
    let fine = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'%' | b':' | b'[' | b']');
    !value.is_empty() && value.as_bytes().iter().all(fine)
}

/// Looks for a `Content-Length` beside a `Transfer-Encoding` in the head of an HTTP/1 request as it comes in.
///
/// hyper drops the length when there is a transfer coding and closes the connection after the answer, as RFC 9112 §6.1 asks for at least;
/// nothing later can see that both were there. We refuse, because whoever sends both is after a reader who believes the other one.
#[derive(Debug, Default)]
pub(super) struct HeadScan {
    line: [u8; LONGEST],
    length: usize,
    content_length: bool,
    transfer_encoding: bool,
    done: bool,
}

const CONTENT_LENGTH: &[u8] = b"content-length:";
const TRANSFER_ENCODING: &[u8] = b"transfer-encoding:";
const LONGEST: usize = TRANSFER_ENCODING.len();

impl HeadScan {
    /// Takes the next bytes of the head, and says whether both have been seen. What follows the head is not looked at.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> bool {
        while !self.done && !bytes.is_empty() {
            let end = bytes.iter().position(|&b| b == b'\n');
            let (piece, rest) = end.map_or((bytes, &[][..]), |end| (&bytes[..end], &bytes[end + 1..]));
            self.extend(piece);
            if end.is_some() {
                self.end_line();
            }
            bytes = rest;
        }
        self.content_length && self.transfer_encoding
    }

    fn extend(&mut self, piece: &[u8]) {
        let taken = piece.len().min(LONGEST - self.length);
        self.line[self.length..self.length + taken].copy_from_slice(&piece[..taken]);
        self.length += taken;
    }

    fn end_line(&mut self) {
        let line = &self.line[..self.length];
        self.done = matches!(line, [] | [b'\r']);
        self.content_length |= starts_with(line, CONTENT_LENGTH);
        self.transfer_encoding |= starts_with(line, TRANSFER_ENCODING);
        self.length = 0;
    }
}

fn starts_with(line: &[u8], name: &[u8]) -> bool {
    line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(head: &str) -> bool {
        let whole = HeadScan::default().feed(head.as_bytes());
        let mut scan = HeadScan::default();
        let bytewise = head.as_bytes().chunks(1).fold(false, |_, byte| scan.feed(byte));
        assert_eq!(whole, bytewise, "it makes no difference how the bytes are cut: {head:?}");
        whole
    }

    #[test]
    fn a_length_beside_a_transfer_coding_is_seen_wherever_they_stand() {
        assert!(both("POST / HTTP/1.1\r\nContent-Length: 3\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
        assert!(both("POST / HTTP/1.1\ntransfer-encoding:chunked\nCONTENT-LENGTH:0\n\n"));
    }

    #[test]
    fn what_only_looks_like_it_is_not_taken_for_it() {
        assert!(!both("POST / HTTP/1.1\r\nContent-Length: 3\r\nHost: a\r\n\r\nTransfer-Encoding: chunked\r\n"));
        assert!(!both("POST / HTTP/1.1\r\nX-Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"));
        assert!(!both("POST / HTTP/1.1\r\nX: Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"));
    }

    fn request(version: Version, uri: &str, hosts: &[&str]) -> Option<&'static str> {
        let mut request = Request::builder().version(version).uri(uri);
        for host in hosts {
            request = request.header("host", *host);
        }
        fault(&request.body(()).unwrap(), false)
    }

    #[test]
    fn a_request_says_once_whom_it_is_for() {
        assert_eq!(request(Version::HTTP_11, "/", &["a.example:8443"]), None);
        assert_eq!(request(Version::HTTP_11, "/", &["[::1]:80"]), None);
        assert_eq!(request(Version::HTTP_11, "http://a.example/", &["a.example"]), None);
        assert_eq!(request(Version::HTTP_10, "/", &[]), None);
        assert_eq!(request(Version::HTTP_2, "https://a.example/", &[]), None);
        for (version, uri, hosts) in [
            (Version::HTTP_11, "/", &[][..]),
            (Version::HTTP_11, "/", &["a", "a"]),
            (Version::HTTP_11, "/", &[""]),
            (Version::HTTP_11, "/", &["a,b"]),
            (Version::HTTP_11, "/", &["a@b"]),
            (Version::HTTP_11, "/", &["a/b"]),
            (Version::HTTP_11, "http://a.example/", &["b.example"]),
            (Version::HTTP_11, "http://u@a.example/", &["u@a.example"]),
            (Version::HTTP_10, "/", &["a", "b"]),
            (Version::HTTP_2, "https://a.example/", &["b.example"]),
            (Version::HTTP_2, "https://u@a.example/", &[]),
        ] {
            assert!(request(version, uri, hosts).is_some(), "{version:?} {uri} {hosts:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn it_makes_no_difference_how_any_bytes_are_cut(
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
            lines in "((content-length|Transfer-Encoding|x|): ?[a-z0-9]{0,8}\r?\n){0,6}\r?\n?",
            size in 1_usize..40,
        ) {
            for head in [&bytes[..], lines.as_bytes()] {
                let whole = HeadScan::default().feed(head);
                let mut scan = HeadScan::default();
                let pieces = head.chunks(size).fold(false, |_, piece| scan.feed(piece));
                proptest::prop_assert_eq!(whole, pieces);
            }
        }

        #[test]
        fn any_host_is_taken_or_refused(host in "[ -~]{0,80}") {
            let Ok(value) = HeaderValue::from_str(&host) else { return Ok(()) };
            let request = Request::builder().version(Version::HTTP_11).uri("/").header("host", value).body(()).unwrap();
            let fault = fault(&request, false);
            proptest::prop_assert!(fault.is_some() || !host.contains(['@', '/', ',', ' ', '\\']), "{host}");
        }
    }
}
