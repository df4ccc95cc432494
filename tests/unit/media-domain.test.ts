import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MEDIA_GRANT_TTL_MS, type MediaGrant } from '#platform/media-grant.ts';
import { LIVE_ROLES, maySpeak } from '#schema/live-role.ts';
import type { MediaControl } from '#schema/media-bus.ts';
import { levelOfDbov } from '../../media-server/domain/levels.ts';
import { opusSettingsFor } from '../../media-server/domain/opus.ts';
import { admit, noOrders, rememberOrder, type RecentOrders } from '../../media-server/domain/orders.ts';
import { fullBucket, takeToken } from '../../media-server/domain/token-bucket.ts';

const ISSUED_AT_MS = 1_000_000;

const grant: MediaGrant = {
  liveRoomId: 'liv_1',
  participantId: 'lpt_1',
  userId: 'usr_1',
  grantId: 'grant_1',
  role: 'SPEAKER',
  expiresAtMs: ISSUED_AT_MS + MEDIA_GRANT_TTL_MS,
  muted: false,
  musicMode: false,
  capacity: null,
  maxSpeakers: null,
  anew: false,
};

const ordersOf = (...orders: readonly [MediaControl, atMs: number][]): RecentOrders =>
  orders.reduce((known, [order, atMs]) => rememberOrder(known, order, atMs, MEDIA_GRANT_TTL_MS), noOrders);

const admitted = (orders: RecentOrders) => admit(orders, grant, MEDIA_GRANT_TTL_MS);
const about = { liveRoomId: 'liv_1', participantId: 'lpt_1' };

describe('Who is let into a live room', () => {
  test('a grant that nothing came after counts as it is', () => {
    assert.deepEqual(admitted(noOrders), { grant, refused: null });
  });

  test('orders that came after its issue change it, the last one counts', () => {
    const orders = ordersOf(
      [{ kind: 'setRole', ...about, role: 'LISTENER' }, ISSUED_AT_MS + 1],
      [{ kind: 'setRole', ...about, role: 'MODERATOR' }, ISSUED_AT_MS + 2],
      [{ kind: 'mute', ...about, muted: true }, ISSUED_AT_MS + 3],
    );
    assert.deepEqual(admitted(orders), {
      grant: { ...grant, role: 'MODERATOR', muted: true },
      refused: null,
    });
  });

  test('a grant that was issued after the order is not touched by it', () => {
    const orders = ordersOf([{ kind: 'remove', ...about, reason: 'BANNED' }, ISSUED_AT_MS - 1]);
    assert.equal(admitted(orders).refused, null);
  });

  test('who was removed stays out, who left may come back, and others are not concerned', () => {
    const remove = (reason: 'REMOVED' | 'BANNED' | 'CLIENT', whom = about) =>
      admitted(ordersOf([{ kind: 'remove', ...whom, reason }, ISSUED_AT_MS + 1])).refused;
    assert.equal(remove('REMOVED'), 'REMOVED');
    assert.equal(remove('BANNED'), 'REMOVED');
    assert.equal(remove('CLIENT'), null);
    assert.equal(remove('BANNED', { ...about, participantId: 'lpt_2' }), null);
    assert.equal(remove('BANNED', { ...about, liveRoomId: 'liv_2' }), null);
  });

  test('the end of the room ends the worth of its grants', () => {
    const orders = ordersOf([{ kind: 'endRoom', liveRoomId: 'liv_1' }, ISSUED_AT_MS + 1]);
    assert.equal(admitted(orders).refused, 'ROOM_ENDED');
  });

  test('orders that no living grant can precede are forgotten', () => {
    const order: MediaControl = { kind: 'endRoom', liveRoomId: 'liv_1' };
    const orders = ordersOf([order, 0], [order, MEDIA_GRANT_TTL_MS]);
    assert.deepEqual(
      orders.entries.map(({ atMs }) => atMs),
      [MEDIA_GRANT_TTL_MS],
    );
  });
});

describe('Rules of live audio', () => {
  test('everybody but listeners may speak', () => {
    assert.deepEqual(LIVE_ROLES.filter(maySpeak), ['HOST', 'MODERATOR', 'SPEAKER']);
  });

  test('music is stereo and without gaps in silence, speech saves bandwidth', () => {
    assert.deepEqual([opusSettingsFor(true).stereo, opusSettingsFor(true).dtx], [true, false]);
    assert.deepEqual([opusSettingsFor(false).stereo, opusSettingsFor(false).dtx], [false, true]);
    assert.ok(opusSettingsFor(true).maxAverageBitrateBps > opusSettingsFor(false).maxAverageBitrateBps);
  });

  test('levels grow from 0 to 1 with loudness and never leave that range', () => {
    const levels = [-127, -70, -35, 0, 5].map(levelOfDbov);
    assert.deepEqual(levels, [0, 0, 0.5, 1, 1]);
  });
});

describe('The limit on requests', () => {
  test('allows a burst, then tells how long to wait, and grants one more after exactly that time', () => {
    let bucket = fullBucket(3, 10, 0);
    const take = (nowMs: number) => {
      const taken = takeToken(bucket, nowMs);
      bucket = taken.bucket;
      return taken.waitMs;
    };
    assert.deepEqual([take(0), take(0), take(0)], [0, 0, 0]);
    assert.equal(take(0), 100);
    assert.ok(take(99) > 0);
    assert.equal(take(100), 0);
    assert.equal(take(100), 100);
  });

  test('does not save up more than one burst, and a clock that is set back earns nothing', () => {
    const idle = takeToken(fullBucket(2, 10, 0), 1_000_000);
    assert.equal(idle.bucket.tokens, 1);
    assert.equal(takeToken(idle.bucket, 0).bucket.tokens, 0);
  });
});
