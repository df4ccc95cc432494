import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '#platform/errors.ts';
import {
  requireLeavable,
  requireLowerRole,
  requireRoleChange,
  ROOM_ROLES,
  type Membership,
  type RoomRole,
} from '../../subgraphs/chat/domain/membership.ts';
import { permissionsOf, requirePermission } from '../../subgraphs/chat/domain/permissions.ts';
import {
  acceptNewRoom,
  changeRoom,
  requireSpace,
  type Room,
  type RoomKind,
} from '../../subgraphs/chat/domain/room.ts';

const NOW = new Date('2026-01-31T12:00:00.000Z');

const membershipOf = (role: RoomRole, roomKind: RoomKind = 'CHANNEL'): Membership => ({
  roomId: 'rom_1',
  userId: 'usr_1',
  role,
  joinedAt: NOW,
  lastReadSeq: 0,
  lastSentAt: null,
  roomKind,
  roomLastSeq: 0,
});

const roomOf = (kind: RoomKind, role: RoomRole | null, changes: Partial<Room> = {}): Room => ({
  id: 'rom_1',
  kind,
  name: kind === 'CHANNEL' ? 'tape' : null,
  topic: 'loops',
  visibility: kind === 'CHANNEL' ? 'PUBLIC' : 'PRIVATE',
  creatorId: 'usr_1',
  memberCount: 2,
  lastSeq: 0,
  slowModeSeconds: 0,
  createdAt: NOW,
  position: { epoch: 1, seq: 1 },
  viewer: { membership: role && membershipOf(role, kind), banned: false, blocked: false },
  ...changes,
});

/** The rules that `run` breaks, by field. */
function broken(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof Refusal)
      return error.errors.map(({ field, rule }) => `${field?.join('.')} ${String(rule)}`);
    throw error;
  }
  return [];
}

const refused = (run: () => unknown): string | null => {
  try {
    run();
    return null;
  } catch (error) {
    return error instanceof Refusal ? error.errors[0].__typename : 'not a refusal';
  }
};

test('each role may do all that the roles below it may', () => {
  const held = ROOM_ROLES.map((role) => new Set(permissionsOf(roomOf('CHANNEL', role), [])));
  for (const [index, permissions] of held.entries()) {
    const below = held[index + 1] ?? new Set();
    assert.deepEqual(
      [...below].filter((permission) => !permissions.has(permission)),
      [],
    );
  }
  assert.deepEqual(permissionsOf(roomOf('CHANNEL', 'MEMBER'), []), [
    'VIEW',
    'SEND',
    'REACT',
    'EDIT_OWN',
    'DELETE_OWN',
  ]);
});

test('strangers read public and unlisted rooms, and have no permission in private ones', () => {
  assert.deepEqual(permissionsOf(roomOf('CHANNEL', null), []), ['VIEW']);
  assert.deepEqual(permissionsOf(roomOf('CHANNEL', null, { visibility: 'UNLISTED' }), []), ['VIEW']);
  assert.deepEqual(permissionsOf(roomOf('CHANNEL', null, { visibility: 'PRIVATE' }), []), []);
});

test('moderators of the platform delete messages where they can read, and cannot read private rooms', () => {
  assert.deepEqual(permissionsOf(roomOf('CHANNEL', null), ['MODERATOR']), ['VIEW', 'DELETE_ANY']);
  assert.deepEqual(permissionsOf(roomOf('GROUP', null), ['ADMIN']), []);
});

test('everyone in a group may add people, in a channel from moderator on', () => {
  assert.ok(permissionsOf(roomOf('GROUP', 'MEMBER'), []).includes('ADD_MEMBER'));
  assert.ok(!permissionsOf(roomOf('CHANNEL', 'MEMBER'), []).includes('ADD_MEMBER'));
});

test('in a direct room a block leaves nothing but reading and taking back', () => {
  const room = roomOf('DIRECT', 'MEMBER');
  const blocked = { ...room, viewer: { ...room.viewer, blocked: true } };
  assert.deepEqual(permissionsOf(blocked, []), ['VIEW', 'DELETE_OWN']);
  assert.throws(() => requirePermission(blocked, [], 'SEND'), /blocked/);
});

test('people act on lower roles only', () => {
  assert.equal(
    refused(() => requireLowerRole('MODERATOR', 'MEMBER')),
    null,
  );
  for (const role of ['MODERATOR', 'ADMIN', 'OWNER'] as const)
    assert.equal(
      refused(() => requireLowerRole('MODERATOR', role)),
      'ForbiddenError',
    );
  assert.equal(
    refused(() => requireLowerRole('OWNER', 'OWNER')),
    'ForbiddenError',
  );
});

