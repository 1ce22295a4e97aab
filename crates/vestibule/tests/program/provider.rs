//! `vestibule provider` and `vestibule claims`, against a pretend issuer.

use crate::bench::{Folder, Pretend, Running, four_ports, open, run};

/// A configuration whose provider is a pretend issuer, which sends people back to a port of this machine.
fn with_pretend() -> (Folder, String, Pretend, u16) {
    let port = four_ports();
    let pretend = Pretend::start(&format!("http://127.0.0.1:{port}/callback/acme"));
    let folder = Folder::new();
    let config = folder.config("https://login.acme.example", &pretend.issuer);
    let text = std::fs::read_to_string(&config).expect("it was written");
    let allow = format!("[egress]\nallow = [\"{}\"]\n[[providers]]", pretend.issuer.trim_start_matches("http://"));
    let config = folder.write("vestibule.toml", &text.replace("[[providers]]", &allow));
    (folder, config, pretend, port)
}

#[test]
fn a_trial_goes_from_the_documents_to_a_sign_in_and_says_what_would_come_of_it() {
    let (folder, config, pretend, port) = with_pretend();
    folder.write("vestibule.toml", &(std::fs::read_to_string(&config).unwrap() + "entry = { email_domains = [\"other.example\"] }\n"));
    let port = port.to_string();
    let trial = Running::start(&["provider", "test", "acme", "--config", &config, "--port", &port], "    http://127.0.0.1:");
    assert!(trial.said.contains("Documents") && trial.said.contains(&pretend.issuer), "{}", trial.said);
    // The callback to register comes first, then the link.
    let (trial, link) = trial.line("    http://127.0.0.1:");
    assert!(trial.said.contains(&format!("    http://127.0.0.1:{port}/callback/acme\n")), "{}", trial.said);
    assert!(trial.said.contains("beside https://login.example.com/callback/acme"), "{}", trial.said);

    let stray = open(&format!("http://127.0.0.1:{port}/callback/acme?state=another&code=x"));
    assert!(stray.starts_with("HTTP/1.1 400"), "{stray}");
    let back = pretend.chosen(link.trim(), "alice");
    assert!(open(&back).contains("Back in the terminal"));
    let (code, said) = trial.rest();
    assert_eq!(code, Some(0), "{said}");
    let squeezed = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(squeezed.contains("email_verified /email_verified true") && squeezed.contains("name /name (text of 12)"), "{said}");
    for expected in ["Signed in", "provider.email  not met", "would be turned away", "Nothing was kept"] {
        assert!(said.contains(expected), "{expected} is missing in\n{said}");
    }
    assert!(!said.to_lowercase().contains("alice"), "no value is shown unasked: {said}");
    assert!(!std::path::Path::new("/var/lib/vestibule/vestibule.db").exists(), "no database is needed, and none is made");
}

#[test]
fn a_person_who_refuses_ends_a_trial() {
    let (_folder, config, pretend, port) = with_pretend();
    let port = port.to_string();
    let trial = Running::start(&["provider", "test", "acme", "--config", &config, "--port", &port], "    http://127.0.0.1:");
    let (trial, link) = trial.line("    http://127.0.0.1:");
    open(&pretend.chosen(link.trim(), "refuse"));
    assert_eq!(trial.rest().0, Some(1));
}

#[test]
fn a_trial_without_a_sign_in_answers_in_json() {
    let (_folder, config, pretend, _) = with_pretend();
    let told = run(&["provider", "test", "acme", "--config", &config, "--no-login", "--json"], &[]);
    let report: serde_json::Value = serde_json::from_str(&told.out).unwrap_or_else(|error| panic!("{error}: {} {}", told.out, told.err));
    assert!(report["provider"] == "acme" && report["facts"].to_string().contains(&pretend.issuer), "{report:#}");
    assert_eq!(report.get("signed_in"), None);
}

#[test]
fn a_provider_that_is_down_fails_a_trial_and_says_why() {
    let (_folder, config, pretend, _) = with_pretend();
    drop(pretend);
    let told = run(&["provider", "test", "acme", "--config", &config, "--no-login"], &[]);
    assert!(told.code == 1 && told.err.contains("Acme: the provider can't be reached (discovery)"), "{}", told.err);
}

#[test]
fn providers_are_listed_with_their_callbacks_the_faulty_ones_too() {
    let folder = Folder::new();
    let config = folder.config("sqlite:///var/lib/vestibule/vestibule.db", &format!("sqlite://{}/vestibule.db", folder.path()));
    std::fs::create_dir(format!("{}/providers.d", folder.path())).unwrap();
    folder.write("providers.d/google.toml", "preset = \"google\"\nclient_id = \"x\"\nclient_secret = \"y\"\nhosted_domain = [\"a\"]\n");
    let told = run(&["provider", "list", "--config", &config], &[]);
    assert_eq!(told.code, 0, "{}", told.err);
    assert!(
        told.out.contains("https://login.example.com/callback/acme") && told.out.contains("google  -       -      faulty"),
        "{}",
        told.out
    );
    assert!(told.out.contains("did you mean hosted_domains?"), "{}", told.out);
    assert!(told.err.contains("are not listed: there is no database"), "{}", told.err);
    let json = run(&["provider", "list", "--config", &config, "--json"], &[]);
    let listed: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert!(listed[0]["state"] == "ready" && listed[1]["state"] == "faulty", "{listed:#}");
    let none = run(&["provider", "test", "nobody", "--config", &config, "--no-login"], &[]);
    assert!(none.code == 1 && none.err.contains("there is no database"), "{}", none.err);
}

#[test]
fn a_sample_of_claims_is_explained() {
    let folder = Folder::new();
    let config = folder.config("given-by-acme\"\n", "given-by-acme\"\nclaims = { department = { from = [\"/dept\"] } }\n");
    let sample = folder.write("ada.json", r#"{"sub": "1", "name": "Ada", "email": "ada@corp.example", "dept": "eng", "groups": [1]}"#);
    let told = run(&["claims", "--config", &config, "--provider", "acme", "--sample", &sample], &[]);
    assert_eq!(told.code, 0, "{}", told.err);
    for expected in ["department", "/dept", "ada@corp.example", "says nothing of whether it is verified", "groups, sub", "would be let in"]
    {
        assert!(told.out.contains(expected), "{expected} is missing in\n{}", told.out);
    }
    let broken = folder.write("broken.json", "[1]");
    let told = run(&["claims", "--config", &config, "--provider", "acme", "--sample", &broken], &[]);
    assert!(told.code == 1 && told.err.contains("broken.json:1:"), "{}", told.err);
}
