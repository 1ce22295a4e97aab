// A client app that is not ours: npm oauth4webapi, the library of browsers and workers, one act a call. It reads `{act, ...}` as JSON from
// its argument and prints the result as JSON. Unlike openid-client it repeats nothing by itself: where a nonce is asked for, the loop below
// comes again, as an app would write it.
//
//     start               code + PKCE: the address to send the person to, and what to keep until they return
//     finish              the address they returned with, and what was kept, becomes tokens
//     refresh, userinfo

import * as oauth from 'oauth4webapi';
import { newKey, pairOf } from './keys.mjs';

const insecure = { [oauth.allowInsecureRequests]: true };
const { act, issuer, client_id, redirect_uri, dpop_key, ...rest } = JSON.parse(process.argv[2]);
const client = { client_id };
const authentication = oauth.None();
let asked = 0;

/** Once more with the nonce, if that is what is missing (RFC 9449 §8). */
async function withNonce(attempt) {
  try {
    return await attempt();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    asked += 1;
    return attempt();
  }
}

const acts = {
  async start(as, { scope }) {
    const kept = { verifier: oauth.generateRandomCodeVerifier(), state: oauth.generateRandomState(), nonce: oauth.generateRandomNonce() };
    const url = new URL(as.authorization_endpoint);
    const key = dpop_key ?? (await newKey());
    const { DPoP } = await bound(key);
    for (const [name, value] of Object.entries({
      client_id,
      redirect_uri,
      scope,
      response_type: 'code',
      code_challenge: await oauth.calculatePKCECodeChallenge(kept.verifier),
      code_challenge_method: 'S256',
      state: kept.state,
      nonce: kept.nonce,
      dpop_jkt: await DPoP.calculateThumbprint(),
    })) url.searchParams.set(name, value);
    return { url: url.href, kept: { ...kept, dpop_key: key } };
  },

  async finish(as, { callback, kept }) {
    const parameters = oauth.validateAuthResponse(as, client, new URL(callback), kept.state);
    const options = await bound(kept.dpop_key);
    const tokens = await withNonce(async () => {
      const response = await oauth.authorizationCodeGrantRequest(
        as, client, authentication, parameters, redirect_uri, kept.verifier, options);
      return oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: kept.nonce, requireIdToken: true });
    });
    return { ...tokens, claims: oauth.getValidatedIdTokenClaims(tokens), asked };
  },

  async refresh(as, { refresh_token }) {
    const options = await bound(dpop_key);
    return withNonce(async () => {
      const response = await oauth.refreshTokenGrantRequest(as, client, authentication, refresh_token, options);
      return { ...(await oauth.processRefreshTokenResponse(as, client, response)), asked };
    });
  },

  async userinfo(as, { access_token, sub }) {
    const options = await bound(dpop_key);
    return withNonce(async () => {
      const response = await oauth.userInfoRequest(as, client, access_token, options);
      return { ...(await oauth.processUserInfoResponse(as, client, sub, response)), asked };
    });
  },
};

async function bound(key) {
  return key ? { ...insecure, DPoP: oauth.DPoP(client, await pairOf(key)) } : insecure;
}

try {
  const discovery = await oauth.discoveryRequest(new URL(issuer), insecure);
  const as = await oauth.processDiscoveryResponse(new URL(issuer), discovery);
  console.log(JSON.stringify(await acts[act](as, rest)));
} catch (error) {
  const { name, message, code, error: oauthError, error_description, status } = error;
  console.log(JSON.stringify({ failed: { name, message, code, error: oauthError, error_description, status, cause: error.cause } }));
  process.exitCode = 1;
}
