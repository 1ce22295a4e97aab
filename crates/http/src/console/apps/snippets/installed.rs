//! Of software on people's own machines: an app without a secret, on a loopback address.

use url::{Host, Url};
use vestibule_domain::redirect::RegisteredUri;

use super::{Given, Snippet, quoted};

/// What is registered for an app that waits at whichever port is free (RFC 8252 §7.3).
const LOOPBACK: &str = "http://127.0.0.1/callback";

/// Where an MCP client waits, unless the app has such an address with another port.
const MCP: &str = "http://localhost:8765/callback";

/// The port at which an MCP client would wait for what comes back to this address.
fn mcp_port(uri: &str) -> Option<u16> {
    uri.strip_prefix("http://localhost:")?.strip_suffix("/callback")?.parse().ok()
}

impl Given<'_> {
    pub(super) fn command_line_app(&self) -> Snippet {
        let [issuer, id, scope] = [self.issuer, self.id, &self.scope].map(quoted);
        let is_at_any_port = |url: &Url| url.scheme() == "http" && matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_)));
        let own = self.registered.iter().find(|uri| Url::parse(uri.as_str()).is_ok_and(|url| is_at_any_port(&url)));
        let redirect = quoted(own.map_or(LOOPBACK, RegisteredUri::as_str));
        let text = format!(
            r#"import {{ createServer }} from "node:http";
import * as client from "openid-client";

const config = await client.discovery(new URL({issuer}), {id}, undefined, client.None());
const redirect = new URL({redirect});
const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();

const server = createServer(async (request, response) => {{
  const address = new URL(request.url, redirect);
  if (address.pathname !== redirect.pathname) return response.writeHead(404).end();
  const tokens = await client.authorizationCodeGrant(config, address, {{ pkceCodeVerifier: verifier, expectedState: state }});
  response.end("You are signed in. This window can be closed.");
  server.close();
  console.log(tokens.claims());
}});

// Whichever port is free: the registered address stands for all of them.
server.listen(0, redirect.hostname.replace(/[\[\]]/g, ""), async () => {{
  redirect.port = server.address().port;
  const url = client.buildAuthorizationUrl(config, {{
    redirect_uri: redirect.href,
    scope: {scope},
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
  }});
  console.log(`Open ${{url.href}}`);
}});
"#
        );
        let note = "Node.js with openid-client 6: it opens a port on the person's own machine and waits there for them to come back.";
        let needs: &[_] = if own.is_some() { &[] } else { &[LOOPBACK] };
        Snippet::new("command-line-app", "A command-line or native app", note, text).needing(needs)
    }

    pub(super) fn kubelogin(&self) -> Snippet {
        let [issuer, id] = [self.issuer, self.id].map(quoted);
        // YAML takes quotes away only from around the whole of an argument.
        let [issuer_flag, id_flag] =
            [("issuer-url", self.issuer), ("client-id", self.id)].map(|(flag, is)| quoted(&format!("--oidc-{flag}={is}")));
        let more = self.scope.split(' ').filter(|scope| *scope != "openid");
        let scopes: Vec<_> = more.map(|scope| format!("\n          - --oidc-extra-scope\n          - {}", quoted(scope))).collect();
        let scopes = scopes.concat();
        let text = format!(
            r"# In the kubeconfig
users:
  - name: vestibule
    user:
      exec:
        apiVersion: client.authentication.k8s.io/v1
        interactiveMode: IfAvailable
        command: kubectl
        args:
          - oidc-login
          - get-token
          - --oidc-issuer-url
          - {issuer}
          - --oidc-client-id
          - {id}{scopes}

# Of the API server
#   - {issuer_flag}
#   - {id_flag}
#   - --oidc-username-claim=sub
#   - --oidc-groups-claim=groups
"
        );
        let note = "Its redirect address is http://localhost:8000, and http://localhost:18000 when that port is taken.";
        Snippet::new("kubelogin", "kubectl with kubelogin (oidc-login)", note, text)
            .needing(&["http://localhost:8000", "http://localhost:18000"])
    }

    pub(super) fn mcp_client(&self) -> Snippet {
        let id = quoted(self.id);
        let own = self.registered.iter().find_map(|uri| mcp_port(uri.as_str()));
        let port = own.or_else(|| mcp_port(MCP)).unwrap_or_default();
        let text = format!(
            r#"{{
  "mcpServers": {{
    "tools": {{
      "type": "http",
      "url": "https://mcp.example.com/mcp",
      "oauth": {{ "clientId": {id}, "callbackPort": {port} }}
    }}
  }}
}}
"#
        );
        let note = ".mcp.json, as Claude Code reads it; others ask for the same client ID. \
                    The server's address belongs among the app's audiences. \
                    Clients that register themselves, or have a document of their own, need nothing of this.";
        let needs: &[_] = if own.is_some() { &[] } else { &[MCP] };
        Snippet::new("mcp-client", "An MCP client", note, text).needing(needs)
    }
}
