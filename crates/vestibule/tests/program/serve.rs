//! `vestibule serve`: how it begins and how it ends.

use std::{
    io::{Read, Write},
    net::TcpStream,
    os::unix::net::UnixDatagram,
    time::Duration,
};

use crate::bench::{Folder, Running, four_ports, get, run};

/// Stands where systemd listens.
pub(crate) struct Systemd(UnixDatagram);

impl Systemd {
    /// At this address, for twenty seconds at a time.
    pub(crate) fn at(socket: &str) -> Self {
        let datagrams = UnixDatagram::bind(socket).expect("a socket can be made there");
        datagrams.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit can be set");
        Self(datagrams)
    }

    pub(crate) fn hears(&self) -> String {
        let mut said = [0; 200];
        let length = self.0.recv(&mut said).expect("it says something within twenty seconds");
        String::from_utf8_lossy(&said[..length]).into_owned()
    }
}

#[test]
fn a_stop_fails_readiness_at_once_finishes_what_is_under_way_and_ends_well() {
    let folder = Folder::new();
    let port = four_ports();
    let config = folder.config("sqlite:///var/lib/vestibule/vestibule.db", &format!("sqlite://{}/vestibule.db", folder.path()));
    std::fs::create_dir(format!("{}/providers.d", folder.path())).unwrap();
    folder.write("providers.d/broken.toml", "preset = \"github\"\nclient_id =\n");
    let socket = format!("{}/notify", folder.path());
    let systemd = Systemd::at(&socket);
    let (address, ops, issuer) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{}", port + 1), format!("http://127.0.0.1:{port}"));
    let environment = [
        ("NOTIFY_SOCKET", socket.as_str()),
        ("VESTIBULE__ISSUER", &issuer),
        ("VESTIBULE__LISTEN__ADDRESS", &address),
        ("VESTIBULE__OPS__ADDRESS", &ops),
        ("VESTIBULE__LOG__FORMAT", "json"),
    ];
    let house = Running::begin(&["serve", "--config", &config], &environment);
    assert_eq!(systemd.hears().trim(), "READY=1");
    assert!(get(port + 1, "/readyz").starts_with("HTTP/1.1 200"));
    let metrics = get(port + 1, "/metrics");
    for series in ["breaker_state{provider=\"acme\"} 0", "breaker_state{provider=\"broken\"} 0"] {
        assert!(metrics.contains(&format!("vestibule_upstream_{series}")), "{series} is missing in\n{metrics}");
    }
    assert_eq!(run(&["audit", "tail", "-n", "2", "--config", &config], &[]).out.lines().count(), 2, "beside the running gateway");

    house.signal("-HUP");
    assert!(systemd.hears().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert_eq!(systemd.hears().trim(), "READY=1");
    let mut under_way = TcpStream::connect(&address).unwrap();
    write!(
        under_way,
        "POST /token HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 2\r\n\r\n"
    )
    .unwrap();
    std::thread::sleep(Duration::from_millis(300));
    house.signal("-TERM");
    assert_eq!(systemd.hears().trim(), "STOPPING=1");
    assert!(get(port + 1, "/readyz").starts_with("HTTP/1.1 503"));
    write!(under_way, "a=").unwrap();
    let mut answer = String::new();
    under_way.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 4") && answer.contains("\"error\""), "{answer}");

    let (code, log) = house.ended();
    assert_eq!(code, Some(0), "{log}");
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let says = |text: &str| lines.iter().any(|line| line["message"].as_str().is_some_and(|message| message.contains(text)));
    assert!(says("acme can't be used now"), "a provider that is down stops nobody: {log}");
    assert!(says("broken.toml:2:12: is no TOML"), "a faulty file of a provider stops nobody: {log}");
    assert!(says("stopped"), "{log}");
    for secret in ["sealing.key", "bootstrap.key"] {
        let secret = std::fs::read_to_string(format!("{}/{secret}", folder.path())).unwrap();
        assert!(!log.contains(secret.trim()), "attack 78: {log}");
    }
}

#[test]
fn an_address_that_is_taken_is_named_with_its_key() {
    let folder = Folder::new();
    let config = folder.config("sqlite:///var/lib/vestibule/vestibule.db", &format!("sqlite://{}/vestibule.db", folder.path()));
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap().to_string();
    let refused = run(&["serve", "--config", &config], &[("VESTIBULE__LISTEN__ADDRESS", &address)]);
    assert!(refused.code == 1 && refused.err.contains(&format!("listening on {address} (listen.address)")), "{}", refused.err);
}

#[test]
fn a_database_that_was_sealed_with_another_key_is_not_served() {
    let folder = Folder::new();
    let port = four_ports();
    let config = folder.config("sqlite:///var/lib/vestibule/vestibule.db", &format!("sqlite://{}/vestibule.db", folder.path()));
    let (address, ops) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{}", port + 1));
    let socket = format!("{}/notify", folder.path());
    let systemd = Systemd(UnixDatagram::bind(&socket).unwrap());
    systemd.0.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut environment =
        vec![("NOTIFY_SOCKET", socket.as_str()), ("VESTIBULE__LISTEN__ADDRESS", &address), ("VESTIBULE__OPS__ADDRESS", &ops)];
    let house = Running::begin(&["serve", "--config", &config], &environment);
    assert_eq!(systemd.hears().trim(), "READY=1");
    assert_eq!(house.stop("-TERM"), Some(0));

    let another = run(&["keygen"], &[]).out;
    environment.push(("VESTIBULE__SEALING__KEY", another.trim()));
    let refused = run(&["serve", "--config", &config], &environment);
    assert!(refused.code == 1 && refused.err.contains("is this the sealing key it was stored with?"), "{}", refused.err);
}

#[test]
fn without_a_provider_it_starts_and_says_that_nobody_can_sign_in_yet() {
    let folder = Folder::new();
    let port = four_ports();
    let config = folder.config("sqlite:///var/lib/vestibule/vestibule.db", &format!("sqlite://{}/vestibule.db", folder.path()));
    let text = std::fs::read_to_string(&config).unwrap();
    let config = folder.write("vestibule.toml", text.split("[[providers]]").next().unwrap());
    let socket = format!("{}/notify", folder.path());
    let systemd = Systemd(UnixDatagram::bind(&socket).unwrap());
    systemd.0.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let (address, ops) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{}", port + 1));
    let environment = [("NOTIFY_SOCKET", socket.as_str()), ("VESTIBULE__LISTEN__ADDRESS", &address), ("VESTIBULE__OPS__ADDRESS", &ops)];
    let house = Running::begin(&["serve", "--config", &config], &environment);
    assert_eq!(systemd.hears().trim(), "READY=1");
    house.signal("-TERM");
    let (code, log) = house.ended();
    assert!(code == Some(0) && log.contains("nobody can sign in"), "{log}");
}
