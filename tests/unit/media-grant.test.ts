import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  MEDIA_GRANT_TTL_MS,
  readMediaGrant,
  signMediaGrant,
  verifyMediaGrant,
  type MediaGrantClaims,
} from '#platform/media-grant.ts';
import { signViewer } from '#platform/viewer.ts';

const SECRET = 'a secret of the grant tests, 32+ characters';
const NOW_MS = 1_700_000_000_000;

const claims: MediaGrantClaims = {
  liveRoomId: 'liv_1',
  participantId: 'lpt_1',
  userId: 'usr_1',
  role: 'HOST',
  expiresAtMs: NOW_MS + MEDIA_GRANT_TTL_MS,
};

describe('Media grants', () => {
  test('what was signed is read back, with defaults for what was left out', () => {
    const grant = verifyMediaGrant(signMediaGrant(claims, SECRET), SECRET, NOW_MS);
    const defaults = { muted: false, musicMode: false, capacity: null, maxSpeakers: null, anew: false };
    assert.deepEqual(grant, { ...claims, ...defaults, grantId: grant?.grantId });
  });

  test('grants with the same rights differ, so that the use of one is not the use of another', () => {
    const ids = [1, 2].map(() => verifyMediaGrant(signMediaGrant(claims, SECRET), SECRET, NOW_MS)?.grantId);
    assert.ok(ids[0]);
    assert.notEqual(ids[0], ids[1]);
  });

  test('a grant is worth nothing from the millisecond of its expiry on, and says so', () => {
    const token = signMediaGrant(claims, SECRET);
    assert.ok(verifyMediaGrant(token, SECRET, claims.expiresAtMs - 1));
    assert.equal(verifyMediaGrant(token, SECRET, claims.expiresAtMs), null);
    assert.equal(readMediaGrant(token, SECRET, claims.expiresAtMs), 'GRANT_EXPIRED');
  });

  test('no bit of a token can be changed', () => {
    const [body = '', signature = ''] = signMediaGrant(claims, SECRET).split('.');
    const changed = [
      ...flippedBits(body).map((other) => `${other}.${signature}`),
      ...flippedBits(signature).map((other) => `${body}.${other}`),
    ];
    assert.ok(changed.length > 1_000);
    for (const token of changed) assert.equal(readMediaGrant(token, SECRET, NOW_MS), 'GRANT_INVALID', token);
  });

  test('a token of another secret, another purpose or no shape at all is refused', () => {
    const foreign = signMediaGrant(claims, `${SECRET}, another`);
    const viewer = signViewer({ userId: 'usr_1', sessionId: 'ses_1', roles: [] }, SECRET, NOW_MS);
    const token = signMediaGrant(claims, SECRET);
    for (const bad of [foreign, viewer, '', '.', 'a.b', `${token}.`, `${token}.x`, token.split('.')[0] ?? ''])
      assert.equal(readMediaGrant(bad, SECRET, NOW_MS), 'GRANT_INVALID', bad);
  });
});

function flippedBits(base64url: string): string[] {
  const bytes = Buffer.from(base64url, 'base64url');
  return Array.from({ length: bytes.length * 8 }, (_, bit) => {
    const copy = Buffer.from(bytes);
    copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return copy.toString('base64url');
  });
}
