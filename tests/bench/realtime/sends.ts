import { newId } from '#platform/ids.ts';
import { table } from '../table.ts';
import { startChat, type RunningChat } from './chat.ts';
import { createHistogram } from './histogram.ts';
import { publishAt } from './publishing.ts';
import { nowUs } from './room-log.ts';
import { Sender } from './sender.ts';
import { LeanSocket } from './socket.ts';
import { until } from './until.ts';

export interface SendsFigures {
  readonly perS: number;
  readonly p95Ms: number;
  readonly lost: number;
}

/** 100,000 a minute. */
const SENDS_PER_S = 1_667;
const ROOMS = 200;
const MEMBERS = 10;
const WARM_UP_S = 5;
const ARRIVAL_MS = 60_000;
/** A subgraph that does not keep up is not buried: the rate is what it can do then. */
const MAX_UNDER_WAY = 100;

const CREATE = `mutation ($input: CreateRoomInput!) { createRoom(input: $input) { room { id } userErrors { message } } }`;
const FOLLOW = `subscription ($roomId: ID!) { roomEvents(roomId: $roomId) { seq ... on MessageCreated { message { content } } } }`;

/** A room with its members, one of whom listens at the subgraph itself. */
interface MeasuredRoom {
  readonly id: string;
  readonly members: readonly string[];
  seq: number | null;
  received: number;
  gaps: number;
}

/**
 * Messages sent to the chat subgraph at a fixed rate, from members in turn: each is in PostgreSQL, its log and its outbox before it is answered, and
 * is received from the log by a member who follows the room. Rejects where one is refused.
 */
export async function sends(seconds: number): Promise<SendsFigures> {
  const chat = await startChat();
  const histogram = { now: createHistogram() };
  const rooms: MeasuredRoom[] = [];
  for (let count = 0; count < ROOMS; count += 1) rooms.push(await openRoom(chat));
  for (const room of rooms) await follow(chat, room, (latencyUs) => histogram.now.add(latencyUs));
  let sent = 0;
  let answered = 0;
  let refused: unknown = null;
  const sender = new Sender(
    chat,
    () => (answered += 1),
    (error) => (refused ??= error),
  );
  const send = () => {
    const room = rooms[sent % ROOMS];
    const author = room?.members[Math.floor(sent / ROOMS) % MEMBERS] ?? '';
    sent += 1;
    const input = { roomId: room?.id, content: `${nowUs()} another take`, clientNonce: `n${sent}` };
    sender.send(author, input, sent);
  };
  const received = () => rooms.reduce((sum, room) => sum + room.received, 0);
  const allThere = () =>
    until(
      () => refused !== null || (answered >= sent && received() >= sent),
      'messages are missing',
      ARRIVAL_MS,
    );
  const mayPublish = () => {
    if (refused !== null) throw new Error(`a message was refused: ${String(refused)}`);
    return sent - answered < MAX_UNDER_WAY;
  };
  await publishAt(SENDS_PER_S, WARM_UP_S, send, mayPublish);
  await allThere();
  histogram.now = createHistogram();
  const before = { sent, cpuMs: chat.cpuMs(), atMs: performance.now() };
  await publishAt(SENDS_PER_S, seconds, send, mayPublish);
  await allThere();
  if (refused !== null) throw new Error(`a message was refused: ${String(refused)}`);
  const count = sent - before.sent;
  const perS = count / ((performance.now() - before.atMs) / 1_000);
  const cpuUs = ((chat.cpuMs() - before.cpuMs) * 1_000) / count;
  const lost = rooms.reduce((sum, room) => sum + room.gaps, 0) + Math.max(0, sent - received());
  const p95Ms = histogram.now.percentileMs(0.95);
  sender.close();
  await chat.end();
  console.log(
    `\nsends: ${SENDS_PER_S} messages/s for ${seconds} s in ${ROOMS} rooms of ${MEMBERS}, at the chat subgraph\n`,
  );
  console.log(
    table(
      ['messages/s', 'p50 ms', 'p95 ms', 'lost', 'chat CPU µs/message', 'projected, one core'],
      [
        [
          perS.toFixed(0),
          histogram.now.percentileMs(0.5).toFixed(1),
          p95Ms.toFixed(1),
          `${lost}`,
          cpuUs.toFixed(0),
          (1e6 / cpuUs).toFixed(0),
        ],
      ],
    ),
  );
  return { perS, p95Ms, lost };
}

async function openRoom(chat: RunningChat): Promise<MeasuredRoom> {
  const members = Array.from({ length: MEMBERS }, () => newId('User'));
  const [owner = '', ...memberIds] = members;
  const input = { kind: 'CHANNEL', name: 'takes', memberIds };
  const { createRoom } = await chat.ask(owner, CREATE, { input });
  const id: unknown = Object(Object(createRoom).room).id;
  if (typeof id !== 'string') throw new Error(`no room: ${JSON.stringify(createRoom)}`);
  return { id, members, seq: null, received: 0, gaps: 0 };
}

/** Resolves once the subscription is live: the subgraph has answered a ping behind it. */
async function follow(
  chat: RunningChat,
  room: MeasuredRoom,
  onReceived: (latencyUs: number) => void,
): Promise<void> {
  const live = Promise.withResolvers<void>();
  const socket = new LeanSocket(
    { port: chat.port },
    {
      message(bytes) {
        const { type, payload } = JSON.parse(bytes.toString());
        if (type === 'connection_ack') {
          const extensions = { headers: chat.headersOf(room.members.at(-1) ?? '') };
          socket.send({
            type: 'subscribe',
            id: '1',
            payload: { query: FOLLOW, variables: { roomId: room.id }, extensions },
          });
          socket.send({ type: 'ping' });
        } else if (type === 'pong') live.resolve();
        else if (type === 'next') {
          const { seq, message } = payload.data.roomEvents;
          room.gaps += room.seq === null ? 0 : Math.abs(seq - room.seq - 1);
          room.seq = seq;
          room.received += 1;
          onReceived(nowUs() - Number.parseInt(message.content, 10));
        } else live.reject(new Error(`the chat subgraph sent ${bytes.toString()}`));
      },
      closed: (reason) => live.reject(new Error(reason)),
    },
  );
  await socket.opened;
  socket.send({ type: 'connection_init' });
  await live.promise;
}
