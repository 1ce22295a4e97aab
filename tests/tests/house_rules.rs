//! The rules of the house that no compiler holds: who may use whom, and what may not be written.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use serde_json::Value;
use vestibule_tests::{project, tracked};

#[test]
fn crates_use_exactly_what_the_map_says() {
    let output =
        Command::new("cargo").args(["metadata", "--format-version", "1", "--no-deps", "--offline"]).current_dir(project()).output();
    let metadata: Value = serde_json::from_slice(&output.expect("cargo runs").stdout).expect("cargo prints JSON");
    let short = |name: &str| name.strip_prefix("vestibule-").unwrap_or(name).to_owned();
    let ours: BTreeSet<String> = names(&metadata["packages"]).map(|name| short(&name)).collect();
    let found: BTreeMap<String, BTreeSet<String>> = metadata["packages"]
        .as_array()
        .expect("a list of packages")
        .iter()
        .map(|package| {
            let of_ours = package["dependencies"]
                .as_array()
                .expect("a list of dependencies")
                .iter()
                .filter(|dependency| {
                    dependency["kind"].is_null() && dependency["name"].as_str().is_some_and(|name| name.starts_with("vestibule"))
                })
                .filter_map(|dependency| dependency["name"].as_str().map(short))
                .collect();
            (short(package["name"].as_str().unwrap_or_default()), of_ours)
        })
        .collect();
    assert_eq!(found, map());
    assert_eq!(ours.len(), found.len());
}

/// The table of `crates/README.md`: what each crate may use of ours.
fn map() -> BTreeMap<String, BTreeSet<String>> {
    let readme = std::fs::read_to_string(project().join("crates/README.md")).expect("crates/README.md is there");
    let column = |heading: &str| columns(&readme, heading).into_iter().map(|(_, cell)| cell);
    let listed = |cell: &str| cell.split(',').map(str::trim).filter(|used| !used.is_empty() && *used != "–").map(str::to_owned).collect();
    let map: BTreeMap<_, _> =
        column("crate").zip(column("may use (ours)")).map(|(name, uses)| (name.trim_matches('`').to_owned(), listed(uses))).collect();
    assert!(map.len() > 10, "the map has another form than this test reads: {map:?}");
    map
}

#[test]
fn nothing_is_left_for_later_and_no_lint_is_silenced_in_passing() {
    let unfinished = ["TO", "FIX", "XX"].map(|start| {
        format!(
            "{start}{}",
            if start == "TO" {
                "DO"
            } else if start == "FIX" {
                "ME"
            } else {
                "X"
            }
        )
    });
    let silenced = ["#[", "#!["].map(|start| format!("{start}allow("));
    for file in tracked(&["*.rs", "*.toml", "*.md", "*.html", "*.css", "*.mjs", "*.py", "*.yaml", "*.yml", "run"]) {
        let Ok(text) = std::fs::read_to_string(project().join(&file)) else { continue };
        let is_rust = std::path::Path::new(&file).extension().is_some_and(|ending| ending == "rs");
        for (number, line) in text.lines().enumerate() {
            let at = format!("{file}:{}", number + 1);
            assert!(!unfinished.iter().any(|word| line.contains(word.as_str())), "{at}: {line}");
            assert!(!(is_rust && silenced.iter().any(|word| line.contains(word.as_str()))), "{at}: {line}");
        }
    }
}

#[test]
fn modules_are_files_beside_their_folder() {
    let stray: Vec<_> = tracked(&["*.rs"]).into_iter().filter(|file| file.ends_with("/mod.rs") && !file.contains("/tests/")).collect();
    assert!(stray.is_empty(), "{stray:?}");
}

#[test]
fn lists_of_every_value_have_every_value() {
    let mut seen = 0;
    for file in tracked(&["crates/*.rs"]) {
        let Ok(text) = std::fs::read_to_string(project().join(&file)) else { continue };
        // Those that a macro makes of the enum itself have nothing to forget.
        let mut loose = text.split("const ALL: &'static [Self] = &[").skip(1).filter(|list| !list.starts_with("$("));
        assert!(loose.next().is_none(), "{file}: a list of every value says how many they are");
        for (before, after) in text.match_indices("const ALL: [Self; ").map(|(at, _)| text.split_at(at)) {
            let name = before.rsplit("\nimpl ").next().and_then(|rest| rest.split([' ', '<']).next()).expect("it is in an impl");
            let (_, body) =
                before.split_once(&format!("enum {name} {{\n")).unwrap_or_else(|| panic!("{file}: {name} is no enum of this file"));
            let body = body.split("\n}").next().expect("it ends");
            let variants: BTreeSet<&str> = body
                .lines()
                .map(str::trim)
                .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()))
                .map(|line| line.trim_end_matches(',').split([' ', '(']).next().unwrap_or_default())
                .collect();
            let list = after.split(';').nth(1).expect("the list ends");
            let listed: BTreeSet<&str> =
                list.split("Self::").skip(1).map(|rest| rest.trim_end_matches(|c: char| !c.is_alphanumeric())).collect();
            assert_eq!(listed, variants, "{file}: {name}::ALL");
            seen += 1;
        }
    }
    assert!(seen > 3, "{seen}: lists have another form than this test reads");
}

