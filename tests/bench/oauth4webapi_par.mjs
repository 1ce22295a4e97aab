// A client app that is not ours: npm oauth4webapi, which does what it is told and checks every answer. Like openid_client.mjs it reads `{act, ...}` as
// JSON from its argument and prints the result as JSON.
//
//     push                pushes a request (RFC 9126): the address to send the person to, and what to keep until they return
//     finish              the address they returned with, and what was kept, becomes tokens

import * as oauth from 'oauth4webapi';

const insecure = { [oauth.allowInsecureRequests]: true };

const acts = {
  async push(as, client, authentication, { redirect_uri, scope, more = {} }) {
    const kept = {
      code_verifier: oauth.generateRandomCodeVerifier(),
      state: oauth.generateRandomState(),
      nonce: oauth.generateRandomNonce(),
      redirect_uri,
    };
    const parameters = {
      redirect_uri,
      scope,
      response_type: 'code',
      code_challenge: await oauth.calculatePKCECodeChallenge(kept.code_verifier),
      code_challenge_method: 'S256',
      state: kept.state,
      nonce: kept.nonce,
      ...more,
    };
    const response = await oauth.pushedAuthorizationRequest(as, client, authentication, parameters, insecure);
    const { request_uri, expires_in } = await oauth.processPushedAuthorizationResponse(as, client, response);
    const url = new URL(as.authorization_endpoint);
    url.search = new URLSearchParams({ client_id: client.client_id, request_uri });
    return { url: url.href, kept, expires_in };
  },

  async finish(as, client, authentication, { callback, kept }) {
    const parameters = oauth.validateAuthResponse(as, client, new URL(callback), kept.state);
    const { redirect_uri, code_verifier } = kept;
    const response = await oauth.authorizationCodeGrantRequest(as, client, authentication, parameters, redirect_uri, code_verifier, insecure);
    const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: kept.nonce, requireIdToken: true });
    return { ...tokens, claims: oauth.getValidatedIdTokenClaims(tokens) };
  },
};

const { act, issuer, client_id, client_secret, ...rest } = JSON.parse(process.argv[2]);
try {
  const found = await oauth.discoveryRequest(new URL(issuer), { algorithm: 'oidc', ...insecure });
  const as = await oauth.processDiscoveryResponse(new URL(issuer), found);
  const authentication = client_secret ? oauth.ClientSecretBasic(client_secret) : oauth.None();
  console.log(JSON.stringify(await acts[act](as, { client_id }, authentication, rest)));
} catch (error) {
  const { name, message, code, error: said, error_description, status } = error;
  console.log(JSON.stringify({ failed: { name, message, code, error: said, error_description, status, cause: error.cause?.message } }));
  process.exitCode = 1;
}
