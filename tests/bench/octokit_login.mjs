// GitHub's own client libraries, one act a call: `@octokit/oauth-methods`, `@octokit/core` and its pagination.
//
//     start      the address to send the person to
//     finish     a code becomes a token, and the token everything that is known of the person
//     refresh    a refresh token of a GitHub App becomes a new pair
//     revoke     a token is given back
//
// `{act, api, client_id, client_secret, ...}` comes as JSON in its argument, with `api` as `http://127.0.0.1:4000/api/v3`; the answer is JSON,
// and status 1 with the library's error when it finds something wrong.

import { Octokit } from '@octokit/core';
import { deleteToken, exchangeWebFlowCode, getWebFlowAuthorizationUrl, refreshToken } from '@octokit/oauth-methods';
import { paginateRest } from '@octokit/plugin-paginate-rest';

const { act, api, client_id, client_secret, client_type = 'oauth-app', ...rest } = JSON.parse(process.argv[2]);
const Client = Octokit.plugin(paginateRest);
const { request } = new Octokit({ baseUrl: api });
const common = { clientType: client_type, clientId: client_id, clientSecret: client_secret, request };

const acts = {
  start: ({ state, scopes, redirect_uri }) => {
    const { url } = getWebFlowAuthorizationUrl({ ...common, state, scopes, redirectUrl: redirect_uri });
    return { url };
  },

  async finish({ code, redirect_uri }) {
    const { authentication } = await exchangeWebFlowCode({ ...common, code, redirectUrl: redirect_uri });
    const octokit = new Client({ baseUrl: api, auth: authentication.token });
    const { data: user } = await octokit.request('GET /user');
    const all = (path) => octokit.paginate(`GET ${path}`, { per_page: 2 });
    return { authentication, user, emails: await all('/user/emails'), orgs: await all('/user/orgs'), teams: await all('/user/teams') };
  },

  async refresh({ token }) {
    const { authentication } = await refreshToken({ ...common, clientType: 'github-app', refreshToken: token });
    return authentication;
  },

  async revoke({ token }) {
    const { status } = await deleteToken({ ...common, token });
    return { status };
  },
};

try {
  console.log(JSON.stringify(await acts[act](rest)));
} catch (error) {
  const { name, message, status, response } = error;
  console.log(JSON.stringify({ failed: { name, message, status, body: response?.data } }));
  process.exitCode = 1;
}
