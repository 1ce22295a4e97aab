// Keys of apps as JWK, so that they outlive one call of a script.

const algorithms = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  Ed25519: { name: 'Ed25519' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
};

/** A new key pair for an algorithm: both halves as JWK, as an app would register the one and keep the other. */
export async function newKey(alg = 'ES256') {
  const pair = await crypto.subtle.generateKey(algorithms[alg], true, ['sign', 'verify']);
  const jwk = async (key) => ({ ...(await crypto.subtle.exportKey('jwk', key)), kid: 'one', alg, use: 'sig', key_ops: undefined, ext: undefined });
  return { private: await jwk(pair.privateKey), public: await jwk(pair.publicKey) };
}

/** The private half of what newKey gave, to sign with, and its name. */
export async function signs({ private: jwk }) {
  return { key: await crypto.subtle.importKey('jwk', jwk, algorithms[jwk.alg], false, ['sign']), kid: jwk.kid };
}

/** Both halves of what newKey gave. */
export async function pairOf(keys) {
  const { public: jwk } = keys;
  return { privateKey: (await signs(keys)).key, publicKey: await crypto.subtle.importKey('jwk', jwk, algorithms[jwk.alg], true, ['verify']) };
}
