import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '#platform/errors.ts';
import type { Membership } from '../../subgraphs/chat/domain/membership.ts';
import {
  acceptEmoji,
  acceptMessage,
  editMessage,
  requireEmojiSpace,
  requireSlowModePassed,
  type Message,
} from '../../subgraphs/chat/domain/message.ts';
import { looksDifferent, presenceAt, type SignOfLife } from '../../subgraphs/chat/domain/presence.ts';

const NOW = new Date('2026-01-31T12:00:00.000Z');
const later = (ms: number) => new Date(NOW.getTime() + ms);

const MESSAGE: Message = {
  id: 'msg_1',
  roomId: 'rom_1',
  authorId: 'usr_1',
  content: 'tape',
  seq: 1,
  clientNonce: 'n',
  revision: 3,
  replyToId: null,
  trackId: null,
  createdAt: NOW,
  editedAt: null,
  deletedAt: null,
};

function refusal(run: () => unknown): Refusal['errors'][0] {
  try {
    run();
  } catch (error) {
    if (error instanceof Refusal) return error.errors[0];
    throw error;
  }
  throw new Error('nothing was refused');
}

test('a message has 1 to 4000 characters, counted as people do, and is trimmed', () => {
  assert.equal(acceptMessage({ content: ' hi\n', clientNonce: 'n' }).content, 'hi');
  assert.equal(acceptMessage({ content: '🎛'.repeat(4_000), clientNonce: 'n' }).content.length, 8_000);
  const send = (content: string) => refusal(() => acceptMessage({ content, clientNonce: 'n' }))['rule'];
  assert.equal(send(' \n '), 'REQUIRED');
  assert.equal(send('x'.repeat(4_001)), 'TOO_LONG');
  assert.equal(send('nul\u0000'), 'INVALID_CHARACTERS');
  assert.equal(send('half \ud83c'), 'INVALID_CHARACTERS');
});

test('an edit counts the revision up, and one that changes nothing is the same message', () => {
  const edited = editMessage(MESSAGE, ' reel ', 3, NOW);
  assert.deepEqual(edited, { ...MESSAGE, content: 'reel', revision: 4, editedAt: NOW });
  assert.equal(editMessage(MESSAGE, 'tape', null, NOW), MESSAGE);
});

test('an edit of another revision, or of a deleted message, is a conflict that names the revision', () => {
  const stale = refusal(() => editMessage(MESSAGE, 'reel', 2, NOW));
  assert.equal(stale.__typename, 'ConflictError');
  assert.equal(stale['currentVersion'], 3);
  const gone = { ...MESSAGE, content: null, deletedAt: NOW };
  assert.equal(refusal(() => editMessage(gone, 'reel', 3, NOW)).__typename, 'ConflictError');
});

test('slow mode says how long to wait, and is over to the millisecond', () => {
  const member = { lastSentAt: NOW } as Membership;
  const early = refusal(() => requireSlowModePassed(30, member, later(10_000)));
  assert.equal(early.__typename, 'SlowModeError');
  assert.equal(early['retryAfterMs'], 20_000);
  assert.equal(refusal(() => requireSlowModePassed(30, member, later(29_999)))['retryAfterMs'], 1);
  requireSlowModePassed(30, member, later(30_000));
  requireSlowModePassed(0, member, NOW);
  requireSlowModePassed(30, { ...member, lastSentAt: null }, NOW);
});

test('a reaction is exactly one emoji, with or without its variation selector', () => {
  for (const emoji of ['🔥', '👩‍🎤', '👍🏽', '🇫🇷', '1️⃣']) assert.equal(acceptEmoji(emoji), emoji);
  assert.equal(acceptEmoji('\u2764'), '\u2764\ufe0f');
  for (const text of ['', 'a', '1', '🔥🔥', ' 🔥', '🔥a', '\ufe0f', '🔥'.repeat(5_000)])
    assert.equal(refusal(() => acceptEmoji(text))['rule'], 'NOT_AN_EMOJI');
});

test('a message takes 20 different emoji, and more of those it has', () => {
  const present = Array.from({ length: 20 }, (_, index) => String.fromCodePoint(0x1f600 + index));
  requireEmojiSpace(present, present[0] ?? '');
  requireEmojiSpace(present.slice(1), '🔥');
  assert.equal(refusal(() => requireEmojiSpace(present, '🔥'))['rule'], 'TOO_MANY');
});

test('a sign of life ends to the millisecond, and OFFLINE shows no activity', () => {
  const sign: SignOfLife = {
    userId: 'usr_1',
    status: 'DND',
    activity: 'mixing',
    lastActiveAt: NOW,
    expiresAt: later(60_000),
  };
  assert.deepEqual(presenceAt(sign, later(59_999)), { status: 'DND', activity: 'mixing', lastActiveAt: NOW });
  const away = { status: 'OFFLINE', activity: null, lastActiveAt: NOW } as const;
  assert.deepEqual(presenceAt(sign, later(60_000)), away);
  assert.deepEqual(presenceAt({ ...sign, status: 'OFFLINE' }, NOW), away);
});

test('a later sign of life alone is no change of presence', () => {
  const presence = { status: 'ONLINE', activity: null, lastActiveAt: NOW } as const;
  assert.equal(looksDifferent(presence, { ...presence, lastActiveAt: later(1) }), false);
  assert.equal(looksDifferent(presence, { ...presence, status: 'IDLE' }), true);
  assert.equal(looksDifferent(presence, { ...presence, activity: 'mixing' }), true);
});
