import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import {
  createRealtimeClient,
  RealtimeError,
  type RealtimeClientOptions,
} from '../../clients/realtime/realtime-client.ts';
import type { GetToken } from '../../clients/realtime/tokens.ts';
import { dataFolder, startPlatformProcess, type PlatformProcess } from '../support/platform-process.ts';
import { seededRandom } from '../support/random.ts';
import { freePort } from '../support/servers.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { signUp } from './journey.ts';
import { INBOX, inboxStart, openGroup, writeIn, type InboxData } from './sidebar.ts';
import { createFollowedRoom, FOLLOW_ROOM, type FollowedRoom, type RoomEventData } from './followed-room.ts';

const SEED = Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const RETRY = { minDelayMs: 10, maxDelayMs: 500 };
const MODES = {
  'a WebSocket': { transport: 'ws' },
  'event streams': { transport: 'sse' },
  'one event stream': { transport: 'sse', singleConnection: true },
} as const satisfies Record<string, Partial<RealtimeClientOptions>>;

describe(`a room followed with the realtime client (TEST_SEED=${SEED})`, () => {
  let folder: Awaited<ReturnType<typeof dataFolder>>;
  let port: number;
  let platform: PlatformProcess;
  let proxy: TcpProxy;
  before(async () => {
    folder = await dataFolder();
    port = await freePort();
    platform = await startPlatformProcess(folder.path, { PORT: String(port) });
    proxy = await startTcpProxy('127.0.0.1', port);
  });
  after(async () => {
    await proxy.close();
    await platform.end('SIGTERM');
    await folder.remove();
  });
  const cut = () => {
    proxy.block();
    proxy.open();
  };

  /** Reads what is written in a room, with the reader's token unless another one is given. */
  function follow(t: TestContext, room: FollowedRoom, options: Partial<RealtimeClientOptions>) {
    const token: GetToken = () => room.reader.token;
    const url = `http://127.0.0.1:${proxy.port}/graphql`;
    const client = createRealtimeClient({ url, token, retry: RETRY, ...options });
    t.after(() => client.close());
    const events = client.subscribe<RoomEventData>(FOLLOW_ROOM, room.variables);
    const read: string[] = [];
    const readAll = async () => {
      while (read.length < room.written.length) {
        const { value } = await events.next();
        read.push(value?.data?.roomEvents.message?.content ?? `no message: ${JSON.stringify(value)}`);
      }
      assert.deepEqual(read, room.written);
    };
    return { events, readAll };
  }

  for (const [name, mode] of Object.entries(MODES))
    it(`misses nothing over ${name} that is cut again and again`, async (t) => {
      const random = seededRandom(SEED);
      const room = await createFollowedRoom(platform.url);
      let interruptions = 0;
      const onRetry = () => void (interruptions += 1);
      const { readAll } = follow(t, room, { ...mode, onRetry });
      for (let round = 0; round < 15; round++) {
        const writing = room.write(1 + Math.floor(random() * 4));
        if (random() < 0.5) cut();
        await writing;
        if (random() < 0.7) await readAll();
        if (random() < 0.3) cut();
      }
      await readAll();
      assert.ok(interruptions > 0, 'it was cut at all');
    });

  it('goes on with a fresh token when its session was ended', async (t) => {
    for (const mode of Object.values(MODES)) {
      const room = await createFollowedRoom(platform.url);
      const reasons: string[] = [];
      const { readAll } = follow(t, room, {
        ...mode,
        token: (reason) => (reasons.push(reason) === 1 ? room.reader.token : room.signInAgain()),
      });
      await room.write(2);
      await readAll();
      await room.reader.data('mutation { logout { sessionId } }');
      await room.write(2);
      await readAll();
      assert.deepEqual(reasons, ['connect', 'renew']);
    }
  });

  it('ends with the reason when its user has signed out, or may no longer see the room', async (t) => {
    for (const mode of Object.values(MODES)) {
      const room = await createFollowedRoom(platform.url);
      const { events, readAll } = follow(t, room, {
        ...mode,
        token: (reason) => (reason === 'connect' ? room.reader.token : null),
      });
      await room.write(1);
      await readAll();
      const next = assert.rejects(events.next(), (error: unknown) => {
        assert.ok(error instanceof RealtimeError);
        assert.match(
          String(error.errors[0]?.extensions?.['code']),
          /^(UNAUTHENTICATED|NOT_FOUND|FORBIDDEN)$/,
        );
        return true;
      });
      await room.reader.data('mutation { logout { sessionId } }');
      await next;
    }
  });

  it('misses nothing while the platform is killed and started again', async (t) => {
    const room = await createFollowedRoom(platform.url);
    const readers = Object.values(MODES).map((mode) => follow(t, room, mode));
    await room.write(3);
    await Promise.all(readers.map(({ readAll }) => readAll()));
    await platform.end('SIGKILL');
    platform = await startPlatformProcess(folder.path, { PORT: String(port) });
    await room.write(3);
    await Promise.all(readers.map(({ readAll }) => readAll()));
  });

  it('shows each room of an inbox as it is in the end, while the platform is killed and started again', async (t) => {
    const [writer, reader] = [await signUp(platform.url, 'writer'), await signUp(platform.url, 'reader')];
    const after = await inboxStart(reader);
    const rooms: string[] = [];
    for (let count = 0; count < 3; count++) rooms.push(await openGroup(writer, [reader]));
    const readers = Object.values(MODES).map((mode) => {
      const url = `http://127.0.0.1:${proxy.port}/graphql`;
      const client = createRealtimeClient({ url, token: () => reader.token, retry: RETRY, ...mode });
      t.after(() => client.close());
      const events = client.subscribe<InboxData>(INBOX, { after });
      const shown = new Map<string, string | undefined>();
      /** Reads on until each room shows this, with its author from another subgraph. */
      return async (content: string) => {
        const missing = () => rooms.some((roomId) => shown.get(roomId) !== `${writer.handle}: ${content}`);
        while (missing()) {
          const inbox = (await events.next()).value?.data?.inbox;
          assert.equal(inbox?.__typename, 'InboxRoomChanged');
          const { lastMessage } = inbox;
          shown.set(inbox.roomId, lastMessage ? `${lastMessage.author.handle}: ${lastMessage.content}` : '');
        }
      };
    });
    const writeEverywhere = async (content: string) => {
      for (const roomId of rooms) await writeIn(writer, roomId, content);
      await Promise.all(readers.map((until) => until(content)));
    };
    await writeEverywhere('before');
    await platform.end('SIGKILL');
    platform = await startPlatformProcess(folder.path, { PORT: String(port) });
    await writeEverywhere('after');
    // What was written while nobody could hear it.
    proxy.block();
    for (const content of ['unheard', 'unheard, too'])
      for (const roomId of rooms) await writeIn(writer, roomId, content);
    proxy.open();
    await Promise.all(readers.map((until) => until('unheard, too')));
  });
});
