//! What the docs tell people to type works.

use std::process::Command;

use vestibule_tests::{ADMIN_KEY, House, SEALING_KEY, Upstream, binary, project};

fn readme() -> String {
    std::fs::read_to_string(project().join("README.md")).expect("README.md is there")
}

/// Every command line of a document: indented blocks, joined where a line ends in a backslash.
fn commands(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    joined.lines().filter_map(|line| line.strip_prefix("    ")).map(|line| line.trim().to_owned()).collect()
}

#[test]
fn every_command_of_the_binary_in_the_docs_exists() {
    let mut seen = 0;
    let mut files: Vec<String> =
        ["README.md", "config/providers.md", "docs/audit.md", "docs/cli.md", "docs/watching.md", "ops/load/README.md"]
            .map(str::to_owned)
            .into();
    for runbook in std::fs::read_dir(project().join("ops/runbooks")).expect("the runbooks") {
        files.push(format!("ops/runbooks/{}", runbook.expect("a file").file_name().display()));
    }
    for file in files {
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
    assert!(seen >= 3, "{seen}");
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

#[test]
fn the_readmes_provider_is_a_good_configuration() {
    let text = readme();
    let (_, block) = text.split_once("```toml\n").expect("the README shows a provider");
    let (block, _) = block.split_once("```").expect("the block ends");
    is_good_configuration(block);
}

#[test]
fn the_lines_for_each_provider_are_a_good_configuration_and_no_preset_is_left_out() {
    let text = std::fs::read_to_string(project().join("config/providers.md")).expect("a document");
    let blocks: Vec<&str> = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    // Any key will do; this one signs nothing.
    let key = rcgen::KeyPair::generate().expect("a key").serialize_pem().replace('\n', "\\n");
    let all = blocks.concat().replace("-----BEGIN PRIVATE KEY-----\\n...\\n-----END PRIVATE KEY-----\\n", &key);
    is_good_configuration(&all);
    for preset in std::fs::read_dir(project().join("crates/providers/presets")).expect("a folder") {
        let name = preset.expect("a file").path();
        let name = name.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        assert!(all.contains(&format!("preset = \"{name}\"")), "{name} is not in config/providers.md");
    }
}

fn is_good_configuration(block: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("acme");
    std::fs::write(&secret, "secret-of-acme-0123456789\n").expect("a file");
    let block = block.replace("/run/secrets/acme", &secret.display().to_string());
    let config = format!(
        "issuer = \"https://sso.example.com\"\n[listen]\naddress = \"127.0.0.1:8000\"\n[store]\nurl = \"sqlite://{}/v.db\"\n\
         [sealing]\nkey = \"{SEALING_KEY}\"\n[admin]\nbootstrap_key = \"{ADMIN_KEY}\"\n{block}",
        folder.path().display()
    );
    let file = folder.path().join("vestibule.toml");
    std::fs::write(&file, config).expect("a file");
    let output = Command::new(binary()).args(["config", "check"]).arg(&file).output().expect("the binary runs");
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

#[test]
fn links_between_documents_lead_somewhere() {
    for file in ["README.md", "config/providers.md", "crates/README.md", "docs/audit.md", "docs/cli.md", "docs/watching.md"] {
        let text = std::fs::read_to_string(project().join(file)).expect("a document");
        let folder = project().join(file).parent().expect("a file lies in a folder").to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).filter(|link| !link.contains("://")) {
            let link = link.split('#').next().unwrap_or_default();
            assert!(folder.join(link).exists(), "{file}: {link}");
        }
    }
}
