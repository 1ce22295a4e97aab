//! What a Prometheus sees that watches: every panel has data, every alert a metric and a runbook, alerts fire when they should, and what `ops/compose`
//! starts beside it is good.

use std::{collections::BTreeSet, fs::Permissions, os::unix::fs::PermissionsExt, path::Path, process::Command, time::Duration};

use reqwest::StatusCode;
use serde_json::{Value, json};
use vestibule_tests::{
    ADMIN_KEY, Client, Faulty, House, HouseOptions, LogoutReceiver, Neighbours, Person, Prometheus, Upstream, binary, free_port, project,
};

const CALLBACK: &str = "http://127.0.0.1:9/callback";

/// A house with a good provider, one that fails, one that is not there, and one whose rules let nobody in.
async fn watched_house() -> (House, Upstream, Faulty, LogoutReceiver) {
    let extra = "[metrics]\nby_client = true\n[lifetimes]\nrefresh_grace = \"0s\"\n[limits]\npush_per_address = 2\n\
                 [[audit.sinks]]\nid = \"nowhere\"\nkind = \"file\"\npath = \"/dev/null\"\nfsync = false\n";
    let options = HouseOptions { extra: extra.into(), ..HouseOptions::default() };
    let (house, (upstream, faulty, receiver)) = House::start_among(options, async |gateway: &str| {
        let (upstream, faulty, receiver) = (Upstream::start(gateway), Faulty::start(), LogoutReceiver::start(gateway));
        let closed = format!("{}\n[providers.entry]\nemail_domains = [\"nowhere.example\"]", faulty.section("closed"));
        let dead = format!("http://127.0.0.1:{}", free_port());
        let dead_section = faulty.section("dead").replace(faulty.issuer(), &dead);
        let neighbours = Neighbours::default()
            .with(&dead_section, &[dead.as_str()])
            .with(&upstream.section("acme", "secret_expires = \"2099-01-31\""), &[upstream.issuer(), &receiver.url("")])
            .with(&faulty.section("faulty"), &[faulty.issuer()])
            .with(&closed, &[faulty.issuer()]);
        (neighbours, (upstream, faulty, receiver))
    })
    .await;
    (house, upstream, faulty, receiver)
}

/// A few minutes of an ordinary bad day.
async fn a_bad_day(house: &House, faulty: &Faulty, receiver: &LogoutReceiver) {
    let app = house.register_app(CALLBACK).await;
    let told = house
        .register(json!({
            "client_name": "Told",
            "redirect_uris": [receiver.url("/callback")],
            "backchannel_logout_uri": receiver.url("/backchannel"),
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid profile email offline_access",
        }))
        .await;
    receiver.is(&told).await;
    let through = |client: &Client, provider: &str| Person::authorize_url(house, client, CALLBACK, &[("idp_hint", provider)]);

    let mut refresh = String::new();
    for name in ["alice", "bob"] {
        let person = Person::named(name);
        let landed = person.walks(through(&app, "acme"), CALLBACK).await;
        let (status, tokens) = Person::redeems(house, &app, CALLBACK, &landed.code()).await;
        assert_eq!(status, StatusCode::OK, "{tokens:#}");
        let access = tokens["access_token"].as_str().expect("an access token");
        Person::introspects(house, &app, access).await;
        person.http().get(format!("{}/userinfo", house.issuer)).bearer_auth(access).send().await.expect("an answer");
        tokens["refresh_token"].as_str().expect("a refresh token").clone_into(&mut refresh);
    }
    let (status, _) = Person::refreshes(house, &app, &refresh).await;
    assert_eq!(status, StatusCode::OK);
    let (status, _) = Person::refreshes(house, &app, &refresh).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "an old token came back");
    let guesser = Client { client_secret: "a-guess-0123456789abcdef0123456789abcdef".into(), ..app.clone() };
    Person::refreshes(house, &guesser, "whatever").await;

    let rotate = reqwest::Client::builder().no_proxy().build().expect("a client");
    let rotated = rotate.post(format!("{}/api/v1/keys:rotate", house.issuer)).bearer_auth(ADMIN_KEY).json(&json!({})).send().await;
    assert!(rotated.expect("an answer").status().is_success(), "an operator makes the next key");

    assert!(Person::named("eve").tries_to_walk(through(&app, "closed"), CALLBACK).await.is_err(), "its rules let nobody in");
    assert!(Person::named("eve").tries_to_walk(through(&app, "dead"), CALLBACK).await.is_err(), "it is not there");
    every_door(house, &app).await;
    faulty.has("status_500").await;
    for _ in 0..6 {
        assert!(Person::named("eve").tries_to_walk(through(&app, "faulty"), CALLBACK).await.is_err(), "it fails");
    }

    let person = Person::named("carol");
    let callback = receiver.url("/callback");
    let landed = person.walks(Person::authorize_url(house, &told, &callback, &[("idp_hint", "acme")]), &callback).await;
    let (status, tokens) = Person::redeems(house, &told, &callback, &landed.code()).await;
    assert_eq!(status, StatusCode::OK, "{tokens:#}");
    let hint = tokens["id_token"].as_str().expect("an ID token");
    person.http().get(format!("{}/logout?id_token_hint={hint}", house.issuer)).send().await.expect("an answer");
    receiver.hears(1).await;
}

