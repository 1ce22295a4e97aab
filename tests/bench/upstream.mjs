// An upstream issuer that is not ours: npm oidc-provider, with the people the tests need and one page to choose among them.
//
//     node upstream.mjs '{"port":4000,"clients":[{"client_id":"...","client_secret":"...","redirect_uris":["..."]}]}'
//
// Prints `ready http://127.0.0.1:4000` when it answers. Beside the protocol it serves, for the tests alone:
//     POST /bench/rotate   signs with a new key from now on; the old one is gone from the JWKS
//     GET  /bench/issued   every secret it has issued so far, so that a test can look for them where they must not be
//     GET  /bench/traces   every `traceparent` that came with a request so far

import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

/** Who can sign in. Anybody else is taken as they name themselves, with a verified address at example.com. */
const people = {
  alice: { name: 'Alice Archer', email: 'alice@example.com', email_verified: true },
  bob: { name: 'Bob Baker', email: 'bob@example.com', email_verified: false },
  carol: { name: 'Carol Cook' },
};

const { port = 0, clients = [] } = JSON.parse(process.argv[2] ?? '{}');
const server = createServer();
server.listen(port, '127.0.0.1');
await once(server, 'listening');
const issuer = `http://127.0.0.1:${server.address().port}`;

const issued = [];
const traces = [];
const cookieKey = randomBytes(32).toString('base64url');
let provider = withNewKey();
server.on('request', serve);
console.log(`ready ${issuer}`);

async function serve(req, res) {
  const { pathname } = new URL(req.url, issuer);
  const step = /^\/interaction\/[^/]+(?:\/(login|allow|abort))?$/.exec(pathname);
  if (req.headers.traceparent) traces.push(req.headers.traceparent);
  try {
    if (pathname === '/bench/rotate' && req.method === 'POST') {
      provider = withNewKey();
      res.writeHead(204).end();
    } else if (pathname === '/bench/issued') {
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(issued));
    } else if (pathname === '/bench/traces') {
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(traces));
    } else if (step && req.method === 'GET') {
      await showPeople(req, res);
    } else if (step && req.method === 'POST') {
      await choosePerson(req, res, step[1]);
    } else {
      await provider.callback()(req, res);
    }
  } catch (error) {
    res.writeHead(400, { 'content-type': 'text/plain' }).end(`${error.name}: ${error.message}\n`);
  }
}

async function showPeople(req, res) {
  const { uid, prompt } = await provider.interactionDetails(req, res);
  const logins = Object.keys(people).map((login) => `<button name="login" value="${login}">${login}</button>`);
  const [act, buttons] = prompt.name === 'consent' ? ['allow', '<button id="allow">allow</button>'] : ['login', logins.join(' ')];
  res.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(`<!doctype html>
<html lang="en"><title>Upstream</title><h1>Upstream: ${prompt.name}</h1>
<form method="post" action="/interaction/${uid}/${act}">${buttons}</form>
<form method="post" action="/interaction/${uid}/abort"><button id="refuse">refuse</button></form></html>`);
}

async function choosePerson(req, res, step) {
  const form = new URLSearchParams(await text(req));
  const results = {
    login: { login: { accountId: form.get('login') } },
    allow: { consent: {} },
    abort: { error: 'access_denied', error_description: 'the person refused' },
  };
  await provider.interactionFinished(req, res, results[step], { mergeWithLastSubmission: step === 'allow' });
}

/** The same issuer, grants and sessions (its memory is shared), with a signing key of its own. */
function withNewKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const made = new Provider(issuer, {
    clients,
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig', kid: randomUUID() }] },
    cookies: { keys: [cookieKey] },
    scopes: ['openid', 'offline_access', 'profile', 'email'],
    claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false }, introspection: { enabled: true }, revocation: { enabled: true }, clientCredentials: { enabled: true },
      backchannelLogout: { enabled: true }, rpInitiatedLogout: { enabled: true, logoutSource } },
    // It too reaches no loopback address unless it is told to; the gateway under test is on one.
    fetch: (url, { dispatcher: _guarded, ...options }) => fetch(url, options),
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub, preferred_username: sub, ...about(sub) }) }),
    issueRefreshToken: (_ctx, client, code) => client.grantTypeAllowed('refresh_token') && code.scopes.has('offline_access'),
    loadExistingGrant: grantWhatIsAsked,
    renderError: (ctx, out) => { ctx.type = 'text'; ctx.body = `${out.error}: ${out.error_description}\n`; },
    ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Session: 3600, Grant: 3600, RefreshToken: 3600 },
  });
  made.on('grant.success', (ctx) => remember(ctx.body, ['access_token', 'id_token', 'refresh_token']));
  made.on('authorization.success', (_ctx, response) => remember(response, ['code']));
  made.on('server_error', (_ctx, error) => console.error(error));
  made.on('backchannel.error', (_ctx, error) => console.error(error));
  return made;
}

/** Signing out here is asked about, as everywhere; the tests press the button. */
async function logoutSource(ctx, form) {
  ctx.body = `<!doctype html><html lang="en"><title>Sign out</title>${form.replace('</form>', '<button name="logout" value="yes">Yes</button></form>')}</html>`;
}

/** Whatever a known client asks for, its person grants; only `prompt=consent` asks them. */
async function grantWhatIsAsked({ oidc }) {
  const grant = new oidc.provider.Grant({ accountId: oidc.session.accountId, clientId: oidc.client.clientId });
  grant.addOIDCScope(oidc.params.scope);
  await grant.save();
  return grant;
}

function about(login) {
  return people[login] ?? { name: login, email: `${login}@example.com`, email_verified: true };
}

function remember(from, names) {
  issued.push(...names.map((name) => from?.[name]).filter(Boolean));
}

async function text(stream) {
  let all = '';
  for await (const chunk of stream) all += chunk;
  return all;
}
