//! Of software on servers that signs people in: an app with a secret each. The names of settings are those of its documentation.

use super::{Given, Snippet, ini_quoted, quoted, shell_quoted};

impl Given<'_> {
    pub(super) fn products(&self) -> Vec<Snippet> {
        vec![
            self.grafana(),
            self.argo_cd(),
            self.gitea(),
            self.nextcloud(),
            self.vault(),
            self.immich(),
            self.outline(),
            self.oauth2_proxy(),
            self.mod_auth_openidc(),
        ]
    }

    /// The scopes by themselves.
    fn scopes(&self) -> Vec<String> {
        self.plain_scope().split(' ').map(str::to_owned).collect()
    }

    /// The same for whom `openid` goes without saying.
    fn more_scopes(&self) -> Vec<String> {
        self.scopes().into_iter().filter(|scope| scope != "openid").collect()
    }

    fn argo_cd(&self) -> Snippet {
        let [issuer, id, secret] = [self.issuer, self.id, self.secret()].map(quoted);
        let scopes: Vec<_> = self.scopes().iter().map(|scope| quoted(scope)).collect();
        let scopes = scopes.join(", ");
        let text = format!(
            r"# In the ConfigMap argocd-cm
data:
  oidc.config: |
    name: Vestibule
    issuer: {issuer}
    clientID: {id}
    clientSecret: $oidc.vestibule.clientSecret
    requestedScopes: [{scopes}]
    enablePKCEAuthentication: true

# In the Secret argocd-secret
stringData:
  oidc.vestibule.clientSecret: {secret}

# argocd login --sso wants a public app of its own, with the redirect address http://localhost:8085/auth/callback.
# Its client ID goes into oidc.config as cliClientID.
"
        );
        let note = "Argo CD 3.1 and newer: in older ones PKCE is the browser's, which has no secret. \
                    Its redirect address ends in /auth/callback.";
        Snippet::new("argo-cd", "Argo CD", note, text).needing(&["/auth/callback"])
    }

    fn gitea(&self) -> Snippet {
        let [id, secret, metadata] = [self.id, self.secret(), &self.metadata()].map(shell_quoted);
        let scopes: Vec<_> = self.more_scopes().iter().map(|scope| format!(" --scopes {}", shell_quoted(scope))).collect();
        let scopes = scopes.concat();
        let text = format!(
            r"gitea admin auth add-oauth --name vestibule --provider openidConnect \
  --key {id} --secret {secret} \
  --auto-discover-url {metadata} \
  --group-claim-name groups{scopes}
"
        );
        let note = "As the user that Gitea runs as. It sends no PKCE: register the app with require_pkce false. \
                    Its redirect address ends in /user/oauth2/vestibule/callback.";
        Snippet::new("gitea", "Gitea", note, text).needing(&["/user/oauth2/vestibule/callback"])
    }

    fn nextcloud(&self) -> Snippet {
        let [id, secret, metadata, scope] = [self.id, self.secret(), &self.metadata(), &self.plain_scope()].map(shell_quoted);
        let method = self.method;
        let text = format!(
            r"occ app:install user_oidc
occ user_oidc:provider vestibule \
  --clientid={id} --clientsecret={secret} \
  --discoveryuri={metadata} \
  --scope={scope} --mapping-groups=groups
occ config:system:set user_oidc use_pkce --type=boolean --value=true
occ config:system:set user_oidc default_token_endpoint_auth_method --type=string --value={method}
"
        );
        let note = "With its app user_oidc. Its redirect address ends in /apps/user_oidc/code.";
        Snippet::new("nextcloud", "Nextcloud", note, text).needing(&["/apps/user_oidc/code"])
    }

    fn vault(&self) -> Snippet {
        let [issuer, id, secret] = [self.issuer, self.id, self.secret()].map(shell_quoted);
        let scopes = shell_quoted(&self.more_scopes().join(","));
        let allowed = self.registered.iter().map(|uri| format!(" \\\n  allowed_redirect_uris={}", shell_quoted(uri.as_str())));
        let allowed = allowed.collect::<Vec<_>>().concat();
        let text = format!(
            r"vault auth enable oidc
vault write auth/oidc/config default_role=vestibule \
  oidc_discovery_url={issuer} \
  oidc_client_id={id} oidc_client_secret={secret}
vault write auth/oidc/role/vestibule user_claim=sub groups_claim=groups token_policies=default \
  oidc_scopes={scopes}{allowed}
"
        );
        let note = "Its redirect address ends in /ui/vault/auth/oidc/oidc/callback; \
                    that of vault login is http://localhost:8250/oidc/callback.";
        Snippet::new("vault", "Vault", note, text).needing(&["/ui/vault/auth/oidc/oidc/callback", "http://localhost:8250/oidc/callback"])
    }

    fn immich(&self) -> Snippet {
        let [issuer, id, secret, scope] = [self.issuer, self.id, self.secret(), &self.plain_scope()].map(quoted);
        let method = self.method;
        let text = format!(
            r#"{{
  "oauth": {{
    "enabled": true,
    "buttonText": "Sign in",
    "issuerUrl": {issuer},
    "clientId": {id},
    "clientSecret": {secret},
    "tokenEndpointAuthMethod": "{method}",
    "scope": {scope},
    "autoRegister": true
  }}
}}
"#
        );
        let note = "In its settings under OAuth, or in its configuration file. \
                    Its redirect addresses end in /auth/login and /user-settings; its telephone app's is app.immich:///oauth-callback.";
        let needs = &["/auth/login", "/user-settings", "app.immich:///oauth-callback"];
        Snippet::new("immich", "Immich", note, text).needing(needs)
    }

    fn outline(&self) -> Snippet {
        let [issuer, id, secret, scope] = [self.issuer, self.id, self.secret(), &self.plain_scope()].map(quoted);
        let text = format!(
            r"OIDC_ISSUER_URL={issuer}
OIDC_CLIENT_ID={id}
OIDC_CLIENT_SECRET={secret}
OIDC_SCOPES={scope}
OIDC_USERNAME_CLAIM=email
OIDC_DISPLAY_NAME=Vestibule
"
        );
        let note = if self.sends_in_form() {
            ".env. Its redirect address ends in /auth/oidc.callback."
        } else {
            ".env. It sends its secret in the form: register the app with client_secret_post. \
             Its redirect address ends in /auth/oidc.callback."
        };
        Snippet::new("outline", "Outline", note, text).needing(&["/auth/oidc.callback"])
    }

    pub(super) fn grafana(&self) -> Snippet {
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
        Snippet::new("grafana", "Grafana", "grafana.ini. Its redirect address ends in /login/generic_oauth.", text)
            .needing(&["/login/generic_oauth"])
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
        Snippet::new("oauth2-proxy", "oauth2-proxy", "oauth2-proxy.cfg. Its redirect address ends in /oauth2/callback.", text)
            .needing(&["/oauth2/callback"])
    }

    fn mod_auth_openidc(&self) -> Snippet {
        let [id, secret, scope, redirect] = [self.id, self.secret(), &self.plain_scope(), self.redirect].map(quoted);
        let metadata = quoted(&self.metadata());
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
        let note = "A virtual host. Its redirect address is one that nothing else answers.";
        Snippet::new("mod-auth-openidc", "Apache with mod_auth_openidc", note, text)
    }
}
