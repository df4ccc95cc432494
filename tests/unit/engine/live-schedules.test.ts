import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FormattedExecutionResult } from 'graphql';
import { isFollowing, type Following } from '../../../gateway/engine/live/subscriber.ts';
import { createLoggedFeed, type LoggedFeed } from '../../support/federation/logged-feed.ts';
import { seededRandom } from '../../support/random.ts';
import { testScope } from '../../support/federation/supergraph.ts';

const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1e9));
const SCHEDULES = Number(process.env['SCHEDULES'] ?? 40);
const STEPS = 80;
const QUERIES = [
  'subscription($after: String) { log(after: $after) { seq cursor } }',
  'subscription($after: String) { log(after: $after) { seq ... on Line { author { name } } cursor } }',
];

/** A client as a good one is: it keeps its position, and comes back there whenever it has to. */
class Client {
  readonly seqs: number[] = [];
  readonly #feed: LoggedFeed;
  readonly #query: string;
  #after: string | undefined;
  #following: Promise<Following | FormattedExecutionResult> | null = null;
  #life = 0;
  #isSlow = false;
  #relief = Promise.withResolvers<void>();
  #arrival = Promise.withResolvers<void>();

  constructor(feed: LoggedFeed, query: string, start: number) {
    this.#feed = feed;
    this.#query = query;
    this.#after = `c${start}`;
  }

  async connect(): Promise<void> {
    if (this.#following) return;
    this.#life += 1;
    const life = this.#life;
    const isMine = () => life === this.#life;
    const request = { query: this.#query, variables: { after: this.#after } };
    const followed = this.#feed.engine.follow(request, testScope(), {
      next: ({ result }) => {
        if (!isMine()) return;
        if (this.#isSlow) return this.#giveUpUntilRelief();
        const { seq, cursor } = Object(result.data?.['log']);
        this.seqs.push(seq);
        this.#after = cursor;
        this.#arrival.resolve();
        this.#arrival = Promise.withResolvers();
      },
      busy: () => (isMine() && this.#isSlow ? this.#relief.promise : null),
      end: () => isMine() && this.#again(),
    });
    // It may have given up over what was handed to it meanwhile.
    if (isMine()) this.#following = followed;
    const following = await followed;
    if (!isFollowing(following) && isMine()) this.#following = null;
    if (isFollowing(following) && !isMine()) following.stop();
  }

  disconnect(): void {
    const following = this.#following;
    this.#following = null;
    this.#life += 1;
    void following?.then((live) => isFollowing(live) && live.stop());
  }

  slowDown(): void {
    this.#isSlow = true;
  }

  speedUp(): void {
    this.#isSlow = false;
    this.#relief.resolve();
    this.#relief = Promise.withResolvers();
  }

  async reaches(seq: number): Promise<void> {
    while ((this.seqs.at(-1) ?? 0) < seq) {
      await this.connect();
      // One that was refused meanwhile tries again.
      const following = await this.#following;
      const isConnected = following !== null && isFollowing(following);
      if (isConnected && (this.seqs.at(-1) ?? 0) < seq) await this.#arrival.promise;
    }
  }

  /** As one that is told, once it reads again, that it has missed events. */
  #giveUpUntilRelief(): void {
    this.disconnect();
    void this.#relief.promise.then(() => this.connect());
  }

  #again(): void {
    this.disconnect();
    void this.connect();
  }
}

async function run(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const feed = createLoggedFeed({ recollection: { maxEvents: pick([2, 5, 1_000]) } });
  const clients: { readonly client: Client; readonly start: number }[] = [];
  const anyClient = () => (clients.length > 0 ? pick(clients).client : null);
  const steps: (() => unknown)[] = [
    () => feed.publish(),
    () => feed.publish(),
    () => feed.publish(),
    () => {
      const start = Math.floor(random() * (feed.size + 1));
      const client = new Client(feed, pick(QUERIES), start);
      clients.push({ client, start });
      return client.connect();
    },
    () => void anyClient()?.connect(),
    () => anyClient()?.disconnect(),
    () => anyClient()?.slowDown(),
    () => anyClient()?.speedUp(),
    () => feed.cut(),
    () => (feed.isDown = !feed.isDown),
    () => feed.bringNamesHome(),
    () => feed.takeNamesAway(),
    () => new Promise(setImmediate),
  ];
  for (let step = 0; step < STEPS; step += 1) await pick(steps)();
  feed.isDown = false;
  for (const { client } of clients) client.speedUp();
  const last = feed.publish();
  for (const { client, start } of clients) {
    await client.reaches(last);
    const expected = Array.from({ length: last - start }, (_, at) => start + 1 + at);
    assert.deepEqual(client.seqs, expected, `SEED=${seed}, from ${start}`);
    client.disconnect();
  }
  await feed.allClosed();
}

test(`every client gets every event once and in order, whatever happens [SEED=${SEED}]`, async () => {
  for (let schedule = 0; schedule < SCHEDULES; schedule += 1) await run(SEED + schedule);
});
