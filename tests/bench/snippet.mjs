// Runs what the console writes for npm openid-client, as it is written: `text` of the JSON in its argument. Two things around it are ours: the library may
// talk to an issuer without TLS, and what a snippet calls `currentUrl` comes as a line of standard input. It prints `ready URL` with the address that a
// browser is to open, and then what the snippet prints.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const around = `
import { createInterface } from 'node:readline';
import * as library from ${JSON.stringify(import.meta.resolve('openid-client'))};

const cameBack = () =>
  new Promise((resolve) => createInterface({ input: process.stdin }).once('line', (line) => resolve(new URL(line))));

export * from ${JSON.stringify(import.meta.resolve('openid-client'))};

export const discovery = (issuer, id, metadata, proof) =>
  library.discovery(issuer, id, metadata, proof, { execute: [library.allowInsecureRequests] });

export function buildAuthorizationUrl(config, parameters) {
  const url = library.buildAuthorizationUrl(config, parameters);
  console.log('ready ' + url.href);
  return url;
}

export const authorizationCodeGrant = async (config, address, checks) =>
  library.authorizationCodeGrant(config, address ?? (await cameBack()), checks);
`;

const { text } = JSON.parse(process.argv[2]);
globalThis.currentUrl = undefined;
const folder = await mkdtemp(join(tmpdir(), 'snippet-'));
try {
  const library = join(folder, 'node_modules', 'openid-client');
  await mkdir(library, { recursive: true });
  await writeFile(join(library, 'package.json'), JSON.stringify({ name: 'openid-client', type: 'module', exports: './index.js' }));
  await writeFile(join(library, 'index.js'), around);
  await writeFile(join(folder, 'snippet.mjs'), text);
  await import(pathToFileURL(join(folder, 'snippet.mjs')).href);
} finally {
  await rm(folder, { recursive: true });
}
