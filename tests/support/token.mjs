// Tokens, good ones and forged ones, with node:crypto alone.
import { createHmac, sign } from 'node:crypto';

/** The shared secret of every test cluster. */
export const SECRET = 'a shared secret of the tests, long enough for HS256';

const base64url = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
export const nowSeconds = () => Math.floor(Date.now() / 1000);

const SIGNERS = {
  HS256: (input, key) => createHmac('sha256', key).update(input).digest(),
  RS256: (input, key) => sign('sha256', input, key),
  ES256: (input, key) => sign('sha256', input, { key, dsaEncoding: 'ieee-p1363' }),
  EdDSA: (input, key) => sign(null, input, key),
};

/** A token of exactly this header and these claims (objects, or texts taken as they are), signed as `alg` says. */
export function signed(header, claims, alg = 'HS256', key = SECRET) {
  const input = `${base64url(header)}.${base64url(claims)}`;
  return `${input}.${SIGNERS[alg](Buffer.from(input), key).toString('base64url')}`;
}

/** A good token for a user. `claims` adds or replaces; an undefined claim is left out. */
export function mint(user, claims = {}, { alg = 'HS256', key = SECRET, header = {} } = {}) {
  const all = { sub: user, exp: nowSeconds() + 3600, ...claims };
  return signed({ alg, typ: 'JWT', ...header }, all, alg, key);
}

/** A token that says it needs no signature. */
export function unsigned(user, alg = 'none') {
  return `${base64url({ alg, typ: 'JWT' })}.${base64url({ sub: user, exp: nowSeconds() + 3600 })}.`;
}

/** The same token with one part replaced or bent: for forgeries. */
export function withClaims(token, claims) {
  const [header, body, signature] = token.split('.');
  const old = JSON.parse(Buffer.from(body, 'base64url'));
  return `${header}.${base64url({ ...old, ...claims })}.${signature}`;
}
