// An issuer that fails as it is told: npm `oauth2-mock-server`, its hooks moved by HTTP.
//
//     node faulty.mjs '{"port":4000}'
//
// Prints `ready http://127.0.0.1:4000` when it answers. It signs in `johndoe` without asking. Beside the protocol it serves, for the tests alone:
//     PUT /bench/fault/NAME   from now on; `none` ends it
//     GET /bench/hanging      how many requests it holds without an answer

import { once } from 'node:events';
import { createServer } from 'node:http';
import { OAuth2Issuer, OAuth2Service } from 'oauth2-mock-server';

const LONG_AGO = 3_600;

const { port = 0 } = JSON.parse(process.argv[2] ?? '{}');
const issuer = new OAuth2Issuer();
await issuer.keys.generate('RS256');
const service = new OAuth2Service(issuer);
const server = createServer(serve);
server.listen(port, '127.0.0.1');
await once(server, 'listening');
issuer.url = `http://127.0.0.1:${server.address().port}`;

/** What each fault does, and where: before a token is signed, before the token endpoint or userinfo answers, or instead of an answer. */
const faults = {
  none: {},
  expired: { signing: ({ payload }) => Object.assign(payload, { iat: payload.iat - 2 * LONG_AGO, exp: payload.iat - LONG_AGO }) },
  iss: { signing: ({ payload }) => Object.assign(payload, { iss: 'https://issuer.elsewhere.example' }) },
  aud: { signing: ({ payload }) => Object.assign(payload, { aud: 'another-client' }) },
  nonce: { signing: ({ payload }) => Object.assign(payload, payload.nonce && { nonce: 'of-another-attempt' }) },
  other_person: { userinfo: (answer) => Object.assign(answer.body, { sub: 'somebody-else' }) },
  invalid_client: { response: (answer) => Object.assign(answer, { statusCode: 401, body: { error: 'invalid_client' } }) },
  invalid_grant: { response: (answer) => Object.assign(answer, { statusCode: 400, body: { error: 'invalid_grant' } }) },
  status_500: { response: (answer) => Object.assign(answer, { statusCode: 500, body: { error: 'server_error' } }) },
  html: { token: (res) => res.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Down</title><h1>Be right back</h1>') },
  hang: { token: (res) => hold(res) },
};
let fault = faults.none;
const held = new Set();

service.on('beforeTokenSigning', (token) => fault.signing?.(token));
service.on('beforeResponse', (answer) => fault.response?.(answer));
service.on('beforeUserinfo', (answer) => fault.userinfo?.(answer));
console.log(`ready ${issuer.url}`);

function serve(req, res) {
  const { pathname } = new URL(req.url, issuer.url);
  const told = /^\/bench\/fault\/(\w+)$/.exec(pathname)?.[1];
  if (req.method === 'PUT' && Object.hasOwn(faults, told)) {
    fault = faults[told];
    res.writeHead(204).end();
  } else if (pathname === '/bench/hanging') {
    res.writeHead(200, { 'content-type': 'application/json' }).end(String(held.size));
  } else if (pathname === '/token' && fault.token) {
    fault.token(res);
  } else {
    service.requestHandler(req, res);
  }
}

/** Holds a request until whoever asked gives up. */
function hold(res) {
  held.add(res);
  res.on('close', () => held.delete(res));
}