/// Somebody looks in wherever an alert counts who does, whatever they are answered.
async fn every_door(house: &House, app: &Client) {
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    for path in ["/login", "/jwks", "/.well-known/openid-configuration", "/nowhere"] {
        http.get(format!("{}{path}", house.issuer)).send().await.expect("an answer");
    }
    // The last of these is one too many.
    for path in ["/revoke", "/par", "/par", "/par"] {
        let request = http.post(format!("{}{path}", house.issuer)).basic_auth(&app.client_id, Some(&app.client_secret));
        request.form(&[("token", "none")]).send().await.expect("an answer");
    }
    for path in ["/livez", "/readyz", "/metrics"] {
        http.get(format!("{}{path}", house.ops)).send().await.expect("an answer");
    }
}

/// The queries of every panel, as Prometheus is asked them.
fn queries() -> Vec<(String, String)> {
    let folder = std::fs::read_dir(project().join("ops/grafana")).expect("the dashboards");
    let mut found = Vec::new();
    for file in folder.map(|entry| entry.expect("a file").path()).filter(|path| path.extension().is_some_and(|ending| ending == "json")) {
        let text = std::fs::read_to_string(&file).expect("a dashboard");
        let dashboard: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        for panel in dashboard["panels"].as_array().expect("panels") {
            let title = format!("{} / {}", dashboard["title"].as_str().unwrap_or_default(), panel["title"].as_str().unwrap_or_default());
            for target in panel["targets"].as_array().into_iter().flatten() {
                assert_eq!(target["datasource"]["uid"], "${source}", "{title}: whoever imports it has a data source of another name");
                let query = target["expr"].as_str().expect("a query").replace("$__rate_interval", "1m").replace("$__range", "5m");
                let query = query.replace("$instance", ".*").replace("$provider", ".*");
                assert!(!query.contains('$'), "{title}: {query}");
                found.push((title.clone(), query));
            }
        }
    }
    assert!(found.len() > 50, "{}", found.len());
    found
}

/// The metrics a query names.
fn named(query: &str) -> BTreeSet<&str> {
    let unquoted: Vec<&str> = query.split('"').step_by(2).collect();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = BTreeSet::new();
    for part in unquoted {
        let mut rest = part;
        while let Some(at) = rest.find(is_word) {
            let word = rest[at..].split(|c| !is_word(c)).next().unwrap_or_default();
            rest = &rest[at + word.len()..];
            let is_label = rest.trim_start().starts_with(['=', '!']);
            if !is_label && ["vestibule_", "http_", "db_"].iter().any(|prefix| word.starts_with(prefix)) {
                found.insert(word);
            }
        }
    }
    found
}

