use super::*;

const HOSTILE: &str = "https://evil.example/';curl$IFS-o/tmp/x&$(id)#`\"\\x";

fn given(id: &str) -> Given<'_> {
    Given {
        issuer: "https://sso.example.com",
        token_endpoint: "https://sso.example.com/token".into(),
        id,
        method: AuthMethod::ClientSecretBasic,
        alg: "ES256",
        secret: Some("s3cret"),
        redirect: HOSTILE,
        registered: &[],
        scope: "openid profile".into(),
    }
}

/// All of them, on whichever shelf.
fn all(given: &Given<'_>) -> Vec<Snippet> {
    given.shelves().into_iter().flat_map(|shelf| shelf.snippets).collect()
}

fn uris(texts: &[&str]) -> Vec<RegisteredUri> {
    texts.iter().map(|text| RegisteredUri::parse(text).unwrap()).collect()
}

/// The words that a shell would make of a line, if it makes nothing else of it: single quotes alone, and backslashes outside of them.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut within, mut escaped) = (Vec::new(), String::new(), false, false);
    for letter in line.chars() {
        match letter {
            _ if escaped => {
                word.push(letter);
                escaped = false;
            }
            '\'' => within = !within,
            _ if within => word.push(letter),
            '\\' => escaped = true,
            ' ' => words.push(std::mem::take(&mut word)),
            '"' | '$' if line.contains("\"$") => word.push(letter),
            letter => {
                assert!(letter.is_ascii_alphanumeric() || "-_=:/.".contains(letter), "the shell reads {letter:?}: {line}");
                word.push(letter);
            }
        }
    }
    assert!(!within, "a quote is open: {line}");
    words.push(word);
    words
}

#[test]
fn attack_65_nothing_of_a_registration_is_read_by_a_shell() {
    let given = given(HOSTILE);
    let text = given.curl().text;
    let echo = text.lines().find_map(|line| line.strip_prefix("echo ")).unwrap();
    let address = words(echo);
    assert_eq!(address.len(), 1, "{echo}");
    let address = url::Url::parse(address[0].trim_end_matches("\"$challenge\"")).unwrap();
    let pairs: Vec<_> = address.query_pairs().filter(|(name, _)| name == "client_id" || name == "redirect_uri").collect();
    assert!(pairs.len() == 2 && pairs.iter().all(|(_, value)| value == HOSTILE), "{pairs:?}");
    let curl = text.lines().find_map(|line| line.strip_prefix("curl ")).unwrap().trim_end_matches(" \\");
    assert_eq!(words(curl), ["https://sso.example.com/token", "-u", &format!("{HOSTILE}:s3cret")]);
    let (_, redirect) = text.trim_end().split_once("--data-urlencode ").unwrap();
    assert_eq!(words(redirect), [format!("redirect_uri={HOSTILE}")]);
    let public = Given { secret: None, method: AuthMethod::None, ..given };
    let text = public.curl().text;
    let curl = text.lines().find_map(|line| line.strip_prefix("curl ")).unwrap().trim_end_matches(" \\");
    assert_eq!(words(curl)[2], format!("client_id={HOSTILE}"));
}

