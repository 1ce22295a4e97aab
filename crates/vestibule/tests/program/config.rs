//! The configuration as an operator meets it: through the program.

use crate::bench::{Folder, run};

/// A change of the good configuration, and what must be said about it.
struct Refusal {
    what: &'static str,
    instead_of: &'static str,
    put: &'static str,
    key: &'static str,
    lines: &'static [&'static str],
}

const REFUSALS: [Refusal; 24] = [
    Refusal {
        what: "no issuer",
        instead_of: "issuer = \"https://login.example.com\"\n[listen]",
        put: "[listen]",
        key: "issuer is missing",
        lines: &["issuer = \"https://login.example.com\""],
    },
    Refusal {
        what: "an http issuer off this machine",
        instead_of: "https://login.example.com",
        put: "http://login.example.com",
        key: "issuer must be https",
        lines: &["issuer = \"https://login.example.com\""],
    },
    Refusal {
        what: "an issuer in another spelling than apps would use",
        instead_of: "https://login.example.com",
        put: "https://LOGIN.example.com:443/",
        key: "issuer is not written in its normal form",
        lines: &["issuer = \"https://login.example.com\""],
    },
    Refusal {
        what: "open to everybody without TLS and without a proxy",
        instead_of: "address = \"127.0.0.1:8000\"",
        put: "address = \"0.0.0.0:8000\"",
        key: "listen.address 0.0.0.0:8000 can be reached from other machines",
        lines: &[
            "[listen.tls]",
            "certificate = \"/etc/vestibule/tls.crt\"",
            "key = \"/etc/vestibule/tls.key\"",
            "trusted_proxies = [\"10.0.0.0/8\"]",
        ],
    },
    Refusal {
        what: "a certificate without its key",
        instead_of: "[store]",
        put: "[listen.tls]\ncertificate = \"SEALING_KEY\"\n[store]",
        key: "listen.tls.key is missing",
        lines: &["[listen.tls]", "key = \"/etc/vestibule/tls.key\""],
    },
    Refusal {
        what: "no sealing key",
        instead_of: "key_file = \"SEALING_KEY\"",
        put: "",
        key: "sealing.key is missing",
        lines: &["vestibule keygen > /etc/vestibule/sealing.key", "[sealing]", "key_file = \"/etc/vestibule/sealing.key\""],
    },
    Refusal {
        what: "a sealing key that nobody drew at random",
        instead_of: "key_file = \"SEALING_KEY\"",
        put: "key = \"0000000000000000000000000000000000000000000000000000000000000000\"",
        key: "sealing.key can't be used",
        lines: &["vestibule keygen > /etc/vestibule/sealing.key", "key_file = \"/etc/vestibule/sealing.key\""],
    },
    Refusal {
        what: "no bootstrap key",
        instead_of: "bootstrap_key_file = \"BOOTSTRAP_KEY\"",
        put: "",
        key: "admin.bootstrap_key is missing",
        lines: &["[admin]", "bootstrap_key_file = \"/etc/vestibule/bootstrap.key\""],
    },
    Refusal {
        what: "a bootstrap key that could be guessed",
        instead_of: "bootstrap_key_file = \"BOOTSTRAP_KEY\"",
        put: "bootstrap_key = \"0123456789012345678901234567890\"",
        key: "admin.bootstrap_key is shorter than 32 characters",
        lines: &["bootstrap_key_file = \"/etc/vestibule/bootstrap.key\""],
    },
    Refusal {
        what: "nowhere to keep anything",
        instead_of: "url = \"sqlite:///var/lib/vestibule/vestibule.db\"",
        put: "",
        key: "store.url is missing",
        lines: &["[store]", "url = \"sqlite:///var/lib/vestibule/vestibule.db\""],
    },
    Refusal {
        what: "an issuer on the premises that nobody allowed",
        instead_of: "https://login.acme.example",
        put: "http://10.1.2.3:8080",
        key: "providers[0].issuer is not a public https address",
        lines: &["[egress]", "allow = [\"10.1.2.3:8080\"]"],
    },
    Refusal {
        what: "a provider without an id",
        instead_of: "id = \"acme\"",
        put: "",
        key: "providers[0].id is missing",
        lines: &["[[providers]]", "id = \"acme\""],
    },
    Refusal {
        what: "two providers of one name",
        instead_of: "[[providers]]",
        put: "[[providers]]\nid = \"acme\"\npreset = \"github\"\nclient_id = \"x\"\nclient_secret = \"y\"\n[[providers]]",
        key: "providers[1].id acme is another provider's too, at ",
        lines: &[],
    },
    Refusal {
        what: "a lease that ends before the refresh does",
        instead_of: "[store]",
        put: "[upstream_tokens]\nlease = \"10s\"\n[store]",
        key: "upstream_tokens.lease must be longer than egress.timeout",
        lines: &[],
    },
    Refusal {
        what: "operators on the listener of everybody",
        instead_of: "[store]",
        put: "[ops]\naddress = \"127.0.0.1:8000\"\n[store]",
        key: "ops.address is listen.address too",
        lines: &["[ops]", "address = \"127.0.0.1:9464\""],
    },
    Refusal {
        what: "a log filter that can't be read",
        instead_of: "[store]",
        put: "[log]\nfilter = \"a=b=c\"\n[store]",
        key: "log.filter \"a=b=c\" can't be used",
        lines: &["[log]", "filter = \"info\""],
    },
    Refusal {
        what: "a database in memory",
        instead_of: "sqlite:///var/lib/vestibule/vestibule.db",
        put: "sqlite::memory:",
        key: "store.url is a database in memory",
        lines: &["[store]", "url = \"sqlite:///var/lib/vestibule/vestibule.db\""],
    },
    Refusal {
        what: "a database file with options",
        instead_of: "vestibule.db",
        put: "vestibule.db?mode=rwc",
        key: "store.url must be sqlite: and the path of a file",
        lines: &["[store]", "url = \"sqlite:///var/lib/vestibule/vestibule.db\""],
    },
    Refusal {
        what: "a database server without an address",
        instead_of: "sqlite:///var/lib/vestibule/vestibule.db",
        put: "postgres://u:p@[/d",
        key: "store.url is not understood; it looks like postgres://user:password@host/database",
        lines: &["[store]"],
    },
    Refusal {
        what: "a certificate that is none",
        instead_of: "[store]",
        put: "[listen.tls]\ncertificate = \"SEALING_KEY\"\nkey = \"BOOTSTRAP_KEY\"\n[store]",
        key: "sealing.key: there is no certificate in it",
        lines: &[],
    },
    Refusal {
        what: "everybody trusted as a proxy",
        instead_of: "address = \"127.0.0.1:8000\"",
        put: "address = \"0.0.0.0:8000\"\ntrusted_proxies = [\"0.0.0.0/0\"]",
        key: "listen.trusted_proxies 0.0.0.0/0 is everybody",
        lines: &["[listen]", "trusted_proxies = [\"10.0.0.0/8\"]"],
    },
    Refusal {
        what: "everybody trusted as a proxy, by IPv6",
        instead_of: "[store]",
        put: "trusted_proxies = [\"10.0.0.0/8\", \"::/0\"]\n[store]",
        key: "listen.trusted_proxies ::/0 is everybody",
        lines: &["[listen]", "trusted_proxies = [\"10.0.0.0/8\"]"],
    },
    Refusal {
        what: "a password on the way to the collector",
        instead_of: "[store]",
        put: "[tracing]\notlp_endpoint = \"https://u:p@collector.example\"\n[store]",
        key: "tracing.otlp_endpoint has a user or a password in it",
        lines: &["[tracing]", "otlp_endpoint = \"http://127.0.0.1:4318\""],
    },
    Refusal {
        what: "keys without RS256",
        instead_of: "[store]",
        put: "[keys]\nalgorithms = [\"ES256\"]\n[store]",
        key: "keys.algorithms lacks RS256",
        lines: &["[keys]", "algorithms = [\"RS256\", \"ES256\"]"],
    },
];

