//! What the docs tell people to type works.

use std::{collections::BTreeMap, process::Command};

use vestibule_tests::{ADMIN_KEY, Desk, House, SEALING_KEY, Upstream, binary, project, tracked};

fn readme() -> String {
    std::fs::read_to_string(project().join("README.md")).expect("README.md is there")
}

/// Every command line of a document: indented blocks, joined where a line ends in a backslash, and whole commands within the text.
fn commands(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let blocks = joined.lines().filter_map(|line| line.strip_prefix("    ")).map(|line| line.trim().to_owned());
    // What stands for a command is none.
    let is_one = |part: &&str| {
        let command = part.strip_prefix("vestibule ").and_then(|rest| rest.split_whitespace().next());
        command.is_some_and(|command| command.chars().any(char::is_lowercase)) && !part.contains(['…', '{'])
    };
    let within = text.split('`').skip(1).step_by(2).filter(is_one);
    blocks.chain(within.map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))).collect()
}

#[test]
fn every_command_of_the_binary_in_the_docs_exists() {
    let mut seen = 0;
    for file in tracked(&["*.md"]) {
        let text = std::fs::read_to_string(project().join(&file)).expect("a document");
        for line in commands(&text) {
            let Some(rest) = line.strip_prefix("vestibule ").or_else(|| line.strip_prefix("cargo run --release -- ")) else { continue };
            let words: Vec<_> = rest.split(' ').take_while(|word| !word.starts_with('-')).collect();
            let output = Command::new(binary()).args(&words).arg("--help").output().expect("the binary runs");
            assert!(output.status.success(), "{file}: {line}");
            let help = String::from_utf8_lossy(&output.stdout).into_owned();
            for option in rest.split(' ').filter(|word| word.starts_with("--")) {
                assert!(help.contains(option), "{file}: {line}: no {option} in {help}");
            }
            seen += 1;
        }
    }
    assert!(seen >= 30, "{seen}");
}

/// What a command's help calls its own commands.
fn commands_of(words: &[&str]) -> Vec<String> {
    let output = Command::new(binary()).args(words).arg("--help").output().expect("the binary runs");
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    let Some((_, listed)) = help.split_once("Commands:\n") else { return Vec::new() };
    let names = listed.lines().take_while(|line| line.starts_with("  ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_command_of_the_binary_is_in_the_docs() {
    let text = std::fs::read_to_string(project().join("docs/cli.md")).expect("a document");
    let mut missing = Vec::new();
    let mut left: Vec<Vec<String>> = commands_of(&[]).into_iter().map(|name| vec![name]).collect();
    assert!(left.len() > 20, "{left:?}");
    while let Some(words) = left.pop() {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let inner = commands_of(&words);
        // Of one that has others, those are what is typed.
        if inner.is_empty() && !text.contains(&format!("`{}`", words.join(" "))) {
            missing.push(words.join(" "));
        }
        left.extend(inner.iter().map(|name| words.iter().map(|word| (*word).to_owned()).chain([name.clone()]).collect::<Vec<_>>()));
    }
    assert!(missing.is_empty(), "docs/cli.md does not name {missing:?}");
}

#[tokio::test]
async fn the_readmes_way_to_register_an_app_registers_one() {
    let (house, _upstream) = House::start(Upstream::start).await;
    let line = commands(&readme()).into_iter().find(|line| line.starts_with("curl ")).expect("the README shows a request");
    let line = line.replace("https://sso.example.com", &house.issuer);
    let output = Command::new("bash").args(["-c", &line]).env("BOOTSTRAP_KEY", ADMIN_KEY).output().expect("bash runs");
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    assert_eq!(answer["client_name"], "Grafana", "{answer:#}");
    assert!(answer["client_secret"].is_string());
}

/// The blocks of a document in a language.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    text.match_indices(&fence).filter_map(|(at, _)| text[at + fence.len()..].split("```").next()).collect()
}

/// Every document, by its name.
fn documents() -> Vec<(String, String)> {
    let read = |file: String| (std::fs::read_to_string(project().join(&file)).expect("a document"), file);
    tracked(&["*.md"]).into_iter().map(read).map(|(text, file)| (file, text)).collect()
}

#[test]
fn every_configuration_that_a_document_shows_is_a_good_one() {
    let mut seen = 0;
    for (file, text) in documents().into_iter().filter(|(file, _)| file != "config/providers.md") {
        // What stands in one section may name a provider that is not shown beside it.
        let corp = "[[providers]]\nid = \"corp\"\npreset = \"oidc\"\nissuer = \"https://login.corp.example\"\nclient_id = \"v\"\nclient_secret = \"s\"\n";
        for block in blocks(&text, "toml").into_iter().filter(|block| block.starts_with('[')) {
            is_good_configuration(&file, &if block.contains("\"corp\"") { format!("{block}{corp}") } else { block.to_owned() });
            seen += 1;
        }
    }
    assert!(seen >= 6, "{seen}");
}

#[tokio::test]
async fn every_app_that_a_document_shows_as_a_file_can_be_applied() {
    let desk = Desk::open().await;
    let mut seen = 0;
    for (file, text) in documents() {
        for (at, block) in blocks(&text, "toml").into_iter().enumerate().filter(|(_, block)| !block.starts_with('[')) {
            let path = desk.file(&format!("{}-{at}.toml", file.replace(['/', '.'], "-")), block);
            let said = desk.said(&["apply", "-f", &path, "--dry-run"]);
            assert!(said.contains("Plan: 1 to add, 0 to change, 0 to remove."), "{file}: {said}");
            seen += 1;
        }
    }
    assert!(seen >= 1, "{seen}");
}

#[test]
fn the_lines_for_each_provider_are_a_good_configuration_and_no_preset_is_left_out() {
    let text = std::fs::read_to_string(project().join("config/providers.md")).expect("a document");
    let blocks = blocks(&text, "toml");
    // Any key will do; this one signs nothing.
    let key = rcgen::KeyPair::generate().expect("a key").serialize_pem().replace('\n', "\\n");
    let all = blocks.concat().replace("-----BEGIN PRIVATE KEY-----\\n...\\n-----END PRIVATE KEY-----\\n", &key);
    is_good_configuration("config/providers.md", &all);
    for preset in std::fs::read_dir(project().join("crates/providers/presets")).expect("a folder") {
        let name = preset.expect("a file").path();
        let name = name.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        assert!(all.contains(&format!("preset = \"{name}\"")), "{name} is not in config/providers.md");
    }
}

fn is_good_configuration(file_of: &str, block: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("acme");
    std::fs::write(&secret, "secret-of-acme-0123456789\n").expect("a file");
    let siem = folder.path().join("siem");
    std::fs::write(&siem, "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n").expect("a file");
    let block = block
        .replace("/run/secrets/acme", &secret.display().to_string())
        .replace("/etc/vestibule/siem.secret", &siem.display().to_string())
        .replace("/etc/vestibule/alerts.secret", &siem.display().to_string())
        .replace("/var/log/vestibule", &folder.path().display().to_string())
        // A database that operators bring themselves.
        .replace("geoip_file", "# geoip_file");
    let config = format!(
        "issuer = \"https://sso.example.com\"\n[listen]\naddress = \"127.0.0.1:8000\"\n[store]\nurl = \"sqlite://{}/v.db\"\n\
         [sealing]\nkey = \"{SEALING_KEY}\"\n[admin]\nbootstrap_key = \"{ADMIN_KEY}\"\n{block}",
        folder.path().display()
    );
    let file = folder.path().join("vestibule.toml");
    std::fs::write(&file, config).expect("a file");
    let output = Command::new(binary()).args(["config", "check"]).arg(&file).output().expect("the binary runs");
    let said = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
    assert!(output.status.success(), "{file_of}: {block}\n{said}");
}

#[test]
fn links_between_documents_lead_somewhere() {
    for (file, text) in documents() {
        let folder = project().join(&file).parent().expect("a file lies in a folder").to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).filter(|link| !link.contains("://")) {
            let link = link.split('#').next().unwrap_or_default();
            assert!(folder.join(link).exists(), "{file}: {link}");
        }
    }
}

