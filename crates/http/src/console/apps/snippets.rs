//! What to write into the popular clients, with an app's own values in it. Those of libraries are here.

mod installed;
mod products;
#[cfg(test)]
mod tests;

use vestibule_domain::{
    assertion::JWT_BEARER,
    client::{AuthMethod, Client},
    redirect::RegisteredUri,
    settings::Settings,
};

/// Some of one sort.
pub(super) struct Shelf {
    pub(super) name: &'static str,
    pub(super) snippets: Vec<Snippet>,
}

/// One of them.
pub(super) struct Snippet {
    /// For the element's id.
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    /// Where it goes.
    pub(super) note: &'static str,
    /// The redirect addresses that it comes back to, whatever is registered: whole ones, or how they end, from a slash on.
    needs: &'static [&'static str],
    /// What it needs and the app has not, for people.
    pub(super) lacks: Option<String>,
    /// Whether it is the first to be read.
    pub(super) open: bool,
    pub(super) text: String,
}

impl Snippet {
    fn new(id: &'static str, name: &'static str, note: &'static str, text: String) -> Self {
        Self { id, name, note, needs: &[], lacks: None, open: false, text }
    }

    fn needing(self, needs: &'static [&'static str]) -> Self {
        Self { needs, ..self }
    }
}

/// What stands where the secret goes, unless it was made just now.
const PLACEHOLDER: &str = "CLIENT_SECRET";

/// For an app that signs people in; the secret is known only when it has just been made. Nothing in them is taken from the app's name, and what is taken
/// from its registration is quoted as each language has it. What an app says that nobody vetted is nothing to paste into a shell: it gets none.
pub(super) fn for_app(settings: &Settings, client: &Client, secret: Option<&str>) -> Vec<Shelf> {
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
        registered: &client.redirect_uris,
        scope: in_their_order(client),
    };
    let mut shelves = given.shelves();
    for snippet in shelves.iter_mut().flat_map(|shelf| &mut shelf.snippets) {
        snippet.lacks = lacking(snippet.needs, &client.redirect_uris);
    }
    // Whoever has just been shown a secret is about to write it somewhere.
    if let Some(first) = shelves.first_mut().and_then(|shelf| shelf.snippets.first_mut()) {
        first.open = secret.is_some();
    }
    shelves
}

/// What is to be registered before somebody can come back.
fn lacking(needs: &[&str], registered: &[RegisteredUri]) -> Option<String> {
    let has = |need: &str| {
        registered.iter().any(|uri| if need.starts_with('/') { uri.as_str().ends_with(need) } else { uri.admits(need).is_some() })
    };
    let lacks: Vec<_> = needs
        .iter()
        .filter(|need| !has(need))
        .map(|need| if need.starts_with('/') { format!("one that ends in {need}") } else { (*need).to_owned() })
        .collect();
    (!lacks.is_empty()).then(|| format!("Not among this app's redirect addresses yet, and needed: {}.", lacks.join(", ")))
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
    /// All of its addresses.
    registered: &'a [RegisteredUri],
    scope: String,
}

impl Given<'_> {
    fn shelves(&self) -> Vec<Shelf> {
        let (own, products) = match self.method {
            AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost => {
                (vec![self.openid_client(), self.authlib(), self.auth_js(), self.spring(), self.curl()], self.products())
            }
            AuthMethod::PrivateKeyJwt => (vec![self.openid_client(), self.authlib(), self.curl()], Vec::new()),
            AuthMethod::ClientSecretJwt => (vec![self.openid_client(), self.curl()], Vec::new()),
            AuthMethod::None => {
                (vec![self.openid_client(), self.command_line_app(), self.curl()], vec![self.kubelogin(), self.mcp_client()])
            }
            // Where a certificate goes is a matter of each client's connection, which they have in common with curl alone.
            AuthMethod::TlsClientAuth | AuthMethod::SelfSignedTlsClientAuth => (vec![self.curl()], Vec::new()),
        };
        let shelves = [Shelf { name: "In your own code", snippets: own }, Shelf { name: "In what others wrote", snippets: products }];
        shelves.into_iter().filter(|shelf| !shelf.snippets.is_empty()).collect()
    }

    fn metadata(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.issuer)
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
        Snippet::new("openid-client", "openid-client", "Node.js, Deno, Bun and browsers; version 6.", text)
    }

    fn authlib(&self) -> Snippet {
        let [id, secret, scope, redirect] = [self.id, self.secret(), &self.plain_scope(), self.redirect].map(quoted);
        let metadata = quoted(&self.metadata());
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
        Snippet::new("authlib", "Flask with Authlib", "Python.", text)
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
        Snippet::new("auth-js", "Auth.js (next-auth)", "auth.ts. Its redirect address ends in /api/auth/callback/vestibule.", text)
            .needing(&["/api/auth/callback/vestibule"])
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
        Snippet::new("spring", "Spring Security", "application.yml.", text)
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
        Snippet::new("curl", "curl", "By hand, to see what comes.", text)
    }
}
