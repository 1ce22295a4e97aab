//! What to write into the popular clients, with an app's own values in it.

use vestibule_domain::{
    assertion::JWT_BEARER,
    client::{AuthMethod, Client},
    settings::Settings,
};

/// One of them.
pub(super) struct Snippet {
    /// For the element's id.
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    /// Where it goes.
    pub(super) note: &'static str,
    pub(super) text: String,
}

/// What stands where the secret goes, unless it was made just now.
const PLACEHOLDER: &str = "CLIENT_SECRET";

/// For an app that signs people in; the secret is known only when it has just been made. Nothing in them is taken from the app's name, and what is taken
/// from its registration is quoted as each language has it. What an app says that nobody vetted is nothing to paste into a shell: it gets none.
pub(super) fn for_app(settings: &Settings, client: &Client, secret: Option<&str>) -> Vec<Snippet> {
    let Some(redirect) = client.redirect_uris.first().filter(|_| client.is_vetted()) else { return Vec::new() };
    let has_certificate = matches!(client.auth_method, AuthMethod::TlsClientAuth | AuthMethod::SelfSignedTlsClientAuth);
    let given = Given {
        issuer: settings.issuer.trim_end_matches('/'),
        token_endpoint: settings.url_for_certificates("/token").filter(|_| has_certificate).unwrap_or_else(|| settings.url("/token")),
        id: client.id.as_str(),
        method: client.auth_method,
        alg: client.assertion_algs().first().map_or("ES256", |alg| alg.as_str()),
        secret: client.auth_method.has_secret().then(|| secret.unwrap_or(PLACEHOLDER)),
        redirect: redirect.as_str(),
        scope: in_their_order(client),
    };
    given.all()
}

/// `openid` first, as everybody writes it.
fn in_their_order(client: &Client) -> String {
    let mut scopes: Vec<&str> = client.scopes.iter().collect();
    scopes.sort_by_key(|scope| *scope != "openid");
    scopes.join(" ")
}

/// A text as a string of JavaScript, Python, TOML, YAML and Apache's directives: all of them read JSON's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A text as one word of a shell, of which it reads nothing.
fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A text as a value of an ini file, where `;` and `#` begin a remark.
fn ini_quoted(text: &str) -> String {
    if text.contains([';', '#', '`', '\\', '\'', '"']) { format!("\"\"\"{text}\"\"\"") } else { text.to_owned() }
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

struct Given<'a> {
    issuer: &'a str,
    /// For a client with a certificate, the one where it is asked for.
    token_endpoint: String,
    id: &'a str,
    /// How it proves who it is: whatever else it said would be refused.
    method: AuthMethod,
    /// What its assertions are signed with.
    alg: &'static str,
    /// Nothing for an app that has none.
    secret: Option<&'a str>,
    redirect: &'a str,
    scope: String,
}

