import assert from 'node:assert/strict';
import { Pool } from 'undici';
import { percentile, table } from '../table.ts';

export interface MeasuredServer {
  readonly url: string;
  /** CPU time of the server so far. */
  cpuMs(): number;
}

const QUERIES = {
  'one hop: user(handle)': '{ user(handle: "mira") { id handle displayName followerCount } }',
  'five hops: profile, presence, tracks with play counts, live room, products': `{ user(handle: "mira") {
    displayName followerCount presence { status } liveRoom { title state }
    tracks(first: 5) { nodes { title likeCount playCount } }
    products(first: 5) { nodes { title unitsSold } }
  } }`,
};
const FIXED_RATE_PER_S = 50;
const CONNECTIONS = 16;
const WARM_UP_MS = 3_000;

/** Latency at a fixed rate (open model: a slow answer does not slow the arrivals down), then the highest rate with a fixed number of connections. */
export async function measureQueries(server: MeasuredServer, durationMs: number): Promise<string> {
  const pool = new Pool(server.url, { connections: 64, pipelining: 1 });
  const rows: string[][] = [];
  for (const [name, query] of Object.entries(QUERIES)) {
    const body = JSON.stringify({ query });
    const expected = await ask(pool, body);
    assert.equal(JSON.parse(expected).errors, undefined, expected);
    const once = async () => assert.equal(await ask(pool, body), expected);
    await closedLoop(once, WARM_UP_MS);
    const samples = await openLoop(once, durationMs);
    const cpuBefore = server.cpuMs();
    const count = await closedLoop(once, durationMs);
    const cpuMs = server.cpuMs() - cpuBefore;
    rows.push([
      name,
      percentile(samples, 0.5).toFixed(1),
      percentile(samples, 0.99).toFixed(1),
      (count / (durationMs / 1_000)).toFixed(0),
      ((cpuMs * 1_000) / count).toFixed(0),
    ]);
  }
  await pool.close();
  const head = [
    '',
    `p50 ms at ${FIXED_RATE_PER_S}/s`,
    'p99 ms',
    `requests/s, ${CONNECTIONS} connections`,
    'server CPU µs/request',
  ];
  return table(head, rows);
}

async function ask(pool: Pool, body: string): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const response = await pool.request({ method: 'POST', path: '/graphql', headers, body });
  return response.body.text();
}

/** Milliseconds of each call, measured from the moment it was due. */
async function openLoop(once: () => Promise<void>, durationMs: number): Promise<number[]> {
  const samples: number[] = [];
  const calls: Promise<void>[] = [];
  const startedAt = performance.now();
  const total = Math.round((durationMs / 1_000) * FIXED_RATE_PER_S);
  for (let i = 0; i < total; i++) {
    const dueAt = startedAt + (i * 1_000) / FIXED_RATE_PER_S;
    const waitMs = dueAt - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    calls.push(once().then(() => void samples.push(performance.now() - dueAt)));
  }
  await Promise.all(calls);
  return samples;
}

async function closedLoop(once: () => Promise<void>, durationMs: number): Promise<number> {
  const until = performance.now() + durationMs;
  let count = 0;
  const connection = async () => {
    while (performance.now() < until) {
      await once();
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
  return count;
}
