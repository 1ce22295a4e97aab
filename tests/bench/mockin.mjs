// An issuer whose tokens go wrong on request: npm `@hellocoop/mockin`. Needs Node.js 24.
//
//     node mockin.mjs '{"port":4000}'
//
// Prints `ready http://127.0.0.1:4000` when it answers. It signs in one person without asking. `PUT /mock/token?wrongKey=1` (or `iss`, `aud`,
// `expired`, `error`) spoils what it gives from then on, `DELETE /mock` makes it honest again.

const { port } = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
Object.assign(process.env, { PORT: String(port), IP: '127.0.0.1', ISSUER: issuer });
await import('@hellocoop/mockin/src/server.js');

while (!(await answers())) await new Promise((resolve) => setTimeout(resolve, 20));
console.log(`ready ${issuer}`);

async function answers() {
  return fetch(`${issuer}/jwks`).then((answer) => answer.ok, () => false);
}
