//! `vestibule keys`, beside a running gateway.

use serde_json::Value;

use crate::{
    bench::{Folder, Running, four_ports, run},
    serve::Systemd,
};

#[test]
fn keys_are_listed_and_rotated_beside_a_running_gateway() {
    let folder = Folder::new();
    let port = four_ports();
    let config = folder.config("sqlite:///var/lib/vestibule/vestibule.db", &format!("sqlite://{}/vestibule.db", folder.path()));
    let listed = |more: &[&str]| {
        let told = run(&[&["keys"], more, &["--config", &config, "--json"]].concat(), &[]);
        let keys: Vec<Value> = serde_json::from_str(&told.out).unwrap_or_else(|error| panic!("{error}: {} {}", told.out, told.err));
        keys.into_iter().map(|key| (key["alg"].as_str().unwrap().to_owned(), key["state"].as_str().unwrap().to_owned())).collect::<Vec<_>>()
    };
    let before = run(&["keys", "list", "--config", &config], &[]);
    assert!(before.code == 1 && before.err.contains("there is no database"), "{}", before.err);

    let socket = format!("{}/notify", folder.path());
    let systemd = Systemd::at(&socket);
    let (address, ops) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{}", port + 1));
    let environment = [("NOTIFY_SOCKET", socket.as_str()), ("VESTIBULE__LISTEN__ADDRESS", &address), ("VESTIBULE__OPS__ADDRESS", &ops)];
    let house = Running::begin(&["serve", "--config", &config], &environment);
    assert_eq!(systemd.hears().trim(), "READY=1");
    let state = |alg: &str, state: &str| (alg.to_owned(), state.to_owned());
    assert_eq!(listed(&["list"]), [state("RS256", "current"), state("ES256", "current")]);
    assert_eq!(listed(&["rotate", "--alg", "ES256"]), [state("RS256", "current"), state("ES256", "current"), state("ES256", "next")]);
    let shown = run(&["keys", "list", "--config", &config], &[]).out;
    assert!(shown.contains("SIGNS FROM") && shown.contains("ES256  next "), "{shown}");
    let refused = run(&["keys", "rotate", "--alg", "PS256", "--config", &config], &[]);
    assert!(refused.code == 1 && refused.err.contains("keys.algorithms"), "{}", refused.err);
    let unfit = run(&["keys", "rotate", "--withdraw", "--config", &config], &[]);
    assert!(unfit.code == 2 && unfit.err.contains("--at-once"), "{}", unfit.err);
    house.stop("-TERM");
}