#[test]
fn tests_that_the_conformance_document_names_are_there() {
    let document = std::fs::read_to_string(project().join("docs/conformance.md")).expect("docs/conformance.md is there");
    let (tests, files) = (tests(), tracked(&["*"]));
    let is_there = |cited: &str| {
        if cited.contains('/') || Path::new(cited).extension().is_some_and(|extension| extension == "rs") {
            return files
                .iter()
                .any(|file| file == cited || file.starts_with(&format!("{cited}/")) || file.ends_with(&format!("/{cited}")));
        }
        tests.iter().any(|test| is_like(test, cited))
    };
    let mut cited = 0;
    for (number, cell) in columns(&document, "tests") {
        for name in cell.split('`').skip(1).step_by(2) {
            assert!(is_there(name), "docs/conformance.md:{number}: there is no test `{name}`");
            cited += 1;
        }
    }
    assert!(cited > 200, "{cited}: the tables have another form than this test reads");
}

/// Who reads a runbook at night looks for these very words.
#[test]
fn the_words_of_runbooks_are_those_of_the_house() {
    let read = |path: &str| std::fs::read_to_string(project().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let json = |path: &str| -> Value { serde_json::from_str(&read(path)).expect("JSON") };
    let mut sections = BTreeSet::new();
    settings_of(&json("config/schema.json"), "", &mut sections);
    let quoted = |path: &str| read(path).split('"').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>();
    let mut words: BTreeSet<String> = sections.iter().filter_map(|path| path.rsplit('.').next()).map(str::to_owned).collect();
    // Reasons and names of events; error codes of apps; values of labels; parameters of requests and registrations.
    for path in [
        "docs/audit/events.schema.json",
        "crates/domain/src/error.rs",
        "crates/domain/src/detection.rs",
        "crates/telemetry/src/metrics.rs",
        "crates/telemetry/src/metrics/labels.rs",
        "crates/domain/src/authorize.rs",
        "crates/domain/src/registration/facts.rs",
    ] {
        words.extend(quoted(path));
    }
    let sources: String = tracked(&["crates/*/src/**.rs", "crates/*/src/*.rs"]).iter().map(|path| read(path)).collect();
    let mut seen = 0;
    for runbook in tracked(&["ops/runbooks/*.md"]) {
        let text = read(&runbook);
        for part in text.split('`').skip(1).step_by(2).map(|part| part.split_whitespace().collect::<Vec<_>>().join(" ")) {
            let is_made_of = |letters: &str| part.chars().all(|letter| letter.is_ascii_lowercase() || letters.contains(letter));
            let known = match part.as_str() {
                part if is_made_of("_") && part.contains('_') => words.contains(part),
                part if is_made_of("_.") && part.contains('.') => {
                    sections.contains(part) || words.contains(part) || sources.contains(&format!("\"{part}\""))
                }
                part if part.starts_with('[') => {
                    let path = part.trim_start_matches('[').replacen("] ", ".", 1).trim_end_matches(']').to_owned();
                    sections.contains(&path)
                }
                // What the log says.
                part if is_made_of(" ,;'") && part.contains(' ') && !part.starts_with("vestibule ") => sources.contains(part),
                _ => continue,
            };
            assert!(known, "{runbook}: {part} is no word of the house's");
            seen += 1;
        }
        for metric in text.split(|letter: char| !letter.is_ascii_lowercase() && letter != '_').filter(|word| word.starts_with("vestibule_"))
        {
            let name = ["_total", "_bucket", "_sum", "_count"].iter().fold(metric, |name, end| name.trim_end_matches(end));
            assert!(sources.contains(&format!("\"{name}\"")), "{runbook}: {metric} is no metric");
            seen += 1;
        }
        for reason in text.split("reason=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(words.contains(reason), "{runbook}: {reason} is no reason");
        }
    }
    assert!(seen > 40, "{seen}");
}

/// Every setting by its path.
fn settings_of(schema: &Value, at: &str, found: &mut BTreeSet<String>) {
    for (name, below) in schema["properties"].as_object().into_iter().flatten() {
        let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        for part in [Some(below), below.get("items")].into_iter().flatten().chain(below["anyOf"].as_array().into_iter().flatten()) {
            settings_of(part, &path, found);
        }
        found.insert(path);
    }
}

#[test]
fn software_that_the_conformance_document_names_is_what_the_tests_have() {
    let document = std::fs::read_to_string(project().join("docs/conformance.md")).expect("docs/conformance.md is there");
    let pinned: String = tracked(&["tests/bench/package.json", "tests/bench/requirements*.txt", "Cargo.lock"])
        .iter()
        .map(|file| std::fs::read_to_string(project().join(file)).expect("a list of packages").to_lowercase())
        .collect();
    let mut named = BTreeSet::new();
    for (number, cell) in columns(&document, "exercised by") {
        // What follows a name is about it: "oidc-provider, whose keys rotate". Chromium is the distribution's.
        let of_itself = |part: &&str| !["–", "a ", "whose ", "client ", "Chromium"].iter().any(|start| part.starts_with(start));
        for part in cell.split(", ").filter(of_itself) {
            let name = part.split(' ').next().unwrap_or_default().to_lowercase();
            let is_there = [format!("\"{name}\""), format!("\n{name}=="), format!("\n{name}[")].iter().any(|pin| pinned.contains(pin));
            assert!(is_there, "docs/conformance.md:{number}: no test has {name}");
            named.insert(name);
        }
    }
    assert!(named.len() > 8, "{named:?}: the table has another form than this test reads");
}

#[test]
fn a_specification_has_one_name_in_the_names_of_tests() {
    // `rfc_6749_section_4_1_2_…` and `oidc_core_section_3_1_2_1_…`, so that all tests of a section are found by one filter.
    for test in tests() {
        let mut parts = test.split('_').peekable();
        while let Some(part) = parts.next() {
            let before_a_number = parts.peek().is_some_and(|next| next.starts_with(|c: char| c.is_ascii_digit()));
            let run_together =
                ["rfc", "fapi", "oauth"].iter().any(|name| part.strip_prefix(name).is_some_and(|rest| rest.parse::<u32>().is_ok()));
            let without_section = ["core", "oidc", "logout"].contains(&part) && before_a_number;
            assert!(!run_together && !without_section, "{test}: write rfc_1234_section_5_6, oidc_core_section_5_6, …");
        }
        assert!(!test.contains("openid_core_") && !test.contains("openid_discovery_"), "{test}: write oidc_core_section_…");
    }
}

/// The names of all tests, those of the store's contract among them.
fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in tracked(&["*.rs"]) {
        let Ok(text) = std::fs::read_to_string(project().join(&file)) else { continue };
        let is_contract = file.contains("store_contract/");
        let mut marked = false;
        for line in text.lines().map(str::trim_start) {
            marked |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            let signature = line.strip_prefix("pub ").filter(|_| is_contract).or_else(|| marked.then_some(line));
            let name = signature.and_then(|line| line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn "));
            if let Some((name, _)) = name.and_then(|name| name.split_once('(')) {
                found.insert(name.to_owned());
                marked = false;
            }
        }
    }
    found
}

/// Whether a name is the one that is written, where `*` and `…` stand for anything.
fn is_like(name: &str, written: &str) -> bool {
    let mut parts = written.split(['*', '…']);
    let mut rest = parts.next().and_then(|start| name.strip_prefix(start));
    let mut last = "";
    for part in parts {
        last = part;
        rest = rest.and_then(|rest| rest.find(part).map(|at| &rest[at + part.len()..]));
    }
    rest.is_some_and(|rest| rest.is_empty() || (written.contains(['*', '…']) && (last.is_empty() || name.ends_with(last))))
}

/// The cells under a heading of a document's tables, with the numbers of their lines.
fn columns<'a>(document: &'a str, heading: &str) -> Vec<(usize, &'a str)> {
    let (mut found, mut place) = (Vec::new(), None);
    for (at, line) in document.lines().enumerate() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if !line.starts_with('|') {
            place = None;
        } else if let Some(at_heading) = cells.iter().position(|cell| *cell == heading) {
            place = Some(at_heading);
        } else if let Some(cell) = place.and_then(|place| cells.get(place)).filter(|cell| !cell.starts_with("---")) {
            found.push((at + 1, *cell));
        }
    }
    found
}

fn names(packages: &Value) -> impl Iterator<Item = String> {
    packages.as_array().into_iter().flatten().filter_map(|package| package["name"].as_str().map(str::to_owned))
}
