// A client app that is not ours: npm openid-client, one act a call. It reads `{act, ...}` as JSON from its argument and
// prints the result as JSON; what the library finds wrong with an answer ends it with status 1 and the error as JSON.
//
//     start               code + PKCE: the address to send the person to, and what to keep until they return; `pushed` sends the request ahead,
//                         `key`, a private JWK, signs it (RFC 9101)
//     generate_key        a key pair for an algorithm, as JWKs; the issuer is not asked
//     finish              the address they returned with, and what was kept, becomes tokens; the library checks every one
//     device              what a device is told to show its person
//     device_poll         asks again and again, as the answer to `device` says, until the person has said something
//     userinfo, refresh, introspect, revoke, client_credentials, logout_url
//     new_key             a key pair as JWK; given as `dpop_key`, every later act proves that it holds it (RFC 9449)

import * as client from 'openid-client';
import { newKey, pairOf } from './keys.mjs';

const algorithms = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
};

/** A private JWK as the library wants it. */
async function signing({ kid, alg, ...jwk }) {
  return { key: await crypto.subtle.importKey('jwk', jwk, algorithms[alg], false, ['sign']), kid };
}

const acts = {
  async generate_key(_, { alg }) {
    const pair = await crypto.subtle.generateKey(algorithms[alg], true, ['sign', 'verify']);
    const jwk = async (key) => ({ ...(await crypto.subtle.exportKey('jwk', key)), kid: 'the-key', alg, use: 'sig', key_ops: undefined, ext: undefined });
    return { private: await jwk(pair.privateKey), public: await jwk(pair.publicKey) };
  },

  async start(config, { redirect_uri, scope, prompt, resource, pushed, key }) {
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
    if (key) url = await client.buildAuthorizationUrlWithJAR(config, parameters, await signing(key));
    if (pushed) url = await client.buildAuthorizationUrlWithPAR(config, key ? url.searchParams : parameters);
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
  new_key: (_, { alg }) => newKey(alg),
  introspect: (config, { token }) => client.tokenIntrospection(config, token),
  revoke: (config, { token }) => client.tokenRevocation(config, token).then(() => ({ revoked: true })),
  client_credentials: (config, { scope }) => client.clientCredentialsGrant(config, scope ? { scope } : {}, config.bound),
  logout_url: async (config, { id_token, post_logout_redirect_uri }) =>
    ({ url: client.buildEndSessionUrl(config, { id_token_hint: id_token, post_logout_redirect_uri }).href }),
};

const authentications = {
  client_secret_basic: client.ClientSecretBasic,
  client_secret_post: client.ClientSecretPost,
  none: () => client.None(),
};

const { act, issuer, client_id, client_secret, authentication = 'client_secret_basic', id_token_alg = 'RS256', dpop_key, ...rest } =
  JSON.parse(process.argv[2]);
try {
  const metadata = { id_token_signed_response_alg: id_token_alg };
  const config = await client.discovery(new URL(issuer), client_id, metadata, authentications[authentication](client_secret), {
    execute: [client.allowInsecureRequests],
  });
  // OpenID Connect Core §3.1.3.7 allows to trust TLS instead of the signature. Here the signature is what is tested.
  client.enableNonRepudiationChecks(config);
  if (dpop_key) config.bound = { DPoP: client.getDPoPHandle(config, await pairOf(dpop_key)) };
  console.log(JSON.stringify(await acts[act](config, rest)));
} catch (error) {
  const { name, message, code, error: oauth, error_description, status } = error;
  console.log(JSON.stringify({ failed: { name, message, code, error: oauth, error_description, status, cause: error.cause?.message } }));
  process.exitCode = 1;
}
