import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { newId } from '#platform/ids.ts';
import { signMediaGrant } from '#platform/media-grant.ts';
import { interceptTransports } from './direct-audio.ts';
import { grantFor, produce, SECRET, skipWithoutWorker } from './media-kit.ts';
import { DEVICE, hear, roomOn, startMesh, type MeshKit } from './mesh-kit.ts';
import { RosterFollower, summaryOf } from './roster-follower.ts';
import { SignallingClient } from './signalling-client.ts';
import { seededRandom } from '../support/random.ts';

const audio = interceptTransports();
const STEPS = 60;
const seed = Number(process.env.SEED ?? randomInt(2 ** 31));

let ssrc = 100_000;

/** Somebody who joins again when told to, and sends again what they sent. */
class Visitor {
  readonly participantId = newId('LiveParticipant');
  readonly client: SignallingClient;
  readonly follower: RosterFollower;
  producerId: string | null = null;
  muted = false;
  #wantsToSend = false;
  #hasLeft = false;
  #last: Promise<void> = Promise.resolve();

  constructor(url: string) {
    this.client = new SignallingClient(url);
    this.follower = new RosterFollower(this.client);
    this.client.socket.on('message', (data) => {
      if (data.toString().startsWith('{"event":"rejoin"')) void this.do(() => this.#join());
    });
  }

  /** One thing after the other; what a dying worker refuses is done again after the `rejoin` that follows. */
  do(act: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(act).catch((error: unknown) => {
      if (!this.#hasLeft && !(error instanceof Error && 'code' in error)) throw error;
    });
    return this.#last;
  }

  leave(): void {
    this.#hasLeft = true;
    this.client.socket.terminate();
  }

  get idle(): Promise<void> {
    return this.#last;
  }

  enter(liveRoomId: string): Promise<void> {
    const grant = grantFor({ liveRoomId, participantId: this.participantId });
    return this.do(async () => {
      await this.client.request('authenticate', { token: signMediaGrant(grant, SECRET) });
      await this.#join();
    });
  }

  send(): Promise<void> {
    this.#wantsToSend = true;
    return this.do(() => this.#send());
  }

  stop(): Promise<void> {
    this.#wantsToSend = false;
    return this.do(async () => {
      const { producerId } = this;
      this.producerId = null;
      if (producerId) await this.client.request('closeProducer', { producerId });
    });
  }

  async #join(): Promise<void> {
    this.producerId = null;
    await this.client.request('join', { rtpCapabilities: DEVICE });
    await this.client.request('createTransport', { direction: 'recv' });
    await this.#send();
  }

  async #send(): Promise<void> {
    if (this.#wantsToSend && !this.producerId) this.producerId = await produce(this.client, ssrc++);
  }

  /** Tried again for as long as the room moves to another worker. */
  async hear(producerId: string): Promise<string> {
    for (;;) {
      try {
        await this.idle;
        return await hear(this, producerId);
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? error.code : null;
        if (code === null || !['MEDIA_UNAVAILABLE', 'WRONG_STATE', 'NOT_FOUND'].includes(String(code)))
          throw error;
      }
    }
  }

  /** As the others should see it. */
  get summary(): string {
    const { participantId, muted, producerId } = this;
    // A mute pauses what is sent; its end does not open it again, and nobody here does.
    const producers = producerId ? [{ producerId, paused: muted }] : [];
    return summaryOf({ participantId, userId: '', role: 'SPEAKER', muted, producers });
  }
}

describe('A random schedule over two servers with two workers each', { skip: skipWithoutWorker }, () => {
  test(`ends with the same room for everybody (SEED=${seed})`, async (context) => {
    context.diagnostic(`SEED=${seed}`);
    const kit = await startMesh(2, {
      workerCount: 2,
      limits: { emptyRoomGraceMs: 1, occupancyMs: 200, maxConsumersPerRouter: 3, resumeWindowMs: 1 },
    });
    try {
      const visitors = await runSchedule(kit, seededRandom(seed));
      await everybodyKnows(visitors);
      await everybodyHears(kit, visitors);
      await Promise.all(visitors.map(({ client }) => client.request('leave', {}).catch(() => undefined)));
      await Promise.all(visitors.map(({ client }) => client.closed));
    } finally {
      await kit.close();
    }
    assert.equal(audio.routers.size, 0);
    assert.equal(audio.transports.size, 0);
  });
});

async function runSchedule(kit: MeshKit, random: () => number): Promise<Visitor[]> {
  const visitors: Visitor[] = [];
  const killed = new Set<number>();
  const acts: Promise<unknown>[] = [];
  const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(random() * items.length)];
  const enter = async () => {
    const server = pick(kit.servers);
    assert.ok(server);
    const visitor = new Visitor(server.url);
    visitors.push(visitor);
    await visitor.enter(kit.liveRoomId);
  };
  const leave = async () => {
    const visitor = pick(visitors);
    if (!visitor) return;
    visitors.splice(visitors.indexOf(visitor), 1);
    await visitor.idle;
    visitor.leave();
  };
  const mute = async () => {
    // The mute of somebody without a stream says all; one with a stream would have to know whether it was paused before.
    const visitor = pick(visitors.filter(({ muted }) => !muted));
    if (!visitor) return;
    const { participantId } = visitor;
    visitor.muted = true;
    await visitor.idle;
    await kit.order({ kind: 'mute', liveRoomId: kit.liveRoomId, participantId, muted: true });
  };
  const kill = async () => {
    const server = pick(kit.servers);
    const workers = (server?.media.status().workers ?? []).filter(({ pid }) => !killed.has(pid));
    // A server without a worker turns people away: whoever that happens to would have to come again.
    const victim = workers.length > 1 ? pick(workers) : undefined;
    if (!victim) return;
    killed.add(victim.pid);
    process.kill(victim.pid, 'SIGKILL');
    while (server?.media.status().workers.some(({ pid }) => pid === victim.pid)) await setImmediate();
  };
  for (let step = 0; step < STEPS; step++) {
    const dice = random();
    const act =
      dice < 0.35
        ? enter
        : dice < 0.5
          ? leave
          : dice < 0.75
            ? async () => pick(visitors)?.send()
            : dice < 0.87
              ? async () => pick(visitors)?.stop()
              : dice < 0.95
                ? mute
                : kill;
    // Some wait for what they did, the others run into the next ones.
    const done = act();
    acts.push(done);
    if (random() < 0.5) await done;
  }
  await Promise.all(acts);
  return visitors;
}

/** Everybody's roster is what the others do. */
async function everybodyKnows(visitors: readonly Visitor[]): Promise<void> {
  const expected = (self: Visitor) => () =>
    visitors
      .filter((one) => one !== self)
      .map(({ summary }) => summary)
      .toSorted();
  // What the server told them before has been heard then.
  await Promise.all(
    visitors.map((one) => one.do(() => one.client.request('ping', {}).then(() => undefined))),
  );
  await Promise.all(visitors.map(({ idle }) => idle));
  await Promise.all(visitors.map((one) => one.follower.settled(expected(one))));
}

/** Everybody hears each stream that is not muted, and every stream crosses once to where somebody hears it. */
async function everybodyHears(kit: MeshKit, visitors: readonly Visitor[]): Promise<void> {
  for (const speaker of visitors) {
    const { producerId, muted } = speaker;
    if (!producerId) continue;
    const listeners = visitors.filter((one) => one !== speaker);
    const ears = await Promise.all(listeners.map((one) => one.hear(producerId)));
    if (!muted) await audio.say(producerId, `from ${speaker.participantId}`, ears);
  }
  const [one, two] = kit.servers.map((server) => roomOn(server, kit.liveRoomId)?.links);
  assert.equal(one?.imported ?? 0, two?.exported ?? 0);
  assert.equal(two?.imported ?? 0, one?.exported ?? 0);
}
