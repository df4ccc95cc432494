import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '#platform/ids.ts';
import type { Subgraph } from '#platform/subgraph-process.ts';
import { userSubgraph } from '../../subgraphs/user/subgraph.ts';
import type { Caller, TestSubgraph } from '../support/subgraphs.ts';
import { startTestSubgraph } from '../support/subgraphs.ts';
import { registerUser } from '../support/users.ts';
import { startAnalytics } from './analytics-kit.ts';
import { newUser, openChannel, startChat } from './chat-kit.ts';
import { startShop } from './commerce-shop.ts';
import { openLiveRoom, publish, startStream } from './stream-kit.ts';

const encode = (keys: unknown[]) => Buffer.from(JSON.stringify(keys)).toString('base64url');

const AT = '2026-01-31T12:00:00.000Z';
const ids = {
  User: newId('User'),
  Session: newId('Session'),
  Track: newId('Track'),
  TrackComment: newId('TrackComment'),
  LiveRoom: newId('LiveRoom'),
  LiveParticipant: newId('LiveParticipant'),
  Room: newId('Room'),
  Product: newId('Product'),
  Order: newId('Order'),
  Licence: newId('Licence'),
};
/** Keys as the cursors of some list hold them, well formed. */
const WELL_FORMED: readonly unknown[][] = [
  [5],
  ...Object.values(ids).flatMap((id) => [[id], [AT, id], [5, id], ['500', id]]),
];
/** Keys that no list gives. */
const MADE_UP = [
  [AT, ids.User, ids.User],
  ['yesterday', ids.User],
  ['2026-02-30T00:00:00Z', ids.User],
  [AT, 7],
  [AT, 'usr_1'],
  [AT, 'a\0'],
  [3e9],
  [0.5],
];

interface List {
  /** A query of the list with `$after`, and `$id` for whatever has it. */
  readonly query: string;
  /** Keys that its own cursors may hold. */
  readonly own: readonly unknown[][];
}

interface Scene {
  readonly subgraph: TestSubgraph<Subgraph>;
  readonly caller: Caller;
  readonly id?: string;
}

const entity = (type: string, list: string) =>
  `query ($after: String, $id: ID!) { _entities(representations: [{ __typename: "${type}", id: $id }]) { ... on ${type} { ${list} } } }`;
const PAGE = '{ pageInfo { hasNextPage } }';
const root = (list: string) => `query ($after: String) { ${list} }`;
const entityList = (type: string, list: string, ...own: unknown[][]): List => ({
  query: entity(type, `${list} ${PAGE}`),
  own,
});
const rootList = (list: string, ...own: unknown[][]): List => ({ query: root(`${list} ${PAGE}`), own });

function refuseForeign(lists: Readonly<Record<string, List>>, start: (name: string) => Promise<Scene>) {
  for (const [name, { query, own }] of Object.entries(lists)) {
    it(`is refused by ${name} as bad input, and never reaches the database`, async () => {
      const { subgraph, caller, id } = await start(name);
      const ask = (cursor: string) => subgraph.run(caller, query, { after: cursor, id });
      const fitting = new Set(own.map(encode));
      const cursors = [...WELL_FORMED, ...MADE_UP].map(encode);
      for (const cursor of ['garbage', ...cursors]) {
        const { errors } = await ask(cursor);
        if (fitting.has(cursor)) {
          assert.equal(errors, undefined, cursor);
          continue;
        }
        assert.equal(errors?.[0]?.extensions?.['code'], 'BAD_USER_INPUT', cursor);
        assert.match(errors?.[0]?.message ?? '', /^(after|before) is not a cursor of this list\.$/);
      }
      assert.ok([...fitting].every((cursor) => cursors.includes(cursor)));
    });
  }
}

