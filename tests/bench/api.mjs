// An API that is not ours, admitting by introspection: npm oauth4webapi. It asks the issuer about every token, so what was revoked is refused at once.
// It reads {issuer, client_id, client_secret, audience, scope} as JSON from its argument and prints `ready http://127.0.0.1:PORT` when it answers.

import { createServer } from 'node:http';
import * as oauth from 'oauth4webapi';

const { issuer, client_id, client_secret, audience, scope } = JSON.parse(process.argv[2]);
const insecure = { [oauth.allowInsecureRequests]: true };
const url = new URL(issuer);
const found = await oauth.discoveryRequest(url, { ...insecure, algorithm: 'oauth2' });
const server = await oauth.processDiscoveryResponse(url, found);
const client = { client_id };
const authentication = oauth.ClientSecretBasic(client_secret);

async function admitted(header = '') {
  const [scheme, token] = header.split(' ');
  if (scheme.toLowerCase() !== 'bearer' || !token) return [401, { error: 'no token' }];
  const response = await oauth.introspectionRequest(server, client, authentication, token, insecure);
  const seen = await oauth.processIntrospectionResponse(server, client, response);
  // A token of another kind or for another resource may be good and is still none for this one (RFC 7662 section 4).
  const isForUs = seen.active && seen.token_type === 'Bearer' && [seen.aud].flat().includes(audience);
  if (!isForUs) return [401, { error: 'token' }];
  if (!seen.scope.split(' ').includes(scope)) return [403, { error: 'scope' }];
  return [200, { sub: seen.sub, client_id: seen.client_id }];
}

const api = createServer(async (request, response) => {
  const [status, body] = await admitted(request.headers.authorization).catch((error) => [500, { error: String(error) }]);
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
});
api.listen(0, '127.0.0.1', () => console.log(`ready http://127.0.0.1:${api.address().port}`));