impl Given<'_> {
    fn all(&self) -> Vec<Snippet> {
        match self.method {
            AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost => vec![
                self.openid_client(),
                self.authlib(),
                self.auth_js(),
                self.spring(),
                self.grafana(),
                self.oauth2_proxy(),
                self.mod_auth_openidc(),
                self.curl(),
            ],
            AuthMethod::PrivateKeyJwt => vec![self.openid_client(), self.authlib(), self.curl()],
            AuthMethod::ClientSecretJwt | AuthMethod::None => vec![self.openid_client(), self.curl()],
            // Where a certificate goes is a matter of each client's connection, which they have in common with curl alone.
            AuthMethod::TlsClientAuth | AuthMethod::SelfSignedTlsClientAuth => vec![self.curl()],
        }
    }

    /// Whether it sends its secret in the form, which few clients do unless they are told.
    fn sends_in_form(&self) -> bool {
        self.method == AuthMethod::ClientSecretPost
    }

    fn secret(&self) -> &str {
        self.secret.unwrap_or_default()
    }

    /// Without `offline_access`, which most of these ask for in another way or do not need.
    fn plain_scope(&self) -> String {
        let plain: Vec<_> = self.scope.split(' ').filter(|scope| *scope != "offline_access").collect();
        plain.join(" ")
    }

    fn openid_client(&self) -> Snippet {
        let [issuer, id, redirect, scope] = [self.issuer, self.id, self.redirect, &self.scope].map(quoted);
        let secret = quoted(self.secret());
        let proof = match self.method {
            AuthMethod::ClientSecretBasic => format!("client.ClientSecretBasic({secret})"),
            AuthMethod::ClientSecretPost => format!("client.ClientSecretPost({secret})"),
            AuthMethod::ClientSecretJwt => format!("client.ClientSecretJwt({secret})"),
            AuthMethod::PrivateKeyJwt => "client.PrivateKeyJwt(key)".to_owned(),
            AuthMethod::TlsClientAuth | AuthMethod::SelfSignedTlsClientAuth => "client.TlsClientAuth()".to_owned(),
            AuthMethod::None => "client.None()".to_owned(),
        };
        let key = if self.method == AuthMethod::PrivateKeyJwt {
            format!(
                r#"import {{ readFile }} from "node:fs/promises";
import {{ importPKCS8 }} from "jose";

// The private half of the key that this app is registered with.
const key = await importPKCS8(await readFile("client-key.pem", "utf8"), "{}");
"#,
                self.alg
            )
        } else {
            String::new()
        };
        let text = format!(
            r#"import * as client from "openid-client";
{key}
const config = await client.discovery(new URL({issuer}), {id}, undefined, {proof});

// On the way out; keep both values in the person's session.
const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const url = client.buildAuthorizationUrl(config, {{
  redirect_uri: {redirect},
  scope: {scope},
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  state,
}});

// On the way back, with the address that was called.
const tokens = await client.authorizationCodeGrant(config, currentUrl, {{
  pkceCodeVerifier: verifier,
  expectedState: state,
}});
console.log(tokens.claims());
"#
        );
        Snippet { id: "openid-client", name: "openid-client", note: "Node.js, Deno, Bun and browsers; version 6.", text }
    }

    fn authlib(&self) -> Snippet {
        let [id, secret, scope, redirect] = [self.id, self.secret(), &self.plain_scope(), self.redirect].map(quoted);
        let metadata = quoted(&format!("{}/.well-known/openid-configuration", self.issuer));
        let method = match self.method {
            AuthMethod::ClientSecretBasic => String::new(),
            other => format!(", \"token_endpoint_auth_method\": \"{other}\""),
        };
        let (import, secret) = if self.method == AuthMethod::PrivateKeyJwt {
            let (token_endpoint, alg) = (quoted(&self.token_endpoint), self.alg);
            let by_key =
                format!("open(\"client-key.pem\").read(),\n    client_auth_methods=[PrivateKeyJWT({token_endpoint}, alg=\"{alg}\")]");
            ("from authlib.oauth2.rfc7523 import PrivateKeyJWT\n", by_key)
        } else {
            ("", secret)
        };
        let text = format!(
            r#"from authlib.integrations.flask_client import OAuth
{import}
oauth = OAuth(app)
oauth.register(
    "vestibule",
    server_metadata_url={metadata},
    client_id={id},
    client_secret={secret},
    client_kwargs={{"scope": {scope}, "code_challenge_method": "S256"{method}}},
)

@app.get("/login")
def login():
    return oauth.vestibule.authorize_redirect({redirect})

# At that address:
#   person = oauth.vestibule.authorize_access_token()["userinfo"]
"#
        );
        Snippet { id: "authlib", name: "Flask with Authlib", note: "Python.", text }
    }

    fn auth_js(&self) -> Snippet {
        let [issuer, id, secret, scope] = [self.issuer, self.id, self.secret(), &self.plain_scope()].map(quoted);
        let method = if self.sends_in_form() { "\n      client: { token_endpoint_auth_method: \"client_secret_post\" }," } else { "" };
        let text = format!(
            r#"import NextAuth from "next-auth";

export const {{ handlers, signIn, signOut, auth }} = NextAuth({{
  providers: [
    {{
      id: "vestibule",
      name: "Vestibule",
      type: "oidc",
      issuer: {issuer},
      clientId: {id},
      clientSecret: {secret},{method}
      authorization: {{ params: {{ scope: {scope} }} }},
      checks: ["pkce", "state"],
    }},
  ],
}});
"#
        );
        Snippet {
            id: "auth-js",
            name: "Auth.js (next-auth)",
            note: "auth.ts. Its redirect address ends in /api/auth/callback/vestibule.",
            text,
        }
    }

    fn spring(&self) -> Snippet {
        let scope = self.plain_scope().replace(' ', ",");
        let [issuer, id, secret, scope, redirect] = [self.issuer, self.id, self.secret(), &scope, self.redirect].map(quoted);
        let method = self.method;
        let text = format!(
            r"spring:
  security:
    oauth2:
      client:
        registration:
          vestibule:
            client-id: {id}
            client-secret: {secret}
            scope: {scope}
            redirect-uri: {redirect}
            authorization-grant-type: authorization_code
            client-authentication-method: {method}
        provider:
          vestibule:
            issuer-uri: {issuer}

# Codes need PKCE. In the security configuration, on the resolver of oauth2Login:
#   resolver.setAuthorizationRequestCustomizer(OAuth2AuthorizationRequestCustomizers.withPkce());
"
        );
        Snippet { id: "spring", name: "Spring Security", note: "application.yml.", text }
    }

    fn grafana(&self) -> Snippet {
        let [issuer, id, secret, scope] = [self.issuer, self.id, self.secret(), &self.plain_scope()].map(ini_quoted);
        let style = if self.sends_in_form() { "InParams" } else { "InHeader" };
        let text = format!(
            r"[auth.generic_oauth]
enabled = true
name = Vestibule
client_id = {id}
client_secret = {secret}
scopes = {scope}
auth_url = {issuer}/authorize
token_url = {issuer}/token
api_url = {issuer}/userinfo
auth_style = {style}
use_pkce = true
login_attribute_path = email
groups_attribute_path = groups
"
        );
        Snippet { id: "grafana", name: "Grafana", note: "grafana.ini. Its redirect address ends in /login/generic_oauth.", text }
    }

    fn oauth2_proxy(&self) -> Snippet {
        let [issuer, id, secret, scope, redirect] = [self.issuer, self.id, self.secret(), &self.plain_scope(), self.redirect].map(quoted);
        let text = format!(
            r#"provider = "oidc"
oidc_issuer_url = {issuer}
client_id = {id}
client_secret = {secret}
redirect_url = {redirect}
scope = {scope}
code_challenge_method = "S256"
oidc_groups_claim = "groups"
email_domains = ["*"]
# 32 random bytes: openssl rand -base64 32
cookie_secret = ""
"#
        );
        Snippet { id: "oauth2-proxy", name: "oauth2-proxy", note: "oauth2-proxy.cfg. Its redirect address ends in /oauth2/callback.", text }
    }

    fn mod_auth_openidc(&self) -> Snippet {
        let [id, secret, scope, redirect] = [self.id, self.secret(), &self.plain_scope(), self.redirect].map(quoted);
        let metadata = quoted(&format!("{}/.well-known/openid-configuration", self.issuer));
        let method = self.method;
        let text = format!(
            r#"OIDCProviderMetadataURL {metadata}
OIDCClientID {id}
OIDCClientSecret {secret}
OIDCProviderTokenEndpointAuth {method}
OIDCRedirectURI {redirect}
OIDCScope {scope}
OIDCPKCEMethod S256
OIDCCryptoPassphrase "exec:/bin/cat /etc/apache2/oidc-passphrase"

<Location />
    AuthType openid-connect
    Require valid-user
</Location>
"#
        );
        Snippet {
            id: "mod-auth-openidc",
            name: "Apache with mod_auth_openidc",
            note: "A virtual host. Its redirect address is one that nothing else answers.",
            text,
        }
    }

    fn curl(&self) -> Snippet {
        let field = |name: &str, text: &str| format!("--data-urlencode {}", shell_quoted(&format!("{name}={text}")));
        let id = field("client_id", self.id);
        let (said, proof) = match self.method {
            AuthMethod::ClientSecretBasic => ("", format!("-u {}", shell_quoted(&format!("{}:{}", self.id, self.secret())))),
            AuthMethod::ClientSecretPost => ("", format!("{id} {}", field("client_secret", self.secret()))),
            AuthMethod::None => ("", id),
            AuthMethod::ClientSecretJwt | AuthMethod::PrivateKeyJwt => (
                ", and a JWT that the app signed: iss and sub are its client ID, aud the issuer, with exp, iat and a new jti",
                format!("{id} {} --data-urlencode client_assertion=\"$assertion\"", field("client_assertion_type", JWT_BEARER)),
            ),
            AuthMethod::TlsClientAuth | AuthMethod::SelfSignedTlsClientAuth => {
                (", and the certificate that the app is registered with", format!("{id} --cert client.pem --key client-key.pem"))
            }
        };
        let [id, redirect, scope] = [self.id, self.redirect, &self.scope].map(encoded);
        let authorize = shell_quoted(&format!(
            "{}/authorize?response_type=code&client_id={id}&redirect_uri={redirect}&scope={scope}&state=any\
             &code_challenge_method=S256&code_challenge=",
            self.issuer
        ));
        let token = shell_quoted(&self.token_endpoint);
        let redirect = shell_quoted(&format!("redirect_uri={}", self.redirect));
        let text = format!(
            r#"# Open this in a browser; the code is in the address that it ends at.
verifier=$(openssl rand -hex 32)
challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary | openssl base64 -A | tr '+/' '-_' | tr -d =)
echo {authorize}"$challenge"

# Then, within a minute, with that code{said}:
curl {token} {proof} \
  -d grant_type=authorization_code -d code="$code" -d code_verifier="$verifier" --data-urlencode {redirect}
"#
        );
        Snippet { id: "curl", name: "curl", note: "By hand, to see what comes.", text }
    }
}

#[cfg(test)]
mod tests {
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
            scope: "openid profile".into(),
        }
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
            let all = given.all();
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
        for snippet in
            [given.openid_client(), given.authlib(), given.auth_js(), given.spring(), given.oauth2_proxy(), given.mod_auth_openidc()]
        {
            let rest = snippet.text.replace(&redirect, "").replace(&id, "");
            assert!(!rest.contains("evil.example"), "{}: {}", snippet.id, snippet.text);
        }
        let grafana = given.grafana().text;
        assert!(grafana.contains(&format!("client_id = \"\"\"{HOSTILE}\"\"\"\n")), "{grafana}");
    }
}