describe('a cursor that the list did not give', () => {
  const open: TestSubgraph<Subgraph>[] = [];
  const scenes = new Map<string, Scene>();
  const keep = (name: string, scene: Scene) => {
    open.push(scene.subgraph);
    scenes.set(name, scene);
  };
  before(async () => {
    const user = await startTestSubgraph(userSubgraph());
    const person = await registerUser(user, 'pager');
    keep('user', { subgraph: user, caller: person.viewer, id: person.id });
    keep('analytics', { subgraph: await startAnalytics(), caller: null });
    const caller = newUser();
    const chat = await startChat();
    keep('chat', { subgraph: chat, caller, id: await openChannel(chat, [caller]) });
    const stream = await startStream();
    keep('stream', { subgraph: stream, caller, id: (await publish(stream, caller)).id });
    scenes.set('live', { subgraph: stream, caller, id: await openLiveRoom(stream, caller) });
    keep('commerce', { subgraph: await startShop(), caller, id: caller });
  });
  after(() => Promise.all(open.map((subgraph) => subgraph.close())));

  const scene = (name: string, change: Partial<Scene> = {}) =>
    Promise.resolve({ ...scenes.get(name)!, ...change });

  refuseForeign(
    {
      'Viewer.sessions': entityList('Viewer', 'sessions(after: $after)', [AT, ids.Session]),
      'Viewer.blockedUsers': entityList('Viewer', 'blockedUsers(after: $after)', [AT, ids.User]),
      'User.followers': entityList('User', 'followers(after: $after)', [AT, ids.User]),
      'User.following backwards': entityList('User', 'following(before: $after)', [AT, ids.User]),
    },
    () => scene('user'),
  );
  refuseForeign(
    {
      'Query.publicRooms': rootList('publicRooms(after: $after)', [ids.Room]),
      'Room.messages': entityList('Room', 'messages(after: $after)', [5]),
      'Room.messages backwards': entityList('Room', 'messages(before: $after)', [5]),
      'Room.members': entityList('Room', 'members(after: $after)', [AT, ids.User]),
      'Room.bannedUsers': entityList('Room', 'bannedUsers(after: $after)', [AT, ids.User]),
      'Viewer.rooms': entityList('Viewer', 'rooms(after: $after)', [AT, ids.Room]),
      'Viewer.notifications': entityList('Viewer', 'notifications(after: $after)', [5]),
    },
    async (name) => {
      const room = await scene('chat');
      return name.startsWith('Viewer') ? { ...room, id: String(room.caller) } : room;
    },
  );
  refuseForeign(
    {
      'User.tracks': entityList('User', 'tracks(after: $after)', [ids.Track]),
      'User.likedTracks': entityList('User', 'likedTracks(after: $after)', [AT, ids.Track]),
      'Track.comments': entityList('Track', 'comments(after: $after)', [5, ids.TrackComment]),
      'Track.comments, newest first': entityList('Track', 'comments(order: NEWEST, after: $after)', [
        ids.TrackComment,
      ]),
    },
    async (name) => {
      const track = await scene('stream');
      return name.startsWith('User') ? { ...track, id: String(track.caller) } : track;
    },
  );
  refuseForeign(
    {
      'Query.liveRooms': rootList('liveRooms(after: $after)', [ids.LiveRoom]),
      'LiveRoom.participants': entityList('LiveRoom', 'participants(after: $after)', [ids.LiveParticipant]),
    },
    () => scene('live'),
  );
  refuseForeign(
    {
      'Query.products': rootList('products(after: $after)', [AT, ids.Product]),
      'Query.products by price': rootList('products(sort: PRICE_ASC, after: $after)', ['500', ids.Product]),
      'User.products': entityList('User', 'products(after: $after)', [ids.Product]),
      'Viewer.orders': entityList('Viewer', 'orders(after: $after)', [ids.Order]),
      'Viewer.sales backwards': entityList('Viewer', 'sales(before: $after)', [ids.Order]),
      'Viewer.licences': entityList('Viewer', 'licences(after: $after)', [ids.Licence]),
    },
    () => scene('commerce'),
  );
  refuseForeign({ 'Track.products': entityList('Track', 'products(after: $after)', [ids.Product]) }, () =>
    scene('commerce', { id: ids.Track }),
  );
  refuseForeign(
    {
      'Query.search': rootList(
        'search(query: "anything", after: $after)',
        ...[ids.User, ids.Track, ids.Room, ids.LiveRoom, ids.Product].map((id) => [5, id]),
      ),
    },
    () => scene('analytics'),
  );
});
