import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { services } from '../../support/services.ts';
import { table } from '../table.ts';
import { startGateway } from './gateways.ts';
import { POSTED, POSTED_TOPIC } from './graph.ts';
import { createHistogram } from './histogram.ts';
import { connectAll, Listener, Room } from './listeners.ts';
import { publishAt } from './publishing.ts';
import type { Settings } from './settings.ts';
import { startSubgraphs } from './subgraphs.ts';
import { until } from './until.ts';

export interface TwoGatewaysFigures {
  readonly p50Ms: number;
  readonly p95Ms: number;
}

const EVENTS_PER_S = 1_000;
const ROOMS = 100;
const WARM_UP_S = 3;
const ARRIVAL_MS = 30_000;

/**
 * Events are announced on Redis, which two gateways hear once each, and completed by four fetches at each of them; every room has a listener at
 * both. Rejects where an event is lost or repeated.
 */
export async function twoGateways(settings: Settings): Promise<TwoGatewaysFigures> {
  const REDIS_URL = services.redisUrl ?? 'redis://127.0.0.1:6379';
  const subgraphs = await startSubgraphs(REDIS_URL);
  const config = join(mkdtempSync(join(tmpdir(), 'veza-bench-')), 'gateway.yaml');
  writeFileSync(
    config,
    `subgraphs: { rooms: { subscriptions: { upstream: topics, topics: { posted: "${POSTED_TOPIC}" } } } }\n`,
  );
  const options = { ...subgraphs, env: { REDIS_URL, GATEWAY_CONFIG: config } };
  const gateways = [await startGateway('veza', options), await startGateway('veza', options)];
  const rooms = Array.from({ length: ROOMS }, (_, at) => new Room(`two${process.pid}-${at}`, POSTED));
  const listeners = gateways.flatMap(({ port }) =>
    rooms.map((room) => ({ port, listener: new Listener(room, 0) })),
  );
  await connectAll(
    listeners.map(({ listener }) => listener),
    (index) => ({ port: listeners[index]?.port ?? 0 }),
  );
  let published = 0;
  const publish = () => {
    subgraphs.publish(rooms[published % ROOMS]?.id ?? '');
    published += 1;
  };
  const measure = async (seconds: number) => {
    const histogram = createHistogram();
    for (const room of rooms) room.onDelivered = histogram.add;
    const count = await publishAt(EVENTS_PER_S, seconds, publish);
    await until(() => histogram.count >= count * gateways.length, 'events are missing', ARRIVAL_MS);
    return histogram;
  };
  await measure(WARM_UP_S);
  const cpuMs = () => gateways.reduce((sum, gateway) => sum + gateway.cpuMs(), 0);
  const before = { cpuMs: cpuMs(), published };
  const histogram = await measure(settings.seconds * settings.rounds);
  const cpuUs = ((cpuMs() - before.cpuMs) * 1_000) / (published - before.published) / gateways.length;
  const fault = rooms.find((room) => room.fault !== null)?.fault;
  if (fault || listeners.some(({ listener }) => listener.lost + listener.duplicated > 0))
    throw new Error(fault ?? 'events are lost or repeated');
  for (const { listener } of listeners) listener.destroy();
  for (const gateway of [...gateways, subgraphs]) await gateway.end();
  const [p50Ms, p95Ms] = [histogram.percentileMs(0.5), histogram.percentileMs(0.95)];
  console.log(
    `\ntwoGateways: ${EVENTS_PER_S} events/s on Redis, each completed by four fetches at both gateways\n`,
  );
  const cells = [p50Ms.toFixed(1), p95Ms.toFixed(1), cpuUs.toFixed(0), (1e6 / cpuUs).toFixed(0)];
  console.log(table(['p50 ms', 'p95 ms', 'CPU µs/event at each', 'projected events/s, one core'], [cells]));
  return { p50Ms, p95Ms };
}