#[test]
fn a_good_configuration_is_good() {
    let folder = Folder::new();
    let config = folder.config("", "");
    let checked = run(&["config", "check", &config], &[]);
    assert_eq!((checked.code, checked.out.as_str()), (0, format!("{config} is good\n").as_str()), "{}", checked.err);
}

#[test]
fn every_refusal_names_the_lines_that_mend_it_and_serve_refuses_it_too() {
    for Refusal { what, instead_of, put, key, lines } in REFUSALS {
        let folder = Folder::new();
        let config = folder.config(instead_of, put);
        for command in [&["config", "check", &config][..], &["serve", "--config", &config]] {
            let refused = run(command, &[]);
            assert_eq!(refused.code, 1, "{what}: {}", refused.err);
            assert!(refused.err.contains(key), "{what}: {}", refused.err);
            for line in lines {
                assert!(refused.err.lines().any(|said| said.trim() == *line), "{what}: {line} is missing in\n{}", refused.err);
            }
        }
    }
}

#[test]
fn rfc_8414_section_2_an_issuer_is_https_without_a_query_or_a_fragment() {
    for (issuer, said) in [
        ("https://login.example.com?tenant=a", "issuer may have no user, query or fragment"),
        ("https://login.example.com/#a", "issuer may have no user, query or fragment"),
        ("https://u:p@login.example.com", "issuer may have no user, query or fragment"),
        ("login.example.com", "is not an address that begins with https://"),
        ("http://login.example.com", "issuer must be https"),
    ] {
        let folder = Folder::new();
        let refused = run(&["config", "check", &folder.config("https://login.example.com", issuer)], &[]);
        assert!(refused.code == 1 && refused.err.contains(said), "{issuer}: {}", refused.err);
    }
}

