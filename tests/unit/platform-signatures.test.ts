import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { INTERNAL_HEADER, requireInternal, signInternal } from '#platform/internal-auth.ts';
import { seal, unseal } from '#platform/sealing.ts';
import { signViewer, verifyViewer, VIEWER_HEADER_TTL_MS } from '#platform/viewer.ts';
import { seededRandom } from '../support/random.ts';

const SECRET = 'a-secret-of-the-tests-that-is-long-enough';
const VIEWER = { userId: 'usr_1', sessionId: 'ses_1', roles: ['USER', 'Künstler'] };
const NOW_MS = 1_800_000_000_000;
const ROUNDS = 2_000;

const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);
const random = seededRandom(seed);
const below = (limit: number) => Math.floor(random() * limit);

/** `text` with one character replaced, added or taken away. */
function damaged(text: string): string {
  const at = below(text.length);
  const other = String.fromCodePoint(33 + below(94));
  const kinds = [
    () => text.slice(0, at) + other + text.slice(at + 1),
    () => text.slice(0, at) + other + text.slice(at),
    () => text.slice(0, at) + text.slice(at + 1),
    () => text.slice(0, at),
  ];
  return kinds[below(kinds.length)]!();
}

const garbage = () =>
  Array.from({ length: below(80) }, () => String.fromCodePoint(below(0x2ff))).join('') +
  (random() < 0.5 ? '.' : '') +
  'x'.repeat(below(50));

/** A header signed with the right secret around any body. */
const signed = (body: string) =>
  `${body}.${createHmac('sha256', SECRET).update(`viewer:${body}`).digest('base64url')}`;

describe(`the viewer header (TEST_SEED=${seed})`, () => {
  it('says who it was signed for until its time is over', () => {
    const header = signViewer(VIEWER, SECRET, NOW_MS);
    assert.deepEqual(verifyViewer(header, SECRET, NOW_MS), VIEWER);
    assert.deepEqual(verifyViewer(header, SECRET, NOW_MS + VIEWER_HEADER_TTL_MS - 1), VIEWER);
    assert.equal(verifyViewer(header, SECRET, NOW_MS + VIEWER_HEADER_TTL_MS), null);
  });

  it('is worth nothing under another secret', () => {
    assert.equal(verifyViewer(signViewer(VIEWER, SECRET, NOW_MS), `${SECRET}.`, NOW_MS), null);
  });

  it('is worth nothing once a single character was changed', () => {
    const header = signViewer(VIEWER, SECRET, NOW_MS);
    for (let round = 0; round < ROUNDS; round += 1) {
      const changed = damaged(header);
      if (changed !== header) assert.equal(verifyViewer(changed, SECRET, NOW_MS), null, changed);
    }
  });

  it('never throws, whatever it holds', () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      assert.equal(verifyViewer(garbage(), SECRET, NOW_MS), null);
    }
  });

  it('of another shape is no viewer even where the signature is right', () => {
    const bodies = ['', '{', 'null', '[]', '"x"', '{"userId":1}', '{"userId":"u","sessionId":"s"}'];
    for (const body of bodies) {
      assert.equal(verifyViewer(signed(Buffer.from(body).toString('base64url')), SECRET, NOW_MS), null, body);
    }
  });

  it('cannot be made from another signature of the same secret', () => {
    const body = signViewer(VIEWER, SECRET, NOW_MS).split('.')[0] ?? '';
    const other = createHmac('sha256', SECRET).update(body).digest('base64url');
    assert.equal(verifyViewer(`${body}.${other}`, SECRET, NOW_MS), null);
  });
});

describe('the header between processes', () => {
  const request = (value?: string) => {
    const message = new IncomingMessage(new Socket());
    if (value !== undefined) message.headers[INTERNAL_HEADER] = value;
    return message;
  };

  it('is accepted for a minute or two, and with a clock that is a minute off', () => {
    const header = signInternal(SECRET, NOW_MS);
    for (const offMs of [-60_000, 0, 60_000]) requireInternal(request(header), SECRET, NOW_MS + offMs);
    for (const offMs of [-120_000, 120_000]) {
      assert.throws(() => requireInternal(request(header), SECRET, NOW_MS + offMs), { code: 'FORBIDDEN' });
    }
  });

  it('is refused where it is missing, damaged, garbage or of another secret', () => {
    const header = signInternal(SECRET, NOW_MS);
    const wrong = [undefined, '', 'x', signInternal(`${SECRET}.`, NOW_MS)];
    for (let round = 0; round < 200; round += 1) wrong.push(garbage(), damaged(header));
    for (const value of wrong.filter((value) => value !== header)) {
      assert.throws(() => requireInternal(request(value), SECRET, NOW_MS), { code: 'FORBIDDEN' });
    }
  });
});

describe(`a sealed secret (TEST_SEED=${seed})`, () => {
  it('opens to the same text, and never seals to the same twice', () => {
    for (const text of ['', 'key', 'ünï'.repeat(1_000)]) {
      const sealed = seal(text, SECRET, 'keys');
      assert.equal(unseal(sealed, SECRET, 'keys'), text);
      assert.notEqual(seal(text, SECRET, 'keys'), sealed);
    }
  });

  it('does not open with another secret or for another purpose', () => {
    const sealed = seal('text', SECRET, 'keys');
    assert.throws(() => unseal(sealed, `${SECRET}.`, 'keys'));
    assert.throws(() => unseal(sealed, SECRET, 'other'));
  });

  it('does not open once a bit was changed', () => {
    const bytes = Buffer.from(seal('a longer text', SECRET, 'keys'), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      assert.throws(() => unseal(changed.toString('base64url'), SECRET, 'keys'), `bit ${bit}`);
    }
  });

  it('does not open once it was cut, least of all to a tag that is short enough to guess', () => {
    const bytes = Buffer.from(seal('', SECRET, 'keys'), 'base64url');
    for (let length = 0; length < bytes.length; length += 1) {
      const cut = bytes.subarray(0, length).toString('base64url');
      assert.throws(() => unseal(cut, SECRET, 'keys'), `${length} bytes`);
    }
  });
});
