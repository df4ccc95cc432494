import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { platformClient } from '../../support/platform-client.ts';
import { DEMO_PASSWORD, DEMO_USERS } from '#platform/demo.ts';
import type { MeasuredServer } from './queries.ts';
import { percentile, table } from '../table.ts';

const SEND = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { seq } userErrors { message } } }`;
const EVENTS = `subscription ($roomId: ID!) {
  roomEvents(roomId: $roomId) { seq ... on MessageCreated { message { content author { displayName } } } }
}`;
const RATE_PER_S = 20;

/** One writer and one reader in one room: from the moment a message is sent until its event, author included, is received. */
export async function measureMessages({ url }: MeasuredServer, durationMs: number): Promise<string> {
  const writer = await signIn(url, DEMO_USERS[0].email);
  const reader = await signIn(url, DEMO_USERS[1].email);
  const { createRoom } = await writer.data(
    'mutation { createRoom(input: { kind: CHANNEL, name: "Bench", visibility: PUBLIC }) { room { id } } }',
  );
  const roomId: string = createRoom.room.id;
  const events = await reader.subscribe(EVENTS, { roomId });
  const sentAt = new Map<string, number>();
  const send = async (content: string) => {
    sentAt.set(content, performance.now());
    const { sendMessage } = await writer.data(SEND, {
      input: { roomId, content, clientNonce: randomUUID() },
    });
    assert.deepEqual(sendMessage.userErrors, []);
  };
  await untilLive(events, send);
  const total = Math.round((durationMs / 1_000) * RATE_PER_S);
  const received = receive(events, sentAt, total);
  for (let i = 0; i < total; i++) {
    await setTimeout(1_000 / RATE_PER_S);
    void send(`m${i}`);
  }
  const samples = await received;
  await events.close();
  return table(
    ['', 'p50 ms', 'p99 ms'],
    [[`${RATE_PER_S} messages/s`, percentile(samples, 0.5).toFixed(1), percentile(samples, 0.99).toFixed(1)]],
  );
}

type Events = Awaited<ReturnType<ReturnType<typeof platformClient>['subscribe']>>;

/** A subscription does not say when it has begun: messages are sent until one arrives. */
async function untilLive(events: Events, send: (content: string) => Promise<void>): Promise<void> {
  const first = events.next().then(() => true);
  for (let i = 0; ; i++) {
    await send(`probe ${i}`);
    if (await Promise.race([first, setTimeout(20, false)])) break;
  }
  const last = 'probes end';
  await send(last);
  while ((await events.next()).roomEvents.message.content !== last);
}

/** Milliseconds of each message; asserts order and completeness by `seq`. */
async function receive(
  events: Events,
  sentAt: ReadonlyMap<string, number>,
  total: number,
): Promise<number[]> {
  const samples: number[] = [];
  let lastSeq: number | null = null;
  while (samples.length < total) {
    const { seq, message } = (await events.next()).roomEvents;
    samples.push(performance.now() - sentAt.get(message.content)!);
    assert.equal(message.author.displayName, DEMO_USERS[0].displayName);
    if (lastSeq !== null) assert.equal(seq, lastSeq + 1);
    lastSeq = seq;
  }
  return samples;
}

async function signIn(url: string, email: string): Promise<ReturnType<typeof platformClient>> {
  const { login } = await platformClient(url).data(
    'mutation ($input: LoginInput!) { login(input: $input) { ... on TokenPair { accessToken } } }',
    { input: { email, password: DEMO_PASSWORD } },
  );
  return platformClient(url, login.accessToken);
}