#[test]
fn a_machine_without_certificate_authorities_is_told_with_the_remedy() {
    let folder = Folder::new();
    let config = folder.config("", "");
    let nowhere = format!("{}/nowhere", folder.path());
    let checked = run(&["config", "check", &config], &[("SSL_CERT_FILE", &nowhere), ("SSL_CERT_DIR", &nowhere)]);
    assert!(checked.code == 1 && checked.err.contains("no certificate authorities were found"), "{}", checked.err);
    assert!(checked.err.lines().any(|line| line.trim() == "apt-get install ca-certificates"), "{}", checked.err);
}

#[test]
fn what_dev_left_is_refused() {
    let folder = Folder::new();
    folder.write("made-by-vestibule-dev.txt", "");
    let config = folder.config("sqlite:///var/lib/vestibule/vestibule.db", &format!("sqlite://{}/vestibule.db", folder.path()));
    for command in [&["config", "check", &config][..], &["serve", "--config", &config]] {
        let refused = run(command, &[]);
        assert!(refused.code == 1 && refused.err.contains("`vestibule dev` made"), "{}", refused.err);
        assert!(refused.err.contains("url = \"sqlite:///var/lib/vestibule/vestibule.db\""), "{}", refused.err);
    }
}

#[test]
fn slips_are_found_where_they_stand_with_what_was_meant() {
    let folder = Folder::new();
    let config = folder.write(
        "slips.toml",
        "isuer = \"https://a.example\"\n[listen]\n  adress = \"127.0.0.1:1\"\nmax_connections = \"5\"\n[log]\nfromat = \"json\"\n",
    );
    let checked = run(&["config", "check", &config], &[]);
    let said: Vec<_> = checked.err.lines().filter_map(|line| line.strip_prefix(&format!("{config}:"))).collect();
    assert_eq!(
        said,
        [
            "1:1: isuer is not a setting; did you mean issuer?",
            "3:3: listen.adress is not a setting; did you mean listen.address?",
            "4:1: listen.max_connections must be a whole number",
            "6:1: log.fromat is not a setting; did you mean log.format?",
        ]
    );
}

