import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WebSocket } from 'ws';
import type { MediaControl } from '#schema/media-bus.ts';
import { CLOSE_CODES, NORMAL_CLOSURE, REQUESTS } from '#schema/signalling.ts';
import { seededRandom } from '../support/random.ts';
import { recordingLog } from '../support/recording-log.ts';
import { until } from '../subgraphs/result-streams.ts';
import { interceptTransports } from './direct-audio.ts';
import { createHostility, type Hostility, type Loot } from './hostile-requests.ts';
import { produce, skipWithoutWorker, startMedia, type MediaKit } from './media-kit.ts';
import { Refused, type SignallingClient } from './signalling-client.ts';

const SEED = Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const STEPS = 6_000;
const STEPS_PER_ROUND = 50;
const ATTACKERS = 8;
const FLOOD_REQUESTS = 400;
/** 1005 and 1006 are what ws tells of a socket that the attacker itself cut off; 1007 and 1009 are RFC 6455’s. */
const CLOSES: ReadonlySet<number> = new Set([
  ...Object.values(CLOSE_CODES),
  NORMAL_CLOSURE,
  1005,
  1006,
  1007,
]);

const audio = interceptTransports();

describe('Hostile clients', { skip: skipWithoutWorker }, () => {
  test(`${STEPS} steps of them harm nobody else and leave nothing behind (TEST_SEED=${SEED})`, async () => {
    const recorded = recordingLog();
    const limits = { emptyRoomGraceMs: 1, maxConsumersPerRouter: 3 };
    const overrides = { workerCount: 2, maxPeersPerRoom: 40, limits, log: recorded.log };
    const kit = await startMedia(overrides);
    try {
      const victims = await openConversation(kit);
      const before = await inventory(kit);
      const attack = new Attack(kit, createHostility(seededRandom(SEED)), victims.prey);
      for (let done = 0; done < STEPS; done += STEPS_PER_ROUND) {
        await attack.round();
        if (done % 1_000 === 0) await victims.talk(`step ${done}`);
      }
      await attack.end();
      await until(async () => kit.media.status().rooms.length === 1 && participantsOf(kit).length === 2);
      await victims.talk('after all of it');
      assert.deepEqual(participantsOf(kit), victims.participants);
      // The worker itself is asked what it holds.
      await until(async () => JSON.stringify(await inventory(kit)) === JSON.stringify(before));
      await kit.enter();
      assert.deepEqual(attack.faults, []);
      // The worker logs what it refuses as its errors; ours are faults.
      const errors = recorded
        .text()
        .split('\n')
        .filter((line) => /"level":"error"/.test(line));
      assert.deepEqual(
        errors.filter((line) => !line.includes('"namespace":"mediasoup')),
        [],
      );
      assert.equal(Reflect.get({}, 'polluted'), undefined);
      for (const method of Object.keys(REQUESTS))
        assert.ok(attack.answered.has(method), `${method}: ${[...attack.answered].join(' ')}`);
    } finally {
      await kit.close();
    }
    assert.equal(audio.routers.size, 0);
    assert.equal(audio.transports.size, 0);
  });
});

type Prey = Omit<Loot, 'own'>;

/** Two who behave: one speaks, the other hears it. */
async function openConversation(kit: MediaKit) {
  const [speaker, listener] = [await kit.enter(), await kit.enter({ role: 'LISTENER' })];
  const producerId = await produce(speaker.client);
  const { transportId } = await listener.client.request('createTransport', { direction: 'recv' });
  const { consumerId } = await listener.client.request('consume', { producerId });
  await listener.client.request('resumeConsumer', { consumerId });
  await audio.say(producerId, 'before', [consumerId]);
  audio.stop();
  const ids = [producerId, consumerId, transportId, speaker.participantId];
  const { routerRtpCapabilities: rtpCapabilities } = listener.welcome;
  const prey: Prey = { liveRoomId: kit.liveRoomId, rtpCapabilities, others: ids };
  return {
    prey,
    participants: participantsOf(kit),
    async talk(words: string) {
      await speaker.client.request('ping', {});
      await audio.say(producerId, words, [consumerId]);
    },
  };
}

const participantsOf = (kit: MediaKit) =>
  kit.media.status().rooms.flatMap(({ participants }) => participants);

/** What there is on the server and in its workers. */
async function inventory(kit: MediaKit) {
  const dumps = await Promise.all([...audio.routers].map((router) => router.dump()));
  const { rooms, workers } = kit.media.status();
  return {
    rooms: rooms.map(({ liveRoomId, routers, pipes }) => ({
      liveRoomId,
      peers: routers.map(({ peers }) => peers),
      pipes,
    })),
    workers,
    transports: [...audio.transports].map(({ id }) => id).sort(),
    routers: dumps.map(({ transportIds, mapProducerIdConsumerIds, mapConsumerIdProducerId }) => ({
      transports: [...transportIds].sort(),
      producers: mapProducerIdConsumerIds.length,
      consumers: mapConsumerIdProducerId.length,
    })),
  };
}