/// What an expression compares or puts together, each a query of its own that has data on any day. What asks for absence is asked for presence.
fn sides(expression: &str) -> Vec<&str> {
    const BETWEEN: [&str; 9] = [" and ", " or ", " unless ", " == ", " != ", " >= ", " <= ", " > ", " < "];
    let expression = expression.trim();
    let (mut depth, mut quoted, mut from, mut found) = (0, false, 0, Vec::new());
    for (at, c) in expression.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '(' | '{' | '[' if !quoted => depth += 1,
            ')' | '}' | ']' if !quoted => depth -= 1,
            ' ' if depth == 0 && !quoted && at >= from => {
                if let Some(operator) = BETWEEN.iter().find(|operator| expression[at..].starts_with(**operator)) {
                    found.push(&expression[from..at]);
                    from = at + operator.len();
                }
            }
            _ => {}
        }
    }
    if !found.is_empty() {
        found.push(&expression[from..]);
        return found.into_iter().flat_map(sides).collect();
    }
    match expression.strip_prefix("absent").unwrap_or(expression).strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) if closes_only_at_its_end(inner) => sides(inner),
        _ => vec![expression],
    }
}

/// Whether brackets around this belong together.
fn closes_only_at_its_end(inner: &str) -> bool {
    let mut depth = 0;
    inner.chars().all(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth >= 0
    })
}

#[test]
fn an_expression_falls_into_its_sides() {
    for (expression, expected) in [
        ("absent(up{job=\"a > b\"})", vec!["up{job=\"a > b\"}"]),
        ("(sum(a) / sum(b)) < 0.95", vec!["sum(a) / sum(b)", "0.95"]),
        ("(a) / (b) > 1 unless c", vec!["(a) / (b)", "1", "c"]),
        ("min by (i) (a) < 1 or (max by (i) (b[6h]) < 0 and c < 2)", vec!["min by (i) (a)", "1", "max by (i) (b[6h])", "0", "c", "2"]),
    ] {
        assert_eq!(sides(expression), expected, "{expression}");
    }
    let values = ["a_total{x=~\"1\"}", "a_total{x=~\"2\"}", "a_total{y=~\"z\"}"].map(str::to_owned);
    assert_eq!(named_values("sum(rate(a_total{x=~\"1|2\",y!=\"z\"}[5m])) > 0"), BTreeSet::from(values));
}

/// Each value that an expression names, as a query for series of that metric that have it; of a pattern each of its alternatives. A name that is
/// excluded must be that of something, too.
fn named_values(expression: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (before, rest) in expression.match_indices('{').map(|(at, _)| expression.split_at(at)) {
        let metric = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
        let inside = rest[1..].split('}').next().unwrap_or_default();
        for matcher in inside.split("\",").map(|matcher| matcher.trim_end_matches('"')) {
            let (label, value) = matcher.split_once('"').unwrap_or_else(|| panic!("{matcher} in {expression}"));
            let label_name = label.trim_end_matches(['=', '~', '!']);
            let alternatives: Vec<_> = if label.ends_with('~') { value.split('|').collect() } else { vec![value] };
            found.extend(alternatives.into_iter().map(|value| format!("{metric}{{{label_name}=~\"{value}\"}}")));
        }
    }
    found
}

/// What this day has no data for, and why.
const NOT_TODAY: [(&str, &str); 1] = [("vestibule_tls_certificate_expiry_timestamp_seconds", "this house has no certificate of its own")];

/// Which parts of an alert find nothing at all, though things are as they should be for it: it could never fire, or never stop.
async fn without_data(prometheus: &Prometheus, expression: &str) -> Vec<String> {
    let mut empty = Vec::new();
    for query in sides(expression).into_iter().map(str::to_owned).chain(named_values(expression)) {
        if NOT_TODAY.iter().any(|(metric, _)| query.contains(metric)) {
            continue;
        }
        match prometheus.query(&query).await {
            Ok(found) if found.iter().any(|one| one["value"][1] != "NaN") => {}
            answer => empty.push(format!("{query}: {answer:?}")),
        }
    }
    empty
}

