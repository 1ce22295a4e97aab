// A native app: npm openid-client as a public client that waits on a loopback port the system chose (RFC 8252 section 7.3). It reads
// {issuer, client_id, host} as JSON from its argument, prints `ready URL` with the address a browser is to open, and shows who came back.

import { createServer } from 'node:http';
import * as client from 'openid-client';

const { issuer, client_id, host } = JSON.parse(process.argv[2]);
const config = await client.discovery(new URL(issuer), client_id, undefined, client.None(), { execute: [client.allowInsecureRequests] });
const code_verifier = client.randomPKCECodeVerifier();
const [state, nonce] = [client.randomState(), client.randomNonce()];

const app = createServer(async (request, response) => {
  const shown = await client
    .authorizationCodeGrant(config, new URL(request.url, redirect_uri), { pkceCodeVerifier: code_verifier, expectedState: state, expectedNonce: nonce })
    .then((tokens) => `<p id="person">${tokens.claims().name}</p>`)
    .catch((error) => `<p id="error">${error.error ?? error.code}</p>`);
  response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html><html lang="en"><title>Native app</title>${shown}</html>`);
});
await new Promise((resolve) => app.listen(0, host, resolve));
const redirect_uri = `http://${host.includes(':') ? `[${host}]` : host}:${app.address().port}/callback`;
const url = client.buildAuthorizationUrl(config, {
  redirect_uri,
  scope: 'openid profile',
  code_challenge: await client.calculatePKCECodeChallenge(code_verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
});
console.log(`ready ${url.href}`);