/** Clients that send what they should not, each in whatever state it has come to. */
class Attack {
  /** What a server must never answer. */
  readonly faults: unknown[] = [];
  /** Requests that succeeded, by method: who is refused everything has tried nothing. */
  readonly answered = new Map<string, number>();
  readonly #kit: MediaKit;
  readonly #hostility: Hostility;
  readonly #prey: Prey;
  /** Ids that attackers were told. */
  readonly #told = new Map<SignallingClient, Map<string, string[]>>();
  #clients: SignallingClient[] = [];

  constructor(kit: MediaKit, hostility: Hostility, prey: Prey) {
    this.#kit = kit;
    this.#hostility = hostility;
    this.#prey = prey;
  }

  /** Some steps, then a wait until every socket has answered, or is closed. */
  async round(): Promise<void> {
    this.#clients = this.#clients.filter(({ socket }) => socket.readyState === WebSocket.OPEN);
    while (this.#clients.length < ATTACKERS) this.#clients.push(await this.#connect());
    for (let step = 0; step < STEPS_PER_ROUND; step++) {
      const client = this.#clients[this.#hostility.below(ATTACKERS)];
      if (client && client.socket.readyState === WebSocket.OPEN) await this.#step(client);
    }
    await Promise.all(this.#clients.map((client) => this.#send(client, 'listListeners', {})));
  }

  async end(): Promise<void> {
    for (const client of this.#clients) await client.close();
  }

  async #connect(): Promise<SignallingClient> {
    const client = this.#kit.connect();
    await client.opened;
    void client.closed.then(({ code }) => CLOSES.has(code) || this.faults.push({ closedWith: code }));
    const { chance, token } = this.#hostility;
    if (chance(0.1)) return client;
    void this.#send(client, 'authenticate', { token: token(this.#prey.liveRoomId) });
    if (chance(0.9)) void this.#send(client, 'join', { rtpCapabilities: this.#prey.rtpCapabilities });
    return client;
  }

  async #step(client: SignallingClient): Promise<void> {
    const { below, chance, request, frame } = this.#hostility;
    const loot = this.#lootOf(client);
    if (chance(0.01)) client.socket.send(frame(loot));
    else if (chance(0.005)) client.socket.terminate();
    else if (chance(0.002))
      for (let sent = 0; sent < FLOOD_REQUESTS; sent++) void this.#send(client, 'ping', {});
    else if (chance(0.02)) await this.#kit.order(this.#order(below(30)));
    else {
      const { method, data } = request(loot);
      const sent = this.#send(client, method, data);
      // Some wait for their answers, others send on.
      if (chance(0.2)) await sent;
    }
  }

  #lootOf(client: SignallingClient): Loot {
    const others = this.#clients.flatMap((other) =>
      [...this.#toldTo(other).values()].flatMap((ids) => ids.slice(-2)),
    );
    return { ...this.#prey, own: this.#toldTo(client), others: [...this.#prey.others, ...others] };
  }

  #toldTo(client: SignallingClient): Map<string, string[]> {
    const told = this.#told.get(client) ?? new Map<string, string[]>();
    this.#told.set(client, told);
    return told;
  }

  #order(number: number): MediaControl {
    const about = { liveRoomId: this.#prey.liveRoomId, participantId: `lpt_hostile_${number}` };
    const { below } = this.#hostility;
    const orders: MediaControl[] = [
      { kind: 'setRole', ...about, role: 'LISTENER' },
      { kind: 'setRole', ...about, role: 'SPEAKER' },
      { kind: 'mute', ...about, muted: below(2) === 0 },
      { kind: 'remove', ...about, reason: 'CLIENT' },
    ];
    return orders[below(orders.length)] ?? { kind: 'mute', ...about, muted: true };
  }

  async #send(client: SignallingClient, method: string, data: unknown): Promise<void> {
    if (client.socket.readyState !== WebSocket.OPEN) return;
    try {
      const answer = await client.requestRaw(method, data);
      this.answered.set(method, (this.answered.get(method) ?? 0) + 1);
      const told = this.#toldTo(client);
      for (const [name, id] of Object.entries(Object(answer)))
        if (typeof id === 'string') told.set(name, [...(told.get(name) ?? []), id]);
    } catch (error) {
      if (error instanceof Refused && error.code === 'INTERNAL') this.faults.push({ method, data });
    }
  }
}
