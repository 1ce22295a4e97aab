// An MCP server and an MCP client that are not ours: npm @modelcontextprotocol/sdk. The server takes tokens of the gateway and nothing else; the
// client finds out by itself who gives them.
//
//     serve     the server at `port`, and the client's metadata document over TLS at `document_port`; prints `ready URL` and stays
//     start     the client asks the server, is turned away, discovers, registers or names its document: the address to send the person to, and
//               what to keep
//     finish    the code becomes tokens, and a tool of the server is called with them

import { createServer } from 'node:https';
import { auth } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const clientMetadata = (redirect_uri) => ({
  client_name: 'The agent',
  redirect_uris: [redirect_uri],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
});

/** What the SDK asks its app to keep, as one object that can be printed. */
class Keeper {
  constructor(kept, redirect_uri, document) {
    Object.assign(this, { kept, redirectUrl: redirect_uri, clientMetadataUrl: document, clientMetadata: clientMetadata(redirect_uri) });
  }
  state() { return this.kept.state ??= crypto.randomUUID(); }
  clientInformation() { return this.kept.client; }
  saveClientInformation(client) { this.kept.client = client; }
  tokens() { return this.kept.tokens; }
  saveTokens(tokens) { this.kept.tokens = tokens; }
  codeVerifier() { return this.kept.verifier; }
  saveCodeVerifier(verifier) { this.kept.verifier = verifier; }
  redirectToAuthorization(url) { this.kept.url = url.href; }
}

function serve({ issuer, port, document_port, certificate, key, redirect_uri }) {
  const resource = `http://127.0.0.1:${port}/mcp`;
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
  const verifier = {
    // RFC 9068 §4: by its issuer, its type, and that it is for this server.
    async verifyAccessToken(token) {
      const { payload } = await jwtVerify(token, keys, { issuer, audience: resource, typ: 'at+jwt' });
      return { token, clientId: payload.client_id, scopes: payload.scope.split(' '), expiresAt: payload.exp, resource: new URL(resource), extra: payload };
    },
  };
  const app = createMcpExpressApp();
  const metadata = `http://127.0.0.1:${port}/.well-known/oauth-protected-resource/mcp`;
  app.get('/.well-known/oauth-protected-resource/mcp', (_, response) =>
    response.json({ resource, authorization_servers: [issuer], scopes_supported: ['openid', 'profile'] }));
  app.post('/mcp', requireBearerAuth({ verifier, resourceMetadataUrl: metadata }), async (request, response) => {
    const server = new McpServer({ name: 'bench', version: '1.0.0' });
    server.registerTool('whoami', { description: 'Says whose token it is' }, ({ authInfo }) =>
      ({ content: [{ type: 'text', text: JSON.stringify(authInfo.extra) }] }));
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
    response.on('close', () => { transport.close(); server.close(); });
    await server.connect(transport);
    await transport.handleRequest(request, response, request.body);
  });
  app.all('/mcp', (_, response) => response.status(405).end());
  const document = `https://localhost:${document_port}/client.json`;
  const body = JSON.stringify({ client_id: document, ...clientMetadata(redirect_uri) });
  createServer({ cert: certificate, key }, (request, response) => {
    response.writeHead(request.url === '/client.json' ? 200 : 404, { 'content-type': 'application/json', 'cache-control': 'max-age=60' });
    response.end(body);
  }).listen(document_port, 'localhost', () => app.listen(port, '127.0.0.1', () => console.log(`ready ${resource}`)));
}

const acts = {
  async start({ server, redirect_uri, document }) {
    const keeper = new Keeper({}, redirect_uri, document);
    const transport = new StreamableHTTPClientTransport(new URL(server), { authProvider: keeper });
    const client = new Client({ name: 'agent', version: '1.0.0' });
    try {
      await client.connect(transport);
    } catch (error) {
      if (!keeper.kept.url) throw error;
    }
    return keeper.kept;
  },

  async finish({ server, redirect_uri, document, kept, code }) {
    const keeper = new Keeper(kept, redirect_uri, document);
    const transport = new StreamableHTTPClientTransport(new URL(server), { authProvider: keeper });
    await transport.finishAuth(code);
    const call = async () => {
      const client = new Client({ name: 'agent', version: '1.0.0' });
      await client.connect(new StreamableHTTPClientTransport(new URL(server), { authProvider: keeper }));
      const { content } = await client.callTool({ name: 'whoami' });
      await client.close();
      return JSON.parse(content[0].text);
    };
    const first = await call();
    // And with tokens that were refreshed.
    const before = keeper.kept.tokens.access_token;
    const outcome = await auth(keeper, { serverUrl: server });
    return { first, outcome, refreshed: before !== keeper.kept.tokens.access_token, second: await call(), kept: keeper.kept };
  },
};

const { act, ...rest } = JSON.parse(process.argv[2]);
if (act === 'serve') {
  serve(rest);
} else {
  try {
    console.log(JSON.stringify(await acts[act](rest)));
    process.exit(0);
  } catch (error) {
    const { name, message, cause } = error;
    console.log(JSON.stringify({ failed: { name, message, cause: cause?.message, stack: error.stack } }));
    process.exit(1);
  }
}