/// The settings of `config/default.toml` with their values, as `section.name`; without a value where the line is commented out.
fn settings() -> BTreeMap<String, Option<String>> {
    let text = std::fs::read_to_string(project().join("config/default.toml")).expect("the settings");
    let (mut section, mut found) = (String::new(), BTreeMap::new());
    for line in text.lines() {
        if let Some(list) = line.strip_prefix("# [[").and_then(|rest| rest.strip_suffix("]]")) {
            // One setting, whatever is in it.
            section = format!("{list}[]");
            found.insert(list.to_owned(), None);
        } else if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = format!("{name}.");
        } else if let Some((name, value)) = line.trim_start_matches("# ").split_once(" = ")
            && !section.ends_with("[]")
        {
            let is_set = !line.starts_with('#');
            found.entry(format!("{section}{name}")).or_insert(is_set.then(|| value.trim_matches('"').to_owned()));
        }
    }
    assert!(found.len() > 60, "{found:#?}");
    found
}

/// The rows of the tables below a heading, cell by cell.
fn rows(text: &str, heading: &str) -> Vec<Vec<String>> {
    let (_, below) = text.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no heading {heading}"));
    let section = below.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

#[test]
fn asvs_7_1_1_asvs_7_1_2_asvs_7_1_3_how_long_sessions_live_how_many_and_what_ends_with_what_is_written_as_it_is() {
    let text = std::fs::read_to_string(project().join("docs/sessions.md")).expect("a document");
    let settings = settings();
    let written: BTreeMap<String, Option<String>> = rows(&text, "How long things live")
        .into_iter()
        .map(|row| (row[0].trim_matches('`').to_owned(), Some(row[1].trim_matches('`').to_owned())))
        .collect();
    let of_time = settings
        .into_iter()
        .filter(|(name, _)| name.starts_with("lifetimes.") || ["console.session", "console.idle"].contains(&name.as_str()));
    assert_eq!(written, of_time.collect());
    assert!(text.contains("\n## How many at once\n") && rows(&text, "When one of them ends").len() > 5);
}

#[test]
fn asvs_16_1_1_what_is_written_down_is_listed_with_the_settings_there_are() {
    let text = std::fs::read_to_string(project().join("docs/watching.md")).expect("a document");
    let settings = settings();
    let listed = rows(&text, "What is written down, and where");
    for name in listed.iter().flat_map(|row| row[5].split('`').skip(1).step_by(2)) {
        assert!(settings.contains_key(name), "{name} is no setting");
    }
    // Whatever says where something is written, or for how long, is in the list.
    for (name, _) in
        settings.iter().filter(|(name, _)| name.ends_with("otlp_endpoint") || name.starts_with("audit.") || name.starts_with("log."))
    {
        assert!(listed.iter().any(|row| row[5].contains(&format!("`{name}`"))), "{name} is not in the list");
    }
}
