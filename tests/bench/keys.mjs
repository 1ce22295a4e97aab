// Keys of apps as JWK, so that they outlive one call of a script.

const algorithms = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  Ed25519: { name: 'Ed25519' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
};

/** A new key pair for an algorithm, its private half included. */
export async function newKey(alg = 'ES256') {
  const { privateKey } = await crypto.subtle.generateKey(algorithms[alg], true, ['sign', 'verify']);
  return { alg, jwk: await crypto.subtle.exportKey('jwk', privateKey) };
}

/** The pair of what newKey gave. */
export async function pairOf({ alg, jwk }) {
  const { d, p, q, dp, dq, qi, key_ops, alg: _, ...numbers } = jwk;
  return {
    privateKey: await crypto.subtle.importKey('jwk', jwk, algorithms[alg], false, ['sign']),
    publicKey: await crypto.subtle.importKey('jwk', numbers, algorithms[alg], true, ['verify']),
  };
}
