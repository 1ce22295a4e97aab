//! A small database in MaxMind's format (<https://maxmind.github.io/MaxMind-DB/>), as an operator might keep one.

use std::net::IpAddr;

/// When databases were built, in seconds since the Unix epoch, unless it is said.
const BUILT: u64 = 1_800_000_000;

/// A database of cities: networks, each with a country, a latitude and a longitude, exact to 20 km.
pub fn cities(places: &[(&str, &str, f64, f64)]) -> Vec<u8> {
    cities_built(BUILT, places)
}

/// The same, built at a moment.
pub fn cities_built(at: u64, places: &[(&str, &str, f64, f64)]) -> Vec<u8> {
    let entry = |country: &str, latitude: f64, longitude: f64| {
        let country = map(&[("iso_code", text(country))]);
        let location = map(&[("latitude", double(latitude)), ("longitude", double(longitude)), ("accuracy_radius", number(5, 20))]);
        map(&[("country", country), ("location", location)])
    };
    let entries: Vec<_> = places.iter().map(|(network, country, north, east)| (*network, entry(country, *north, *east))).collect();
    built("GeoLite2-City", at, &entries)
}

/// A database of any kind, with nothing in it.
pub fn database(kind: &str) -> Vec<u8> {
    built(kind, BUILT, &[])
}

fn built(kind: &str, at: u64, entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut tree = vec![[Child::Nothing; 2]];
    let mut data: Vec<u8> = Vec::new();
    for (network, entry) in entries {
        let (bits, length) = prefix(network);
        let mut node = 0;
        for depth in 0..length {
            let side = usize::from(bits >> (127 - depth) & 1 == 1);
            if depth + 1 == length {
                tree[node][side] = Child::Entry(data.len());
            } else if let Child::Node(next) = tree[node][side] {
                node = next;
            } else {
                tree.push([Child::Nothing; 2]);
                let next = tree.len() - 1;
                tree[node][side] = Child::Node(next);
                node = next;
            }
        }
        data.extend(entry);
    }
    let mut bytes: Vec<u8> = Vec::new();
    for child in tree.iter().flatten() {
        let value = match child {
            Child::Nothing => tree.len(),
            Child::Node(node) => *node,
            // Behind the tree lie sixteen bytes of nothing.
            Child::Entry(at) => tree.len() + 16 + at,
        };
        bytes.extend(&u32::try_from(value).expect("a small database").to_be_bytes()[1..]);
    }
    bytes.extend([0; 16]);
    bytes.extend(data);
    bytes.extend(b"\xab\xcd\xefMaxMind.com");
    bytes.extend(map(&[
        ("node_count", number(6, u64::try_from(tree.len()).expect("a small database"))),
        ("record_size", number(5, 24)),
        ("ip_version", number(5, 6)),
        ("database_type", text(kind)),
        ("languages", vec![0, 4]),
        ("binary_format_major_version", number(5, 2)),
        ("binary_format_minor_version", number(5, 0)),
        ("build_epoch", number(9, at)),
        ("description", map(&[])),
    ]));
    bytes
}

#[derive(Clone, Copy)]
enum Child {
    Nothing,
    Node(usize),
    Entry(usize),
}

/// The bits of a network, and how many of them count. IPv4 lies at `::/96`.
fn prefix(network: &str) -> (u128, u32) {
    let (address, length) = network.split_once('/').expect("a network");
    let length: u32 = length.parse().expect("a length");
    match address.parse().expect("an address") {
        IpAddr::V4(address) => (u128::from(address.to_bits()), length + 96),
        IpAddr::V6(address) => (address.to_bits(), length),
    }
}

fn control(kind: u8, size: usize) -> Vec<u8> {
    let size = u8::try_from(size).ok().filter(|size| *size < 29).expect("something short");
    if kind > 7 { vec![size, kind - 7] } else { vec![kind << 5 | size] }
}

fn text(text: &str) -> Vec<u8> {
    [control(2, text.len()), text.as_bytes().to_vec()].concat()
}

fn double(value: f64) -> Vec<u8> {
    [control(3, 8), value.to_be_bytes().to_vec()].concat()
}

fn number(kind: u8, value: u64) -> Vec<u8> {
    let bytes: Vec<_> = value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    [control(kind, bytes.len()), bytes].concat()
}

fn map(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let pairs_in_a_row = pairs.iter().flat_map(|(name, value)| [text(name), value.clone()].concat());
    control(7, pairs.len()).into_iter().chain(pairs_in_a_row).collect()
}
