import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { buildASTSchema, isEnumType, parse } from 'graphql';
import { Refusal } from '#platform/errors.ts';
import type { LiveRole } from '#schema/live-role.ts';
import { DISCONNECT_REASONS } from '#schema/media-bus.ts';
import { acceptLiveRoom, end, start, type LiveRoom } from '../../subgraphs/stream/domain/live-room.ts';
import {
  endsConnection,
  handBusyAfter,
  judgeConnected,
  judgeDisconnected,
  requireMayMute,
  requireMaySetRole,
  type LiveParticipant,
} from '../../subgraphs/stream/domain/participant.ts';
import { acceptTrack, changeDetails } from '../../subgraphs/stream/domain/track.ts';

const NOW = new Date('2026-03-01T12:00:00Z');

/** What was refused, as `Type rule`; null where it was not. */
function refusal(run: () => unknown): string | null {
  try {
    run();
    return null;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error.errors
      .map(({ __typename, rule }) => [__typename, rule].filter(Boolean).join(' '))
      .join(', ');
  }
}

describe('details of a track', () => {
  const key = { clientMutationKey: 'key-12345' };

  it('get defaults and normal forms', () => {
    const details = acceptTrack({ ...key, title: '  Tape  ', tags: ['Dub', 'dub ', 'slow-mix'] });
    assert.deepEqual(details, {
      title: 'Tape',
      description: null,
      genre: null,
      tags: ['dub', 'slow-mix'],
      bpm: null,
      musicalKey: null,
      license: 'ALL_RIGHTS_RESERVED',
      visibility: 'PUBLIC',
    });
  });

  it('stay where they are left out, and are cleared by null', () => {
    const before = acceptTrack({
      ...key,
      title: 'A',
      description: 'text',
      bpm: 120,
      genre: 'dub',
      tags: ['x'],
    });
    assert.deepEqual(changeDetails(before, {}), before);
    const cleared = changeDetails(before, { description: null, bpm: null, genre: null, tags: null });
    assert.deepEqual([cleared.description, cleared.bpm, cleared.genre, cleared.tags], [null, null, null, []]);
  });

  it('are refused with every broken rule at once', () => {
    const broken = {
      ...{ title: ' ', genre: 'polka', tags: ['two words'], bpm: 7, musicalKey: 'H' },
      clientMutationKey: 'short',
    };
    assert.equal(
      refusal(() => acceptTrack(broken)),
      'ValidationError INVALID_KEY, ValidationError REQUIRED, ValidationError UNKNOWN_GENRE, ValidationError INVALID_TAG, ValidationError OUT_OF_RANGE, ValidationError INVALID_KEY',
    );
    const details = acceptTrack({ ...key, title: 'A' });
    const clears = { title: null, license: null, visibility: null };
    assert.equal(
      refusal(() => changeDetails(details, clears)),
      'ValidationError REQUIRED, ValidationError REQUIRED, ValidationError REQUIRED',
    );
  });
});

describe('the life of a live room', () => {
  const plan = acceptLiveRoom({ title: 'Studio' }, NOW);
  const scheduled: LiveRoom = {
    id: 'r',
    hostId: 'host',
    ...plan,
    state: 'SCHEDULED',
    startedAt: null,
    endedAt: null,
  };

  it('goes from SCHEDULED to LIVE to ENDED, and from SCHEDULED to ENDED', () => {
    const live = start(scheduled, 'host', NOW);
    assert.deepEqual([live.state, live.startedAt], ['LIVE', NOW]);
    assert.deepEqual([end(live, 'host', NOW).state, end(scheduled, 'host', NOW).state], ['ENDED', 'ENDED']);
  });

  it('never goes back, and is its host’s to decide', () => {
    const live = start(scheduled, 'host', NOW);
    const ended = end(live, 'host', NOW);
    assert.equal(
      refusal(() => start(live, 'host', NOW)),
      'ConflictError',
    );
    assert.equal(
      refusal(() => start(ended, 'host', NOW)),
      'ConflictError',
    );
    assert.equal(
      refusal(() => end(ended, 'host', NOW)),
      'ConflictError',
    );
    assert.equal(
      refusal(() => start(scheduled, 'guest', NOW)),
      'ForbiddenError',
    );
    assert.equal(
      refusal(() => end(live, 'guest', NOW)),
      'ForbiddenError',
    );
  });

  it('is planned for the time to come, a year ahead at most', () => {
    const at = (offsetMs: number) => () =>
      acceptLiveRoom({ title: 'A', scheduledFor: new Date(NOW.getTime() + offsetMs) }, NOW);
    assert.equal(refusal(at(-60_000)), null);
    assert.equal(refusal(at(-600_000)), 'ValidationError IN_THE_PAST');
    assert.equal(refusal(at(400 * 86_400_000)), 'ValidationError TOO_FAR_AHEAD');
    assert.equal(
      refusal(() => acceptLiveRoom({ title: '', capacity: 1 }, NOW)),
      'ValidationError REQUIRED, ValidationError OUT_OF_RANGE',
    );
  });
});

