// An app that is told of logouts, on npm jose: it believes a logout token only as OpenID Connect Back-Channel Logout 1.0 §2.6 says.
//
//     node logout_receiver.mjs '{"port":4000,"issuer":"http://127.0.0.1:5000"}'
//
// Prints `ready http://127.0.0.1:4000` when it answers:
//     POST /client        {client_id, client_secret, verifier}: only known once the app is registered
//     POST /backchannel   logout tokens; 400 for what it does not believe
//     GET  /front         what is framed
//     GET  /cb            redeems the code and shows a link to sign out by, which ends at /bye
//     GET  /bye           the page to come back to
//     POST /bench/deaf    from now on every logout token is answered with 503; POST /bench/hears ends it
//     GET  /bench/heard   {backchannel: [claims], refused: [why], front: [query], deaf: how many came meanwhile}

import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const { port = 0, issuer } = JSON.parse(process.argv[2]);
const event = 'http://schemas.openid.net/event/backchannel-logout';
const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`), { cooldownDuration: 0 });
const heard = { backchannel: [], refused: [], front: [], deaf: 0 };
let client;
let deaf = false;

async function believe(logout_token) {
  const { payload } = await jwtVerify(logout_token, keys, {
    issuer,
    audience: client.client_id,
    typ: 'logout+jwt',
    maxTokenAge: '2 min',
    requiredClaims: ['jti', 'iat', 'exp', 'events'],
  });
  if (payload.exp - payload.iat > 120) throw new Error('lives longer than two minutes');
  if ('nonce' in payload) throw new Error('has a nonce');
  if (typeof payload.events[event] !== 'object') throw new Error('is about no logout');
  if (!payload.sub && !payload.sid) throw new Error('names nobody');
  if (heard.backchannel.some(({ jti }) => jti === payload.jti)) throw new Error('came before');
  return payload;
}

async function signedIn(code) {
  const here = `http://127.0.0.1:${server.address().port}`;
  const form = { grant_type: 'authorization_code', code, redirect_uri: `${here}/cb`, code_verifier: client.verifier };
  const authorization = `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}`;
  const answer = await fetch(`${issuer}/token`, { method: 'POST', headers: { authorization }, body: new URLSearchParams(form) });
  const { id_token: id_token_hint } = await answer.json();
  const out = new URLSearchParams({ id_token_hint, post_logout_redirect_uri: `${here}/bye` });
  return `<!doctype html><html lang="en"><title>In</title><h1>In</h1><a id="out" href="${issuer}/logout?${out}">Sign out</a></html>`;
}

const routes = {
  'POST /client': async (body) => ((client = JSON.parse(body)), [204]),
  'POST /bench/deaf': async () => ((deaf = true), [204]),
  'POST /bench/hears': async () => ((deaf = false), [204]),
  'GET /bench/heard': async () => [200, JSON.stringify(heard), 'application/json'],
  'POST /backchannel': async (body, _, { 'content-type': type }) => {
    if (deaf) return (heard.deaf++, [503]);
    try {
      if (type !== 'application/x-www-form-urlencoded') throw new Error(`came as ${type}`);
      heard.backchannel.push(await believe(new URLSearchParams(body).get('logout_token')));
      return [200];
    } catch (error) {
      heard.refused.push(error.message);
      return [400];
    }
  },
  'GET /front': async (_, query) => (heard.front.push(Object.fromEntries(query)), [200, 'signed out']),
  'GET /cb': async (_, query) => [200, await signedIn(query.get('code'))],
  'GET /bye': async () => [200, '<!doctype html><html lang="en"><title>Bye</title><h1>Bye</h1></html>'],
};

const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  const route = routes[`${request.method} ${pathname}`];
  const body = Buffer.concat(await request.toArray()).toString();
  const [status, text = '', type = 'text/html; charset=utf-8'] = route ? await route(body, searchParams, request.headers) : [404];
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
});
server.listen(port, '127.0.0.1');
await once(server, 'listening');
console.log(`ready http://127.0.0.1:${server.address().port}`);
