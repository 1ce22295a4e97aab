// Facebook Login by a client library that is not ours: npm `passport-facebook`, one act a call, with the proof of the app's secret.
//
//     start    the address to send the person to
//     finish   the address they returned with becomes a token and a profile
//
// `{act, facebook, graph, client_id, client_secret, callback}` comes as JSON in its argument; the answer is JSON, and status 1 with the
// library's error when it finds something wrong.

import FacebookStrategy from 'passport-facebook';

const { act, facebook, graph, version, client_id, client_secret, callback } = JSON.parse(process.argv[2]);
const returned = new URL(callback);
const strategy = new FacebookStrategy(
  {
    authorizationURL: `${facebook}/${version}/dialog/oauth`,
    tokenURL: `${graph}/${version}/oauth/access_token`,
    profileURL: `${graph}/${version}/me`,
    clientID: client_id,
    clientSecret: client_secret,
    callbackURL: returned.origin + returned.pathname,
    profileFields: ['id', 'displayName', 'name', 'emails', 'photos'],
    enableProof: true,
  },
  (accessToken, _refreshToken, { id, displayName, name, emails, photos }, done) =>
    done(null, { accessToken, id, displayName, name, emails, photos }),
);

const query = act === 'start' ? {} : Object.fromEntries(returned.searchParams);
Object.assign(strategy, {
  redirect: (url) => say({ url }),
  success: (person) => say(person),
  fail: (challenge) => say({ failed: challenge ?? 'refused' }, 1),
  error: ({ name, message, code, subcode, type, oauthError }) => say({ failed: { name, message, code, subcode, type, oauthError } }, 1),
});
strategy.authenticate({ query, body: {}, headers: {}, session: {} }, { scope: ['public_profile', 'email'] });

function say(answer, status = 0) {
  console.log(JSON.stringify(answer));
  process.exitCode = status;
}