#[tokio::test]
async fn every_panel_has_data_and_every_alert_a_metric_and_a_runbook() {
    let (house, _upstream, faulty, receiver) = watched_house().await;
    let prometheus = Prometheus::watching(&house).await;
    // Twice, and looked at in between: what begins with its first increase has a rate from the second on.
    for deliveries in [0, 1] {
        faulty.has("none").await;
        a_bad_day(&house, &faulty, &receiver).await;
        prometheus.finds(&format!("vestibule_logout_deliveries_total{{result=\"delivered\"}} > {deliveries}")).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
    }

    let mut empty = Vec::new();
    for (title, query) in queries() {
        match prometheus.query(&query).await {
            Ok(found) if found.iter().any(|one| one["value"][1] != "NaN") => {}
            answer => empty.push(format!("{title}: {query}: {answer:?}")),
        }
    }
    assert!(empty.is_empty(), "panels without data:\n{}\n{}", empty.join("\n"), house.metrics().await);

    let names = prometheus.get("/api/v1/label/__name__/values", &[]).await.expect("the names");
    let mut names: BTreeSet<String> = names.as_array().expect("a list").iter().filter_map(|name| Some(name.as_str()?.to_owned())).collect();
    // The tests of the rules have what this day has not.
    names.extend(NOT_TODAY.iter().map(|(metric, _)| (*metric).to_owned()));
    // Some have series only where there is such a thing; the metric is there.
    names.extend(house.metrics().await.lines().filter_map(|line| Some(line.strip_prefix("# TYPE ")?.split(' ').next()?.to_owned())));
    let rules = prometheus.get("/api/v1/rules", &[]).await.expect("the rules");
    let rules: Vec<&Value> =
        rules["groups"].as_array().expect("groups").iter().flat_map(|group| group["rules"].as_array().expect("rules")).collect();
    let mut runbooks = BTreeSet::new();
    for rule in &rules {
        let name = rule["name"].as_str().expect("a name");
        assert_eq!((&rule["health"], &rule["lastError"]), (&json!("ok"), &Value::Null), "{name}");
        for metric in named(rule["query"].as_str().expect("a query")) {
            assert!(names.contains(metric), "{name} stands on {metric}, which there is not");
        }
        let empty = without_data(&prometheus, rule["query"].as_str().expect("a query")).await;
        assert!(empty.is_empty(), "{name} asks for what there is not:\n{}\n{}", empty.join("\n"), house.metrics().await);
        let runbook = rule["annotations"]["runbook_url"].as_str().unwrap_or_else(|| panic!("{name} has no runbook"));
        assert!(project().join(runbook).is_file(), "{name}: {runbook}");
        runbooks.insert(runbook.to_owned());
    }
    assert!(rules.len() >= 20, "{}", rules.len());
    for file in std::fs::read_dir(project().join("ops/runbooks")).expect("the runbooks") {
        let name = format!("ops/runbooks/{}", file.expect("a file").file_name().to_string_lossy());
        assert!(runbooks.contains(&name), "{name} is the runbook of no alert");
    }
    prometheus.finds("ALERTS{alertname=\"VestibuleProviderOrKeyChanged\",object=\"signing_key\"}").await;
    let paused =
        prometheus.query("max_over_time(vestibule_upstream_breaker_state{provider=\"faulty\"}[5m]) == 2").await.expect("an answer");
    assert_eq!(paused.len(), 1, "the breaker of what failed was open, and Prometheus saw it");
}