#[test]
fn what_an_app_is_to_prove_itself_by_stands_in_each_snippet_and_nothing_else_does() {
    for method in AuthMethod::ALL.iter().copied() {
        let given = Given { method, secret: method.has_secret().then_some("s3cret"), ..given("app") };
        let all = all(&given);
        let said = |id: &str| all.iter().find(|snippet| snippet.id == id).map(|snippet| snippet.text.as_str()).unwrap_or_default();
        for snippet in &all {
            let text = &snippet.text;
            assert!(method.has_secret() || !text.contains("CLIENT_SECRET") && !text.contains("clientSecret"), "{method}: {text}");
            assert!(!text.contains("client.None()") || method == AuthMethod::None, "{method}: {text}");
        }
        let curl = said("curl");
        match method {
            AuthMethod::ClientSecretBasic => {
                assert!(curl.contains("-u 'app:s3cret'") && said("openid-client").contains("ClientSecretBasic"));
            }
            AuthMethod::ClientSecretPost => {
                assert!(curl.contains("'client_secret=s3cret'") && said("openid-client").contains("ClientSecretPost"));
                assert!(said("spring").contains("client-authentication-method: client_secret_post"));
                assert!(said("mod-auth-openidc").contains("OIDCProviderTokenEndpointAuth client_secret_post"));
                assert!(said("grafana").contains("auth_style = InParams") && said("auth-js").contains("client_secret_post"));
                assert!(said("authlib").contains("\"token_endpoint_auth_method\": \"client_secret_post\""));
            }
            AuthMethod::ClientSecretJwt => {
                assert!(
                    curl.contains("client_assertion=")
                        && !curl.contains("s3cret")
                        && said("openid-client").contains("ClientSecretJwt(\"s3cret\")")
                );
            }
            AuthMethod::PrivateKeyJwt => {
                assert!(curl.contains("client_assertion=") && said("openid-client").contains("client.PrivateKeyJwt(key)"));
                assert!(said("authlib").contains("PrivateKeyJWT(\"https://sso.example.com/token\", alg=\"ES256\")"));
            }
            AuthMethod::TlsClientAuth | AuthMethod::SelfSignedTlsClientAuth => assert!(curl.contains("--cert client.pem")),
            AuthMethod::None => assert!(curl.contains("'client_id=app'") && said("openid-client").contains("client.None()")),
        }
    }
}

#[test]
fn attack_65_what_stands_in_quotes_does_not_leave_them() {
    let [redirect, id] = [HOSTILE, HOSTILE].map(quoted);
    let given = given(HOSTILE);
    let public = Given { method: AuthMethod::None, secret: None, ..self::given(HOSTILE) };
    let in_shells = ["curl", "gitea", "nextcloud", "vault"];
    let quotes = |snippet: &Snippet| !in_shells.contains(&snippet.id) && snippet.id != "grafana";
    let quoting: Vec<_> = all(&given).into_iter().chain(all(&public)).filter(quotes).collect();
    assert!(quoting.len() >= 13, "{}", quoting.len());
    for snippet in quoting {
        let flag = quoted(&format!("--oidc-client-id={HOSTILE}"));
        let rest = snippet.text.replace(&flag, "").replace(&redirect, "").replace(&id, "");
        assert!(!rest.contains("evil.example"), "{}: {}", snippet.id, snippet.text);
    }
    let grafana = given.grafana().text;
    assert!(grafana.contains(&format!("client_id = \"\"\"{HOSTILE}\"\"\"\n")), "{grafana}");
}

/// A command that goes over several lines is one.
fn commands(text: &str) -> Vec<Vec<String>> {
    text.replace(" \\\n ", "").lines().map(words).collect()
}

#[test]
fn attack_65_commands_for_products_are_read_as_they_are_meant() {
    let registered = uris(&["https://vault.example.com/ui/vault/auth/oidc/oidc/callback?x='$(id)'"]);
    let given = Given { registered: &registered, ..given(HOSTILE) };
    let of = |id: &str| all(&given).into_iter().find(|snippet| snippet.id == id).unwrap().text;
    let gitea = commands(&of("gitea"));
    assert!(gitea.len() == 1 && gitea[0][..4] == ["gitea", "admin", "auth", "add-oauth"], "{gitea:?}");
    for (flag, value) in [
        ("--key", HOSTILE),
        ("--secret", "s3cret"),
        ("--auto-discover-url", "https://sso.example.com/.well-known/openid-configuration"),
        ("--scopes", "profile"),
    ] {
        assert!(gitea[0].windows(2).any(|pair| pair == [flag, value]), "{flag}: {gitea:?}");
    }
    let nextcloud = commands(&of("nextcloud"));
    let id = format!("--clientid={HOSTILE}");
    assert!(nextcloud[1].contains(&id) && nextcloud[1].contains(&"--scope=openid profile".to_owned()), "{nextcloud:?}");
    assert_eq!(nextcloud[3].last().map(String::as_str), Some("--value=client_secret_basic"));
    let vault = commands(&of("vault"));
    assert!(vault[1].contains(&format!("oidc_client_id={HOSTILE}")), "{vault:?}");
    assert_eq!(vault[2].last(), Some(&format!("allowed_redirect_uris={}", registered[0].as_str())));
    assert!(vault[2].contains(&"oidc_scopes=profile".to_owned()), "{vault:?}");
}

