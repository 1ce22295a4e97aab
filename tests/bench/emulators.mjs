// Google, GitHub, Apple, Microsoft and Okta as others stand them in: npm `emulate`, each on a port of its own. Needs Node.js 24.
//
//     node emulators.mjs '{"gateway":"http://localhost:8080","ports":{"google":4000,"github":4001}}'
//
// Prints `ready {"google":"http://127.0.0.1:4000",...}` when all of them answer. Every service knows the gateway as the client
// `vestibule` under the provider name that is its own, and alice, who has an address at corp.example; what else it knows is its default.

import { createEmulator } from 'emulate';

const CLIENT_ID = 'vestibule';
const CLIENT_SECRET = 'upstream-secret-0123456789abcdef0123456789';
const MANAGER = 'bench-manager-token';

const { gateway, ports } = JSON.parse(process.argv[2]);

const client = (service) => ({
  client_id: CLIENT_ID,
  client_secret: CLIENT_SECRET,
  name: 'Vestibule',
  redirect_uris: [`${gateway}/callback/${service}`],
});

const seeds = {
  google: () => ({
    users: [
      { email: 'alice@corp.example', name: 'Alice Archer', hd: 'corp.example' },
      { email: 'mallory@gmail.com', name: 'Mallory Moor' },
    ],
    oauth_clients: [client('google')],
  }),
  github: () => ({
    users: [{ login: 'alice', name: 'Alice Archer', email: 'alice@corp.example' }],
    orgs: [{ login: 'acme', name: 'Acme', members: [{ login: 'alice', role: 'admin' }] }],
    oauth_apps: [client('github')],
  }),
  apple: () => ({
    users: [{ email: 'alice@icloud.com', name: 'Alice Archer' }],
    oauth_clients: [{ ...client('apple'), team_id: 'TEAM012345' }],
  }),
  microsoft: () => ({
    users: [{ email: 'alice@corp.example', name: 'Alice Archer' }],
    oauth_clients: [client('microsoft')],
  }),
  okta: () => ({
    users: [{ login: 'alice@corp.example', email: 'alice@corp.example', first_name: 'Alice', last_name: 'Archer' }],
    groups: [{ name: 'engineers', okta_id: '00gengineers' }],
    authorization_servers: [{ id: 'default', name: 'default', audiences: ['api://default'] }],
    oauth_clients: [{ ...client('okta'), auth_server_id: 'org' }],
  }),
};

const running = {};
for (const [service, port] of Object.entries(ports)) {
  const baseUrl = `http://127.0.0.1:${port}`;
  const tokens = { [MANAGER]: { login: 'admin' } };
  const { url } = await createEmulator({ service, port, baseUrl, seed: { tokens, [service]: seeds[service]() } });
  running[service] = url;
}
if (running.okta) await joinGroup(running.okta);
console.log(`ready ${JSON.stringify(running)}`);

/** A seed has no memberships; Okta's own management API has. */
async function joinGroup(okta) {
  const headers = { authorization: `SSWS ${MANAGER}` };
  const answer = await fetch(`${okta}/api/v1/groups/00gengineers/users/alice@corp.example`, { method: 'PUT', headers });
  if (!answer.ok) throw new Error(`alice can't join the group: ${answer.status} ${await answer.text()}`);
}