const person = (role: LiveRole, changes: Partial<LiveParticipant> = {}): LiveParticipant => ({
  id: role,
  liveRoomId: 'r',
  userId: role,
  role,
  status: 'CONNECTED',
  joinedAt: NOW,
  grantedAt: NOW,
  connectedAt: NOW,
  serverId: 'media-1',
  lostAt: null,
  lostReason: null,
  leftAt: null,
  leaveReason: null,
  muted: false,
  handRaisedAt: null,
  handBusyUntil: null,
  invitedAt: null,
  banned: false,
  listed: true,
  ...changes,
});

describe('a hand in a live room', () => {
  it('goes up five times in a row, and then once in five seconds', () => {
    let guest = person('LISTENER');
    let at = NOW.getTime();
    const wave = () => void (guest = { ...guest, handBusyUntil: handBusyAfter(guest, new Date(at)) });
    for (let times = 0; times < 5; times++) wave();
    assert.equal(refusal(wave), 'RateLimitedError');
    at += 4_999;
    assert.equal(refusal(wave), 'RateLimitedError');
    at += 1;
    wave();
    assert.equal(refusal(wave), 'RateLimitedError');
    at += 60_000;
    for (let times = 0; times < 5; times++) wave();
    assert.equal(refusal(wave), 'RateLimitedError');
  });
});

describe('who decides about whom in a live room', () => {
  const may = (actor: LiveRole, target: LiveRole) =>
    refusal(() => requireMayMute(person(actor), person(target, { id: 'other' }))) === null;

  it('is the host over all others, a moderator over speakers and listeners, nobody else', () => {
    const targets: LiveRole[] = ['HOST', 'MODERATOR', 'SPEAKER', 'LISTENER'];
    const allowed = (actor: LiveRole) => targets.filter((target) => may(actor, target));
    assert.deepEqual(allowed('HOST'), ['MODERATOR', 'SPEAKER', 'LISTENER']);
    assert.deepEqual(allowed('MODERATOR'), ['SPEAKER', 'LISTENER']);
    assert.deepEqual(allowed('SPEAKER'), []);
    assert.deepEqual(allowed('LISTENER'), []);
  });

  it('gives roles below one’s own, never HOST, and lets anyone but the host step down', () => {
    const set = (actor: LiveParticipant, target: LiveParticipant, role: LiveRole) =>
      refusal(() => requireMaySetRole(actor, target, role));
    const other = person('LISTENER', { id: 'other' });
    assert.equal(set(person('HOST'), other, 'MODERATOR'), null);
    assert.equal(set(person('HOST'), other, 'HOST'), 'ValidationError ONE_HOST');
    assert.equal(set(person('MODERATOR'), other, 'SPEAKER'), null);
    assert.equal(set(person('MODERATOR'), other, 'MODERATOR'), 'ForbiddenError');
    assert.equal(set(person('LISTENER'), person('LISTENER'), 'SPEAKER'), 'ForbiddenError');
    assert.equal(set(person('SPEAKER'), person('SPEAKER'), 'LISTENER'), null);
    assert.equal(set(person('HOST'), person('HOST'), 'LISTENER'), 'ForbiddenError');
  });
});

describe('a report of a media server', () => {
  it('brings in who left by themselves, and not who was removed', () => {
    const left = (leaveReason: LiveParticipant['leaveReason'], banned = false) =>
      judgeConnected(person('LISTENER', { status: 'LEFT', leaveReason, banned }));
    assert.equal(left('CONNECTION_LOST'), 'joined');
    assert.equal(left('CLIENT'), 'joined');
    assert.equal(left('REMOVED'), 'remove');
    assert.equal(left('BANNED', true), 'remove');
    assert.equal(judgeConnected(person('LISTENER')), 'known');
  });

  it('of a ban that somebody is not under tells that they were removed', () => {
    assert.equal(judgeDisconnected(person('LISTENER', { banned: true }), 'BANNED'), 'BANNED');
    assert.equal(judgeDisconnected(person('LISTENER'), 'BANNED'), 'REMOVED');
    assert.equal(judgeDisconnected(person('LISTENER'), 'CLIENT'), 'CLIENT');
  });

  it('ends only the connection that is on record', () => {
    assert.equal(endsConnection(person('LISTENER'), 'media-1'), true);
    assert.equal(endsConnection(person('LISTENER'), 'media-0'), false);
    assert.equal(endsConnection(person('LISTENER', { status: 'JOINING' }), 'media-1'), false);
  });
});

describe('reasons for leaving a live room', () => {
  it('are those that media servers give, each with its word in the schema', () => {
    const text = readFileSync(new URL('../../subgraphs/stream/schema.graphql', import.meta.url), 'utf8');
    const type = buildASTSchema(parse(text), { assumeValidSDL: true }).getType('LeaveReason');
    assert.ok(isEnumType(type));
    const words = type.getValues().map(({ name }) => name);
    assert.deepEqual(words, [...DISCONNECT_REASONS]);
  });
});
