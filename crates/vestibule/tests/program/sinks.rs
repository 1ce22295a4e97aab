//! Sinks of audit events as an operator configures them: through the program.

use crate::bench::{Folder, run};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn checked(sinks: &str) -> (i32, String) {
    let folder = Folder::new();
    let config = folder.config("[[providers]]", &format!("{sinks}\n[[providers]]"));
    let checked = run(&["config", "check", &config], &[]);
    (checked.code, checked.err.replace(&config, "CONFIG"))
}

#[test]
fn every_kind_of_sink_can_be_configured() {
    let sinks = format!(
        "[[audit.sinks]]\nid = \"file\"\nkind = \"file\"\npath = \"/tmp/audit.jsonl\"\nrotate_size = \"1MiB\"\nrotate_after = \"1d\"\nfsync = false\n\
         [[audit.sinks]]\nid = \"udp\"\nkind = \"syslog\"\naddress = \"192.0.2.1\"\ntransport = \"udp\"\nformat = \"ecs\"\n\
         [[audit.sinks]]\nid = \"tls\"\nkind = \"syslog\"\naddress = \"[2001:db8::1]:6514\"\nevents = [\"login.*\", \"key.rotated\"]\n\
         [[audit.sinks]]\nid = \"siem\"\nkind = \"webhook\"\nurl = \"https://siem.example.com:8443/in\"\nsecrets = [\"{SECRET}\"]\nformat = \"ocsf\"\n\
         [[audit.sinks]]\nid = \"inside\"\nkind = \"webhook\"\nurl = \"http://10.0.0.1/in\"\nsecrets = [\"{SECRET}\"]\nallow_private = true\n\
         [[audit.sinks]]\nid = \"otel\"\nkind = \"otlp\"\nurl = \"http://127.0.0.1:4318\"\nallow_private = true\nbatch = 1\ntimeout = \"1s\"\nstart = \"beginning\"\n"
    );
    assert_eq!(checked(&sinks).0, 0, "{}", checked(&sinks).1);
}

#[test]
fn a_sink_that_would_not_do_what_it_says_is_refused() {
    let with = |lines: &str| format!("[[audit.sinks]]\nid = \"siem\"\n{lines}\n");
    let hook = format!("kind = \"webhook\"\nurl = \"https://siem.example.com/\"\nsecrets = [\"{SECRET}\"]\n");
    for (sinks, said) in [
        ("[[audit.sinks]]\nkind = \"file\"\npath = \"/x\"\n".to_owned(), "audit.sinks[0].id is missing"),
        (with(""), "audit.sinks[0].kind is missing"),
        (with("kind = \"kafka\""), "audit.sinks[0].kind \"kafka\" is none of file, syslog, webhook, otlp"),
        (with("kind = \"file\""), "audit.sinks[0].path is missing"),
        (with("kind = \"file\"\npath = \"/x\"\nrotate_size = \"10B\""), "audit.sinks[0].rotate_size must be at least 1KiB"),
        (with("kind = \"file\"\npath = \"/x\"\nurl = \"https://a.example\""), "audit.sinks[0].url does nothing for a sink of kind file"),
        (with("kind = \"file\"\npath = \"/x\"\npth = \"/y\""), "audit.sinks[0].pth is not a setting; did you mean audit.sinks.path?"),
        (with("kind = \"file\"\npath = \"/x\"\nevents = [\"login*\"]"), "audit.sinks[0].events \"login*\" means no event"),
        (with("kind = \"file\"\npath = \"/x\"\nevents = []"), "audit.sinks[0].events is empty"),
        (with("kind = \"file\"\npath = \"/x\"\nbatch = 0"), "audit.sinks[0].batch must be from 1 to 1000"),
        (with("kind = \"syslog\""), "audit.sinks[0].address is missing"),
        (with("kind = \"syslog\"\naddress = \"a b\""), "audit.sinks[0].address \"a b\" is no host and port"),
        (with("kind = \"syslog\"\naddress = \"user@logs.example.com\""), "is no host and port"),
        (with("kind = \"webhook\"\nurl = \"https://siem.example.com/\""), "audit.sinks[0].secret_files is missing"),
        (with(&hook.replace(SECRET, "hunter2")), "audit.sinks[0].secrets has something that can't be used, at place 1"),
        (with(&hook.replace("https:", "http:")), "audit.sinks[0].url is http"),
        (with(&hook.replace("siem.example.com", "10.0.0.1")), "audit.sinks[0].url is not public https"),
        (with(&hook.replace("siem.example.com", "u:hunter2@siem.example.com")), "audit.sinks[0].url has a user or a password in it"),
        (with(&hook) + &with(&hook), "audit.sinks[1].id siem is another sink's too, at CONFIG:"),
        ("[audit]\nkeep_for_sinks = \"999d\"\n".to_owned(), "audit.keep_for_sinks is 999d"),
    ] {
        let (code, err) = checked(&sinks);
        assert!(code == 1 && err.contains(said), "{sinks}\n{err}");
        assert!(!err.contains("hunter2"), "{err}");
    }
}

#[test]
fn the_secrets_of_a_webhook_are_never_shown() {
    let folder = Folder::new();
    let sink = format!(
        "[[audit.sinks]]\nid = \"siem\"\nkind = \"webhook\"\nurl = \"https://siem.example.com/\"\nsecrets = [\"{SECRET}\"]\n[[providers]]"
    );
    let config = folder.config("[[providers]]", &sink);
    let shown = run(&["config", "show", &config], &[]);
    assert!(shown.code == 0 && shown.out.contains("audit.sinks[0].secrets = [\"(secret)\"]"), "{}", shown.out);
    assert!(!shown.out.contains(SECRET));
}

#[test]
fn a_gateway_without_sinks_says_so() {
    let folder = Folder::new();
    let config = folder.config("sqlite:///var/lib/vestibule/vestibule.db", &format!("sqlite://{}/vestibule.db", folder.path()));
    assert_eq!(run(&["migrate", "--config", &config], &[]).code, 0);
    let listed = run(&["audit", "sinks", "--config", &config], &[]);
    assert_eq!(listed.out, "events are sent on to nobody: the configuration has no [[audit.sinks]]\n", "{}", listed.err);
    assert_eq!(run(&["audit", "sinks", "--json", "--config", &config], &[]).out.trim(), "[]");
}