#[test]
fn slips_in_a_provider_are_found_where_they_stand_whatever_its_preset() {
    let folder = Folder::new();
    let slips = "clientid = \"x\"\nentry = { email_domains = [\"corp.example\", \"corp\"], emials = [] }\nkeep_tokens = \"yes\"\n\
                 claims = { sub = { from = [\"/id\"] } }\ndomians = []\n";
    let config = folder.config("client_id = \"vestibule\"\n", slips);
    let first = std::fs::read_to_string(&config).unwrap().lines().position(|line| line.starts_with("clientid")).unwrap() + 1;
    let checked = run(&["config", "check", &config], &[]);
    let said = checked.err.replace(&config, "file");
    for (line, column, expected) in [
        (first, 1, "providers[0].clientid is not a setting of the preset oidc; did you mean client_id?"),
        (first + 2, 1, "providers[0].keep_tokens must be true or false"),
        (first + 3, 12, "providers[0].claims.sub is a name that tokens have for themselves"),
        (first + 4, 1, "providers[0].domians is not a setting of the preset oidc; did you mean domains?"),
    ] {
        assert!(said.contains(&format!("file:{line}:{column}: {expected}")), "{expected} at {line}:{column} is missing in\n{said}");
    }
    assert!(said.contains(&format!("file:{}:1: providers[0].entry", first + 1)), "{said}");
    assert!(said.contains("providers[0].client_id is missing"), "{said}");
    let unknown = folder.config("preset = \"oidc\"", "preset = \"gogle\"");
    let checked = run(&["config", "check", &unknown], &[]);
    assert!(checked.err.contains("providers[0].preset is not a preset"), "{}", checked.err);
}

#[test]
fn slips_in_a_providers_variables_are_found_at_the_variable() {
    let folder = Folder::new();
    let config = folder.config("", "");
    let checked = run(&["config", "check", &config], &[("VESTIBULE__PROVIDERS__ACME__CLIENTID", "x")]);
    assert!(
        checked.code == 1 && checked.err.contains("VESTIBULE__PROVIDERS__ACME__CLIENTID: providers[0].clientid is not a setting"),
        "{}",
        checked.err
    );
}

