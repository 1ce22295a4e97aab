// A client app that is not ours: npm openid-client, one act a call. It reads `{act, ...}` as JSON from its argument and
// prints the result as JSON; what the library finds wrong with an answer ends it with status 1 and the error as JSON.
//
//     start               code + PKCE: the address to send the person to, and what to keep until they return; `pushed` sends the request ahead,
//                         `request_key` signs it (RFC 9101)
//     finish              the address they returned with, and what was kept, becomes tokens; the library checks every one
//     device              what a device is told to show its person
//     device_poll         asks again and again, as the answer to `device` says, until the person has said something
//     userinfo, refresh, introspect, revoke, client_credentials, exchange, logout_url
//     new_key             a key pair for `alg`, `public` and `private` as JWK; the issuer is not asked. It is given back as `request_key`, as `key`,
//                         with which the app proves who it is, or as `dpop_key`, which every later act proves to hold (RFC 9449)

import * as client from 'openid-client';
import { newKey, pairOf, signs } from './keys.mjs';

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

const acts = {
  async start(config, { redirect_uri, scope, prompt, resource, pushed, request_key }) {
    const code_verifier = client.randomPKCECodeVerifier();
    const kept = { code_verifier, state: client.randomState(), nonce: client.randomNonce() };
    const parameters = new URLSearchParams({
      redirect_uri,
      scope,
      code_challenge: await client.calculatePKCECodeChallenge(code_verifier),
      code_challenge_method: 'S256',
      state: kept.state,
      nonce: kept.nonce,
      ...(prompt && { prompt }),
    });
    for (const one of resource ?? []) parameters.append('resource', one);
    let url = client.buildAuthorizationUrl(config, parameters);
    if (request_key) url = await client.buildAuthorizationUrlWithJAR(config, parameters, await signs(request_key));
    if (pushed) url = await client.buildAuthorizationUrlWithPAR(config, request_key ? url.searchParams : parameters);
    return { url: url.href, kept };
  },

  async finish(config, { callback, kept, resource }) {
    const tokens = await client.authorizationCodeGrant(config, new URL(callback), {
      pkceCodeVerifier: kept.code_verifier,
      expectedState: kept.state,
      expectedNonce: kept.nonce,
      idTokenExpected: true,
    }, resource && { resource }, config.bound);
    return { ...tokens, claims: tokens.claims() };
  },

  device: (config, { scope }) => client.initiateDeviceAuthorization(config, { scope }),
  async device_poll(config, { started }) {
    const tokens = await client.pollDeviceAuthorizationGrant(config, started, undefined, config.bound);
    return { ...tokens, claims: tokens.claims() };
  },

  userinfo: (config, { access_token, sub }) => client.fetchUserInfo(config, access_token, sub, config.bound),
  refresh: (config, { refresh_token, scope, resource }) =>
    client.refreshTokenGrant(config, refresh_token, { ...(scope && { scope }), ...(resource && { resource }) }, config.bound),
  introspect: (config, { token }) => client.tokenIntrospection(config, token),
  revoke: (config, { token }) => client.tokenRevocation(config, token).then(() => ({ revoked: true })),
  client_credentials: (config, { scope }) => client.clientCredentialsGrant(config, scope ? { scope } : {}, config.bound),
  exchange: (config, { subject_token, actor_token, audience, scope }) =>
    client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:token-exchange', {
      subject_token,
      subject_token_type: ACCESS_TOKEN,
      audience,
      ...(actor_token && { actor_token, actor_token_type: ACCESS_TOKEN }),
      ...(scope && { scope }),
    }),
  logout_url: async (config, { id_token, post_logout_redirect_uri }) =>
    ({ url: client.buildEndSessionUrl(config, { id_token_hint: id_token, post_logout_redirect_uri }).href }),
};

const authentications = {
  client_secret_basic: client.ClientSecretBasic,
  client_secret_post: client.ClientSecretPost,
  client_secret_jwt: client.ClientSecretJwt,
  none: () => client.None(),
};

const {
  act, issuer, client_id, client_secret, key, authentication = 'client_secret_basic', id_token_alg = 'RS256', introspection_alg, dpop_key, ...rest
} = JSON.parse(process.argv[2]);
try {
  if (act === 'new_key') {
    console.log(JSON.stringify(await newKey(rest.alg)));
    process.exit();
  }
  const metadata = { id_token_signed_response_alg: id_token_alg, ...(introspection_alg && { introspection_signed_response_alg: introspection_alg }) };
  const proof = authentication === 'private_key_jwt' ? client.PrivateKeyJwt(await signs(key)) : authentications[authentication](client_secret);
  const config = await client.discovery(new URL(issuer), client_id, metadata, proof, { execute: [client.allowInsecureRequests] });
  // OpenID Connect Core §3.1.3.7 allows to trust TLS instead of the signature. Here the signature is what is tested.
  client.enableNonRepudiationChecks(config);
  if (dpop_key) config.bound = { DPoP: client.getDPoPHandle(config, await pairOf(dpop_key)) };
  console.log(JSON.stringify(await acts[act](config, rest)));
} catch (error) {
  const { name, message, code, error: oauth, error_description, status } = error;
  console.log(JSON.stringify({ failed: { name, message, code, error: oauth, error_description, status, cause: error.cause?.message } }));
  process.exitCode = 1;
}
