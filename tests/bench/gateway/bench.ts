import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { messageOf } from '#platform/errors.ts';
import { answersOf } from './client.ts';
import { startGateway, type GatewayName, type GatewayOptions, type RunningGateway } from './gateways.ts';
import { supergraphAt } from './graph.ts';
import { fullLoad, type Sample, type Traffic } from './load.ts';
import type { Shape } from './shapes.ts';
import { startSubgraphs, type RunningSubgraphs } from './subgraphs.ts';

/** What every mode of the benchmark is told. */
export interface Settings {
  readonly durationMs: number;
  readonly rounds: number;
  /** Selected by name; undefined: whatever the mode measures by default. */
  readonly gateways: readonly GatewayName[] | undefined;
  readonly shapes: readonly Shape[] | undefined;
}

/** Subgraphs that run, and gateways started on their supergraph. */
export interface Bench {
  readonly subgraphs: RunningSubgraphs;
  start(name: GatewayName, options?: GatewayOptions): Promise<RunningGateway>;
}

/** Subgraphs beside the gateway that answer at once are what sharing connections is for. */
export const PIPELINED = 16;

/**
 * Starts the subgraphs and composes their supergraph into a file that is removed with this process. `maxPipelined` is what our gateway is told
 * of the subgraphs (docs/gateway.md).
 */
export async function startBench(maxPipelined = PIPELINED): Promise<Bench> {
  const subgraphs = await startSubgraphs();
  const folder = mkdtempSync(join(tmpdir(), 'veza-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const supergraph = join(folder, 'supergraph.graphql');
  writeFileSync(supergraph, supergraphAt(subgraphs.ports));
  const config = join(folder, 'gateway.yaml');
  writeFileSync(config, `subgraphs: { all: { concurrency: { maxPipelined: ${maxPipelined} } } }\n`);
  return { subgraphs, start: (name, options) => startGateway(name, { supergraph, config }, options) };
}

const dataOnly = z.strictObject({ data: z.record(z.string(), z.unknown()) });

/** What `to` answers to a shape now; with `reference`, only if it is the same data, in whatever order of fields. Throws otherwise. */
export async function trafficTo(to: RunningGateway, shape: Shape, reference?: Traffic): Promise<Traffic> {
  const { name, address } = to;
  const label = `${name}, ${shape.name}`;
  const expected = await answersOf(address, shape).catch((error: unknown) => {
    throw new Error(`${label}: ${messageOf(error)}`, { cause: error });
  });
  for (const [variant, answer] of expected.entries()) {
    const data = dataOf(label, answer);
    const wanted = reference?.expected[variant];
    if (wanted && !isDeepStrictEqual(data, dataOf(label, wanted)))
      throw new Error(`${label}: other data than ${reference?.to}: ${answer} instead of ${wanted}`);
  }
  return { to: name, address, shape, expected };
}

function dataOf(label: string, answer: Buffer): unknown {
  const text = answer.toString();
  const parsed = dataOnly.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error(`${label}: not an answer of data alone: ${text.slice(0, 500)}`);
  return parsed.data.data;
}

/** One run at full load. */
export interface Measured extends Sample {
  readonly cpuUs: number;
  readonly rssMb: number;
  /** Requests that the subgraphs got per request of the client. */
  readonly fetches: number;
  /** Share of one core that the gateway used; well below 1, load and subgraphs were the limit. */
  readonly busy: number;
}

/** Full load on one gateway. Rejects where a subgraph request lacks the Authorization header that its client sent. */
export async function measure(
  { subgraphs }: Bench,
  gateway: RunningGateway,
  traffic: Traffic,
  durationMs: number,
): Promise<Measured> {
  const before = { ...(await subgraphs.counts()), cpuMs: gateway.cpuMs() };
  const sample = await fullLoad(traffic, durationMs);
  const cpuMs = gateway.cpuMs() - before.cpuMs;
  const after = await subgraphs.counts();
  const requests = after.requests - before.requests;
  const bare = requests - (after.authorized - before.authorized);
  if (traffic.shape.unique && bare > 0)
    throw new Error(`${gateway.name}: ${bare} of ${requests} subgraph requests came without Authorization.`);
  const { answered, rps } = sample;
  const cpuUs = (cpuMs * 1_000) / answered;
  return {
    ...sample,
    cpuUs,
    rssMb: gateway.rssMb(),
    fetches: requests / answered,
    busy: (cpuUs * rps) / 1e6,
  };
}

/** The middle one of some figures; of an even number, the mean of the middle two. */
export function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[Math.floor(index)] ?? Number.NaN;
  return (at((sorted.length - 1) / 2) + at(sorted.length / 2)) / 2;
}
