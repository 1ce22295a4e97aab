// A SIEM that is posted audit events, on npm standardwebhooks: it believes a post only if the library does.
//
//     node webhook_receiver.mjs '{"port":4000,"secret":"whsec_...","slow":500}'
//
// Prints `ready http://127.0.0.1:4000` when it answers. `slow` is how many milliseconds it takes over each post:
//     POST /events          a batch; 400 for what it does not believe
//     GET  /bench/heard     {batches: [{id, seqs, names}], refused: [why], held, answered}
//     PUT  /bench/release   with `hold`, no post is answered until then: `held` is how many there were

import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';

const { port = 0, secret, slow = 0, hold = false } = JSON.parse(process.argv[2]);
const webhook = new Webhook(secret);
const heard = { batches: [], refused: [], held: 0, answered: 0 };
let release;
const released = new Promise((resolve) => { release = resolve; });
if (!hold) release();

function believe(body, headers) {
  if (headers['content-type'] !== 'application/json') throw new Error(`came as ${headers['content-type']}`);
  const events = webhook.verify(body, headers);
  if (!Array.isArray(events) || events.length === 0) throw new Error('has no events');
  heard.batches.push({ id: headers['webhook-id'], seqs: events.map(({ chain }) => chain.seq), names: events.map(({ name }) => name) });
}

const server = createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray()).toString();
  if (request.url === '/bench/heard') {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(heard));
    return;
  }
  if (request.url === '/bench/release') {
    release();
    response.writeHead(204).end();
    return;
  }
  let status = 204;
  try {
    believe(body, request.headers);
  } catch (error) {
    heard.refused.push(error.message);
    status = 400;
  }
  heard.held += 1;
  await released;
  await pause(slow);
  heard.answered += 1;
  response.writeHead(status).end();
});
server.listen(port, '127.0.0.1');
await once(server, 'listening');
console.log(`ready http://127.0.0.1:${server.address().port}`);