#[test]
fn what_comes_back_to_an_address_of_its_own_says_so_until_it_is_registered() {
    let lacks = |needs: &[&str], registered: &[&str]| lacking(needs, &uris(registered));
    assert_eq!(lacks(&["/auth/callback"], &["https://cd.example.com/auth/callback"]), None);
    assert_eq!(
        lacks(&["/auth/login", "/user-settings", "app.immich:///oauth-callback"], &["https://photos.example.com/auth/login"]).unwrap(),
        "Not among this app's redirect addresses yet, and needed: one that ends in /user-settings, app.immich:///oauth-callback."
    );
    // A loopback address stands for every port of it; a name for that machine does not.
    assert_eq!(lacks(&["http://127.0.0.1/callback"], &["http://127.0.0.1:4711/callback"]), None);
    assert!(lacks(&["http://localhost:8000"], &["http://localhost:9000"]).unwrap().contains("http://localhost:8000"));
    // Each names the end that its settings make it come back to.
    for snippet in all(&given("app")).iter().filter(|snippet| !snippet.needs.is_empty()) {
        for need in snippet.needs {
            assert!(snippet.note.contains(need), "{}: {need}", snippet.id);
        }
    }
}

#[test]
fn what_is_installed_on_peoples_machines_waits_where_the_app_is_registered() {
    let public = Given { method: AuthMethod::None, secret: None, ..given("cli") };
    let of = |given: &Given<'_>, id: &str| all(given).into_iter().find(|snippet| snippet.id == id).unwrap();
    let (tool, mcp) = (of(&public, "command-line-app"), of(&public, "mcp-client"));
    assert!(tool.text.contains("new URL(\"http://127.0.0.1/callback\")") && tool.needs == ["http://127.0.0.1/callback"], "{}", tool.text);
    assert!(mcp.text.contains("\"callbackPort\": 8765") && mcp.needs == ["http://localhost:8765/callback"], "{}", mcp.text);
    assert!(of(&public, "kubelogin").text.contains("- --oidc-client-id\n          - \"cli\"\n          - --oidc-extra-scope"));
    let registered = uris(&["https://example.com/cb", "http://[::1]/back", "http://localhost:7000/callback"]);
    let own = Given { registered: &registered, ..public };
    let (tool, mcp) = (of(&own, "command-line-app"), of(&own, "mcp-client"));
    assert!(tool.text.contains("new URL(\"http://[::1]/back\")") && tool.needs.is_empty(), "{}", tool.text);
    assert!(mcp.text.contains("\"callbackPort\": 7000") && mcp.needs.is_empty(), "{}", mcp.text);
    // Nothing with a secret is for an app that has none, and the other way round.
    let with_secret: Vec<_> = all(&given("app")).into_iter().map(|snippet| snippet.id).collect();
    let without: Vec<_> = all(&own).into_iter().map(|snippet| snippet.id).collect();
    for (id, has_secret) in
        [("argo-cd", true), ("vault", true), ("immich", true), ("outline", true), ("kubelogin", false), ("mcp-client", false)]
    {
        assert_eq!((with_secret.contains(&id), without.contains(&id)), (has_secret, !has_secret), "{id}");
    }
}