#[test]
fn providers_have_files_of_their_own_and_a_faulty_one_is_told_of() {
    let folder = Folder::new();
    let config = folder.config("", "");
    std::fs::create_dir(format!("{}/providers.d", folder.path())).unwrap();
    folder.write("providers.d/github.toml", "preset = \"github\"\nclient_id = \"x\"\nclient_secret = \"hunter2\"\n");
    folder.write("providers.d/notes.txt", "not a provider");
    assert_eq!(run(&["config", "check", &config], &[]).code, 0);
    let shown = run(&["config", "show", &config], &[("VESTIBULE__PROVIDERS__GITHUB__LABEL", "Code")]).out;
    let origin = |key: &str| shown.lines().find(|line| line.starts_with(key)).unwrap_or_else(|| panic!("{key} in\n{shown}"));
    assert!(origin("providers[1].client_id").ends_with("providers.d/github.toml:2:1"), "{shown}");
    assert!(origin("providers[1].label = \"Code\"").ends_with("VESTIBULE__PROVIDERS__GITHUB__LABEL"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");

    folder.write("providers.d/b-broken.toml", "preset = \"github\"\nclient_id =\n");
    folder.write("providers.d/c-slip.toml", "preset = \"google\"\nclient_id = \"x\"\nclient_secret = \"y\"\nhosted_domain = [\"a\"]\n");
    folder.write("providers.d/d-again.toml", "id = \"acme\"\npreset = \"github\"\n");
    folder.write("providers.d/e name.toml", "preset = \"github\"\n");
    let checked = run(&["config", "check", &config], &[]);
    assert_eq!(checked.code, 1);
    for expected in [
        "providers.d/b-broken.toml:2:12: is no TOML",
        "providers.d/c-slip.toml:4:1: hosted_domain is not a setting of the preset google; did you mean hosted_domains?",
        "providers.d/d-again.toml:1:1: id acme is another provider's too, at ",
        "id is the name of the file, and \"e name\"",
    ] {
        assert!(checked.err.contains(expected), "{expected} is missing in\n{}", checked.err);
    }
    assert!(checked.err.contains(&format!("too, at {config}:")), "both places are named: {}", checked.err);
}

#[test]
fn a_folder_of_providers_that_was_named_must_be_there() {
    let folder = Folder::new();
    let config = folder.config("[listen]", "providers_dir = \"elsewhere\"\n[listen]");
    let checked = run(&["config", "check", &config], &[]);
    assert!(checked.code == 1 && checked.err.contains("providers_dir names ") && checked.err.contains("elsewhere"), "{}", checked.err);
    std::fs::create_dir(format!("{}/elsewhere", folder.path())).unwrap();
    assert_eq!(run(&["config", "check", &config], &[]).code, 0);
}

#[test]
fn pages_are_branded_within_reason() {
    let folder = Folder::new();
    let texts = folder.write("texts.toml", "[en]\nchooser_title = \"x\"\nno_such_key = \"x\"\n");
    let branding = format!("[branding]\naccent = \"#ffcc00\"\nhelp_url = \"javascript:x\"\ntexts_file = \"{texts}\"\n[store]");
    let checked = run(&["config", "check", &folder.config("[store]", &branding)], &[]);
    for expected in ["branding.accent has a contrast of", "branding.help_url must be a web address", "texts.toml:3:1: en.no_such_key"] {
        assert!(checked.code == 1 && checked.err.contains(expected), "{expected} is missing in\n{}", checked.err);
    }
    let good =
        folder.config("[store]", "[branding]\nname = \"Corp ID\"\naccent = \"#0d5f58\"\nhelp_url = \"mailto:help@corp.example\"\n[store]");
    let checked = run(&["config", "check", &good], &[]);
    assert_eq!(checked.code, 0, "{}", checked.err);
}

#[test]
fn slips_about_unusual_activity_are_told() {
    let folder = Folder::new();
    let file = folder.write("places.mmdb", "no such thing");
    let section = format!(
        "[detections]\noff = [\"new_networks\"]\nfailures_within = \"2h\"\nlearn_sign_ins = 0\ntravel_speed = 3\nfailures_per_client = 5000\n\
         time_zone = \"Berlin\"\nadmin_hours = \"Mon-Fri 18:00-08:00\"\ngeoip_file = \"{file}\"\n[store]"
    );
    let checked = run(&["config", "check", &folder.config("[store]", &section)], &[]);
    for expected in [
        "detections.off \"new_networks\" is none of",
        "did you mean new_network?",
        "detections.failures_within is 2h, and must be from 1m to 1h",
        "detections.learn_sign_ins must be from 1 to 1000",
        "detections.travel_speed must be from 100 to 100000",
        "detections.failures_per_client must be from 0 to 1000",
        "detections.time_zone is no time zone",
        "detections.admin_hours has hours that end before they begin",
        "places.mmdb, which is no database in MaxMind's format",
    ] {
        assert!(checked.code == 1 && checked.err.contains(expected), "{expected} is missing in\n{}", checked.err);
    }
    let cities = format!("{}/cities.mmdb", folder.path());
    std::fs::write(&cities, vestibule_testkit::mmdb::cities(&[("192.0.2.0/24", "DE", 52.5, 13.4)])).unwrap();
    let section =
        format!("[detections]\nadmin_hours = \"Mon-Fri 08:00-18:00\"\ntime_zone = \"Europe/Berlin\"\ngeoip_file = \"{cities}\"\n[store]");
    let config = folder.config("[store]", &section);
    let checked = run(&["config", "check", &config], &[]);
    assert_eq!(checked.code, 0, "{}", checked.err);
}

#[test]
fn a_file_that_is_no_toml_is_told_where() {
    let folder = Folder::new();
    let config = folder.write("broken.toml", "issuer = \"https://a.example\"\n[listen\n");
    let checked = run(&["config", "check", &config], &[]);
    assert!(checked.code == 1 && checked.err.contains(&format!("{config}:2:")), "{}", checked.err);
    let twice = folder.write("twice.toml", "[log]\nformat = \"json\"\nformat = \"json\"\n");
    let checked = run(&["config", "check", &twice], &[]);
    assert!(checked.code == 1 && checked.err.contains(&format!("{twice}:3:1")), "{}", checked.err);
}

#[test]
fn faults_are_answered_in_json_too() {
    let folder = Folder::new();
    let config = folder.config("https://login.example.com", "http://login.example.com");
    let checked = run(&["config", "check", "--json", &config], &[]);
    let answer: serde_json::Value = serde_json::from_str(&checked.out).unwrap();
    assert_eq!(checked.code, 1);
    assert_eq!(
        (&answer["ok"], &answer["faults"][0]["key"], &answer["faults"][0]["origin"]["line"]),
        (&false.into(), &"issuer".into(), &1.into())
    );
}

#[test]
fn names_with_underscores_and_providers_come_from_the_environment() {
    let folder = Folder::new();
    let config = folder.config("id = \"acme\"", "id = \"acme-1.eu\"");
    let secret = folder.write("secret", "hunter2hunter2\n");
    let shown = run(
        &["config", "show", "--json", &config],
        &[
            ("VESTIBULE__LISTEN__TRUSTED_PROXIES", "10.0.0.0/8,192.0.2.1/32"),
            ("VESTIBULE__LISTEN__MAX_CONNECTIONS", "7"),
            ("VESTIBULE__PROVIDERS__ACME_1_EU__CLIENT_SECRET_FILE", &secret),
            ("VESTIBULE__PROVIDERS__ACME_1_EU__USERINFO", "false"),
            ("VESTIBULE__PROVIDERS__ACME_1_EU__ENTRY__EMAIL_DOMAINS", "corp.example, *.corp.example"),
        ],
    );
    let shown: Vec<serde_json::Value> = serde_json::from_str(&shown.out).unwrap();
    let value =
        |key: &str| shown.iter().find(|each| each["key"] == key).map(|each| (each["value"].clone(), each["origin"].clone())).unwrap();
    assert_eq!(value("listen.trusted_proxies").0, serde_json::json!(["10.0.0.0/8", "192.0.2.1/32"]));
    assert_eq!(value("listen.max_connections").0, 7);
    assert_eq!(value("providers[0].userinfo").0, false);
    assert_eq!(value("providers[0].entry.email_domains").0, serde_json::json!(["corp.example", "*.corp.example"]));
    let (path, origin) = value("providers[0].client_secret_file");
    assert_eq!(path, secret.as_str());
    assert_eq!(origin["variable"], "VESTIBULE__PROVIDERS__ACME_1_EU__CLIENT_SECRET_FILE");
}

#[test]
fn slips_in_the_environment_are_found_too() {
    let folder = Folder::new();
    let config = folder.config("", "");
    for (variable, value, said) in [
        ("VESTIBULE__LISTEN__ADRESS", "127.0.0.1:1", "did you mean VESTIBULE__LISTEN__ADDRESS?"),
        ("VESTIBULE__LISTEN__MAX_CONNECTIONS", "many", "must be a whole number"),
        ("VESTIBULE__PROVIDERS__NOBODY__LABEL", "x", "the configuration file has ACME"),
        ("VESTIBULE__LISTEN", "x", "is not a setting"),
    ] {
        let checked = run(&["config", "check", &config], &[(variable, value)]);
        assert!(checked.code == 1 && checked.err.contains(&format!("{variable}: ")) && checked.err.contains(said), "{}", checked.err);
    }
}

#[test]
fn a_secret_from_a_higher_layer_overrules_and_two_in_one_layer_are_refused() {
    let folder = Folder::new();
    let config = folder.config("", "");
    let weak = folder.write("weak.key", &"0".repeat(64));
    let checked = run(&["config", "check", &config], &[("VESTIBULE__SEALING__KEY_FILE", &weak)]);
    assert!(checked.code == 1 && checked.err.contains("sealing.key can't be used"), "the file of the variable was read: {}", checked.err);
    let good = run(&["keygen"], &[]).out;
    let checked = run(&["config", "check", &config], &[("VESTIBULE__SEALING__KEY", good.trim())]);
    assert_eq!(checked.code, 0, "the variable overrules the file's key_file: {}", checked.err);
    let checked = run(&["config", "check", &config], &[("VESTIBULE__SEALING__KEY", good.trim()), ("VESTIBULE__SEALING__KEY_FILE", &weak)]);
    assert!(
        checked.err.contains("is set twice, at VESTIBULE__SEALING__KEY and by sealing.key_file at VESTIBULE__SEALING__KEY_FILE"),
        "{}",
        checked.err
    );
}

#[test]
fn attack_78_nothing_that_is_said_has_a_secret_in_it() {
    let folder = Folder::new();
    let config = folder.config("given-by-acme", "hunter2-client\"\nprivate_kye = \"hunter2-slip");
    let environment = [
        ("VESTIBULE__SEALING__KEY", "hunter2-sealing"),
        ("VESTIBULE__SEALING__PREVIOUS", "hunter2-previous,hunter2-older"),
        ("VESTIBULE__ADMIN__BOOTSTRAP_KEY", "hunter2-admin"),
        ("VESTIBULE__STORE__URL", "postgres://vestibule:hunter2-store@db.internal/vestibule"),
        ("VESTIBULE__TRACING__OTLP_ENDPOINT", "https://hunter2-user:hunter2-password@collector.example"),
    ];
    for command in [&["config", "show", &config][..], &["config", "show", "--json", &config], &["config", "check", &config]] {
        let said = run(command, &environment);
        assert!(!said.out.contains("hunter2") && !said.err.contains("hunter2"), "{command:?}: {} {}", said.out, said.err);
    }
    let shown = run(&["config", "show", &config], &environment).out;
    assert!(
        shown.contains("sealing.previous = [\"(secret)\",\"(secret)\"]")
            && shown.contains("postgres://vestibule:hidden@db.internal/vestibule"),
        "{shown}"
    );
    for wrong_type in [
        "[[providers]]\nid = \"a\"\nclient_secret = [\"hunter2\"]",
        "[sealing]\nprevious = \"hunter2\"",
        "[sealing]\nkey = [\"hunter2\"]",
        "[admin]\nbootstrap_key = { x = \"hunter2\" }",
    ] {
        let checked = run(&["config", "check", &folder.write("wrong.toml", wrong_type)], &[]);
        assert!(checked.code == 1 && !checked.err.contains("hunter2"), "{}", checked.err);
    }
}

#[test]
fn the_examples_are_good() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/examples");
    let examples: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(examples.len() >= 3);
    for example in examples {
        let checked = run(&["config", "check", "--without-files", example.to_str().unwrap()], &[]);
        assert_eq!(checked.code, 0, "{}: {}", example.display(), checked.err);
    }
}

#[test]
fn the_schema_in_the_project_is_the_one_the_program_prints() {
    let kept = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/schema.json")).unwrap();
    assert_eq!(run(&["config", "schema"], &[]).out, kept, "run: vestibule config schema > config/schema.json");
}

#[test]
fn a_fresh_key_is_good_and_another_each_time() {
    let keys: Vec<_> = (0..2).map(|_| run(&["keygen"], &[]).out).collect();
    assert_ne!(keys[0], keys[1]);
    let bootstrap = run(&["keygen", "--bootstrap"], &[]).out;
    assert!(bootstrap.trim().len() >= 32 && bootstrap.lines().count() == 1);
}
