import { setTimeout as delay } from 'node:timers/promises';
import type { ResultStream } from '#platform/subgraph-endpoint.ts';
import { until } from '../../subgraphs/result-streams.ts';
import {
  enter,
  join,
  newUser,
  openLiveRoom,
  participantOf,
  startStream,
  tell,
  type Stream,
} from '../../subgraphs/stream-kit.ts';
import { cpuMsOfThis } from '../machine.ts';
import { table } from '../table.ts';

const JOINS = 50;
/** Until what was told has reached everybody. */
const SETTLED_MS = 3_000;
const EVENTS = `subscription ($id: ID!) { liveRoomEvents(liveRoomId: $id) { __typename cursor
  ... on ParticipantJoined { participant { id role user { id } } } ... on ParticipantLeft { participantId } } }`;

/** What the stream subgraph spends where everybody in a room follows its log, for each further listener who joins, and what each follower is told. */
export async function followers(sizes: readonly number[]): Promise<void> {
  const rows: string[][] = [];
  for (const size of sizes) rows.push(await measure(size));
  console.log(
    `\nfollowers: everybody in the room follows \`liveRoomEvents\`, ${JOINS} further listeners join\n`,
  );
  console.log(table(['followers', 'CPU ms per join', 'events per follower', 'bytes per follower'], rows));
}

async function measure(size: number): Promise<string[]> {
  const stream = await startStream();
  const host = newUser();
  const id = await openLiveRoom(stream, host, { capacity: 250 });
  const { database } = stream.open.foundation;
  await database.fork().execute('update live_room set capacity = 5000 where id = ?', [id]);
  await enter(stream, host, id);
  const last = await joinAll(stream, id, size);
  await until(async () => (await participantOf(stream, last))?.status === 'CONNECTED');
  const tally = { events: 0, bytes: 0 };
  const feeds: ResultStream[] = [];
  while (feeds.length < size) {
    const feed = await stream.subscribe(newUser(), EVENTS, { id });
    feeds.push(feed);
    void follow(feed, tally);
  }
  const usedMs = await cpuMsOfThis(async () => {
    await joinAll(stream, id, JOINS);
    await delay(SETTLED_MS);
  });
  await Promise.all(feeds.map((feed) => feed.return()));
  await stream.close();
  const perFollower = (value: number) => (value / size).toFixed(1);
  return [String(size), (usedMs / JOINS).toFixed(1), perFollower(tally.events), perFollower(tally.bytes)];
}

/** Returns the last of them. */
async function joinAll(stream: Stream, id: string, count: number): Promise<string> {
  let participantId = '';
  for (let n = 0; n < count; n++) {
    participantId = await join(stream, newUser(), id);
    const connection = { liveRoomId: id, participantId, serverId: 'bench' };
    await tell(stream, 'media:bench', 'media.participantConnected', connection);
  }
  return participantId;
}

async function follow(feed: ResultStream, tally: { events: number; bytes: number }): Promise<void> {
  for await (const { data } of feed) {
    tally.events += 1;
    tally.bytes += JSON.stringify(data).length;
  }
}