#[test]
fn alerts_fire_when_they_should_and_not_on_a_healthy_day() {
    let tests = project().join("ops/prometheus/tests");
    let files = std::fs::read_dir(tests).expect("tests of the rules").map(|entry| entry.expect("a file").path());
    let output = Command::new("promtool").args(["test", "rules"]).args(files).output().expect("promtool runs; run tests/run once");
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

/// Runs `ops/compose/start` of a copy, before a container engine that only repeats what it is told.
fn composes(folder: &Path, runbooks: &str) -> String {
    let start = folder.join("ops/compose/start");
    let line = format!("export PATH=\"{}:$PATH\" RUNBOOKS='{runbooks}'; exec '{}'", folder.display(), start.display());
    let output = Command::new("sh").args(["-c", &line]).output().expect("it runs");
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Runs a program that checks a file, to its good end.
fn approves(program: &Path, arguments: &[&str], file: &Path) {
    let output = Command::new(program).args(arguments).arg(file).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}; run tests/run once", program.display()));
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}: {said}", program.display());
}

#[test]
fn what_compose_starts_is_there_and_its_configurations_are_good() {
    let folder = tempfile::tempdir().expect("a folder");
    let copied = Command::new("cp").arg("-r").arg(project().join("ops")).arg(folder.path()).status();
    assert!(copied.is_ok_and(|copied| copied.success()));
    let (ops, engine) = (folder.path().join("ops"), folder.path().join("docker"));
    let _ = std::fs::remove_dir_all(ops.join("compose/made"));
    std::fs::write(&engine, "#!/bin/sh\necho \"$@\"\n").expect("a file");
    std::fs::set_permissions(&engine, Permissions::from_mode(0o755)).expect("it may be run");

    let said = composes(folder.path(), "https://git.example.com/vestibule/blob/main/");
    assert!(said.contains("compose --file ../compose.yaml up --build --detach"), "{said}");
    let text = std::fs::read_to_string(ops.join("compose.yaml")).expect("the composition");
    let mounted: Vec<_> = text.lines().filter_map(|line| line.trim().strip_prefix("- ./")?.split(':').next()).collect();
    let secrets: Vec<_> = text.split("{file: ./").skip(1).filter_map(|rest| rest.split('}').next()).collect();
    assert!(mounted.len() >= 7 && secrets.len() >= 5, "{mounted:?} {secrets:?}");
    for path in mounted.iter().chain(&secrets) {
        assert!(ops.join(path).exists(), "{path}");
    }
    for image in text.lines().filter_map(|line| line.trim().strip_prefix("image: ")) {
        let tag = image.rsplit_once(':').expect("a tag").1;
        assert!(tag.chars().filter(|c| *c == '.').count() >= 1, "{image} is not pinned");
    }
    for port in [8000, 3000, 9090, 9093] {
        assert!(text.contains(&format!("ports: [\"127.0.0.1:{port}:{port}\"]")), "{port} is published to this machine alone");
    }
    let sources = std::fs::read_to_string(ops.join("compose/grafana/datasource.yml")).expect("the data sources");
    for source in sources.lines().filter_map(|line| line.trim().strip_prefix("url: http://")) {
        let service = source.split(':').next().unwrap_or_default();
        assert!(text.contains(&format!("\n  {service}:\n    image: ")), "{service}");
    }

    // The secrets are where they are mounted, so they can't be read here.
    approves(&binary(), &["config", "check", "--without-files"], &ops.join("compose/vestibule.toml"));
    approves(Path::new("amtool"), &["check-config"], &ops.join("compose/alertmanager.yml"));
    // Prometheus looks for its rules beside its configuration, where they are mounted.
    let made = ops.join("compose/made");
    std::fs::copy(ops.join("compose/prometheus.yml"), made.join("prometheus.yml")).expect("a copy");
    approves(Path::new("promtool"), &["check", "config"], &made.join("prometheus.yml"));

    let rules = || std::fs::read_to_string(made.join("vestibule.rules.yml")).expect("the rules");
    let (linked, own) = (rules(), std::fs::read_to_string(ops.join("prometheus/vestibule.rules.yml")).expect("the rules"));
    let expected = own.replace("runbook_url: ops/", "runbook_url: https://git.example.com/vestibule/blob/main/ops/");
    assert!(expected != own && linked == expected, "an alert links to its runbook: {linked}");
    composes(folder.path(), "");
    assert_eq!(rules(), linked, "it is remembered");
}
