//! `vestibule dev`: one command, and everything runs.

use crate::bench::{Folder, Running, four_ports, get, run};

fn dev(port: u16, data: &str, more: &[&str]) -> Running {
    let port = port.to_string();
    let arguments: Vec<_> = ["dev", "--port", &port, "--data", data].into_iter().chain(more.iter().copied()).collect();
    Running::start(&arguments, "Ctrl-C")
}

#[test]
fn one_command_starts_everything_and_a_signal_ends_it_in_order() {
    let folder = Folder::new();
    let data = format!("{}/data", folder.path());
    let port = four_ports();
    let house = dev(port, &data, &[]);
    assert!(get(port + 3, "/readyz").starts_with("HTTP/1.1 200"));
    assert!(get(port, "/.well-known/openid-configuration").contains(&format!("\"issuer\":\"http://127.0.0.1:{port}\"")));
    assert!(get(port + 1, "/.well-known/openid-configuration").contains(&format!("\"issuer\":\"http://127.0.0.1:{}\"", port + 1)));
    assert!(get(port + 2, "/").starts_with("HTTP/1.1 200"));
    assert!(get(port + 3, "/metrics").contains("vestibule_build_info{version="));

    let ops = format!("127.0.0.1:{}", port + 3);
    assert_eq!(run(&["healthcheck"], &[("VESTIBULE__OPS__ADDRESS", &ops)]).code, 0);
    let said = |told: &str| serde_json::from_str::<serde_json::Value>(told).unwrap();
    let healthy = run(&["healthcheck", "--json"], &[("VESTIBULE__OPS__ADDRESS", &ops)]);
    assert_eq!((healthy.code, &said(&healthy.out)["ready"]), (0, &serde_json::json!(true)));
    let events = run(&["audit", "tail", "--data", &data], &[]);
    assert!(events.out.contains("client.created") && events.out.contains("key.rotated"), "{} {}", events.out, events.err);

    assert_eq!(house.stop("-INT"), Some(0));
    assert_eq!(run(&["healthcheck"], &[("VESTIBULE__OPS__ADDRESS", &ops)]).code, 1);
    let gone = run(&["healthcheck", "--json"], &[("VESTIBULE__OPS__ADDRESS", &ops)]);
    assert_eq!((gone.code, &said(&gone.out)["ready"]), (1, &serde_json::json!(false)));
    assert!(said(&gone.out)["why_not"].as_str().is_some_and(|why| why.contains("/readyz does not answer")), "{}", gone.out);
}

#[test]
fn there_is_a_week_of_numbers_that_are_said_to_be_made_up() {
    let folder = Folder::new();
    let data = format!("{}/data", folder.path());
    let port = four_ports();
    let house = dev(port, &data, &[]);
    assert!(house.said.contains("dashboards begin with a week of numbers that are made up"), "{}", house.said);
    let (url, key) = (format!("http://127.0.0.1:{port}"), format!("{data}/admin.key"));
    let stats = |more: &[&str]| {
        let told = run(&[&["stats", "--url", &url, "--key-file", &key], more].concat(), &[]);
        assert_eq!(told.code, 0, "{}", told.err);
        told.out
    };
    let week: serde_json::Value = serde_json::from_str(&stats(&["--range", "7d", "--json"])).unwrap();
    assert!(week["made_up"] == true && week["logins"]["succeeded"].as_u64().unwrap() > 1_000, "{week:#}");
    assert!((20..48).contains(&week["people"]["day"].as_u64().unwrap()), "{week:#}");
    for range in ["1h", "24h"] {
        let told = stats(&["--range", range]);
        assert!(told.contains("Sign-ins that worked") && told.contains("made up by `vestibule dev`"), "{range}: {told}");
    }
    let nothing = run(&["stats", "--url", &url, "--key-file", &key, "--range", "1y"], &[]);
    assert!(nothing.code == 2 && nothing.err.contains("must be 1h, 6h, 24h, 7d, 30d or 13mo"), "{}", nothing.err);
    assert_eq!(house.stop("-INT"), Some(0));
    // It is there once, and what was counted stays.
    let again = dev(port, &data, &[]);
    let later: serde_json::Value = serde_json::from_str(&stats(&["--range", "7d", "--json"])).unwrap();
    assert_eq!(later["logins"]["succeeded"], week["logins"]["succeeded"]);
    assert_eq!(again.stop("-INT"), Some(0));
}

#[test]
fn a_terminal_that_is_closed_ends_it_in_order() {
    let folder = Folder::new();
    let house = dev(four_ports(), &format!("{}/data", folder.path()), &[]);
    assert_eq!(house.stop("-HUP"), Some(0));
}

#[test]
fn a_second_start_finds_everything_as_it_was_and_prints_no_secret() {
    let folder = Folder::new();
    let data = format!("{}/data", folder.path());
    let port = four_ports();
    let first = dev(port, &data, &[]);
    let key = std::fs::read_to_string(format!("{data}/admin.key")).unwrap();
    assert!(first.said.contains(key.trim()), "{}", first.said);
    assert_eq!(first.stop("-TERM"), Some(0));

    let second = dev(port, &data, &[]);
    assert!(!second.said.contains(key.trim()) && second.said.contains("admin.key"), "{}", second.said);
    assert_eq!(second.stop("-TERM"), Some(0));
    let events = run(&["audit", "export", "--format", "jsonl", "--data", &data], &[]);
    assert_eq!(events.out.lines().filter(|line| line.contains("client.created")).count(), 1, "{}", events.out);

    let third = dev(port, &data, &["--reset"]);
    assert!(third.said.contains("vestibule-admin-") && !third.said.contains(key.trim()), "{}", third.said);
}

#[test]
fn the_demo_app_is_registered_where_it_is_now() {
    let folder = Folder::new();
    let data = format!("{}/data", folder.path());
    assert_eq!(dev(four_ports(), &data, &[]).stop("-TERM"), Some(0));
    assert_eq!(dev(four_ports(), &data, &[]).stop("-TERM"), Some(0));
    let events = run(&["audit", "export", "--format", "jsonl", "--event", "client.updated", "--data", &data], &[]);
    assert!(events.out.contains("redirect_uris"), "{}", events.out);
}

#[test]
fn a_taken_port_is_named_with_the_way_out() {
    let folder = Folder::new();
    let data = format!("{}/data", folder.path());
    let port = four_ports();
    for (at, whose) in ["the gateway", "the pretend provider", "the demo app", "the operators' listener"].iter().enumerate() {
        let taken = port + u16::try_from(at).unwrap();
        let _held = std::net::TcpListener::bind(("127.0.0.1", taken)).unwrap();
        let refused = run(&["dev", "--port", &port.to_string(), "--data", &data], &[]);
        assert_eq!(refused.code, 1);
        assert!(
            refused.err.contains(&format!("port {taken}, for {whose}, is taken")) && refused.err.contains("--port 9000"),
            "{}",
            refused.err
        );
    }
}