test('admins give and take roles below ADMIN, owners any, and the last owner stays one', () => {
  const change = (actor: RoomRole, from: RoomRole, to: RoomRole, owners = 2) =>
    refused(() => requireRoleChange(actor, membershipOf(from), to, owners));
  assert.equal(change('ADMIN', 'MEMBER', 'MODERATOR'), null);
  assert.equal(change('ADMIN', 'MEMBER', 'ADMIN'), 'ForbiddenError');
  assert.equal(change('ADMIN', 'ADMIN', 'MEMBER'), 'ForbiddenError');
  assert.equal(change('OWNER', 'MEMBER', 'OWNER'), null);
  assert.equal(change('OWNER', 'OWNER', 'ADMIN'), null);
  assert.equal(change('OWNER', 'OWNER', 'ADMIN', 1), 'ConflictError');
  assert.equal(change('OWNER', 'OWNER', 'OWNER', 1), null);
});

test('the last owner leaves only an empty room, and nobody leaves a direct room', () => {
  const leave = (role: RoomRole, kind: RoomKind, owners: number, members: number) =>
    refused(() => requireLeavable(membershipOf(role, kind), owners, members));
  assert.equal(leave('OWNER', 'CHANNEL', 1, 2), 'ConflictError');
  assert.equal(leave('OWNER', 'CHANNEL', 2, 2), null);
  assert.equal(leave('OWNER', 'GROUP', 1, 1), null);
  assert.equal(leave('MEMBER', 'CHANNEL', 1, 2), null);
  assert.equal(leave('MEMBER', 'DIRECT', 0, 2), 'ForbiddenError');
});

test('a new room is refused with every broken rule at once', () => {
  const tooMany = Array.from({ length: 100 }, (_, index) => `usr_${index}`);
  const input = {
    kind: 'GROUP',
    name: 'n'.repeat(81),
    topic: 't'.repeat(301),
    visibility: 'PUBLIC',
    memberIds: tooMany,
  } as const;
  assert.deepEqual(
    broken(() => acceptNewRoom(input, 'usr_me')),
    [
      'input.name TOO_LONG',
      'input.topic TOO_LONG',
      'input.visibility NOT_ALLOWED',
      'input.memberIds TOO_MANY',
    ],
  );
  assert.deepEqual(
    broken(() => acceptNewRoom({ kind: 'CHANNEL' }, 'usr_me')),
    ['input.name REQUIRED'],
  );
  assert.deepEqual(
    broken(() => acceptNewRoom({ kind: 'CHANNEL', name: '  ' }, 'usr_me')),
    ['input.name REQUIRED'],
  );
});

test('a direct room is with exactly one other person and has no name', () => {
  const direct = (memberIds: string[] | null, name?: string) =>
    broken(() => acceptNewRoom({ kind: 'DIRECT', memberIds, name }, 'usr_me'));
  assert.deepEqual(direct(['usr_a']), []);
  assert.deepEqual(direct(['usr_a', 'usr_a']), []);
  assert.deepEqual(direct(['usr_me']), ['input.memberIds SELF']);
  assert.deepEqual(direct(null), ['input.memberIds ONE_MEMBER']);
  assert.deepEqual(direct(['usr_a', 'usr_b'], 'us'), [
    'input.memberIds ONE_MEMBER',
    'input.name NOT_ALLOWED',
  ]);
});

test('changes leave alone what they leave out, and null clears', () => {
  const room = roomOf('CHANNEL', 'OWNER', { slowModeSeconds: 30 });
  assert.deepEqual(changeRoom(room, {}), {
    name: 'tape',
    topic: 'loops',
    visibility: 'PUBLIC',
    slowModeSeconds: 30,
  });
  const cleared = changeRoom(room, { topic: null, slowModeSeconds: null, name: ' reels ' });
  assert.deepEqual(cleared, { name: 'reels', topic: null, visibility: 'PUBLIC', slowModeSeconds: 0 });
  const wrong = { name: null, visibility: null, slowModeSeconds: 21_601 };
  assert.deepEqual(
    broken(() => changeRoom(room, wrong)),
    ['input.name REQUIRED', 'input.visibility REQUIRED', 'input.slowModeSeconds OUT_OF_RANGE'],
  );
});

test('a group is full at a hundred people, a channel never', () => {
  assert.deepEqual(
    broken(() => requireSpace(roomOf('GROUP', 'MEMBER', { memberCount: 100 }))),
    ['userId TOO_MANY'],
  );
  assert.deepEqual(
    broken(() => requireSpace(roomOf('GROUP', 'MEMBER', { memberCount: 99 }))),
    [],
  );
  assert.deepEqual(
    broken(() => requireSpace(roomOf('CHANNEL', 'MEMBER', { memberCount: 100 }))),
    [],
  );
});
