import { connectChannels, connectLiveBus } from '#platform/events/connect.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import type { Log } from '#platform/log.ts';
import type { GatewayConfig } from './config-schema.ts';

/** Where a gateway hears of events, besides from the subgraphs themselves. */
export interface EventSources {
  /** Of the platform. */
  readonly liveBus: LiveBus;
  /** Where others publish, under names of their own; null where the configuration names no topics. */
  readonly channels: LiveBus | null;
  /** Proves to a subgraph that it is the platform which polls; null where there is none. */
  readonly secret: string | null;
}

/** The settings that make subgraphs come to need event sources, by how. */
export function eventDrivenSettings({ subgraphs }: GatewayConfig): Record<'polls' | 'topics', string[]> {
  const settings: Record<'polls' | 'topics', string[]> = { polls: [], topics: [] };
  for (const [name, { subscriptions }] of Object.entries(subgraphs)) {
    const upstream = subscriptions?.upstream;
    if (upstream === 'polls' || upstream === 'topics')
      settings[upstream].push(`subgraphs.${name}.subscriptions.upstream`);
  }
  return settings;
}

export interface SourceVariables {
  readonly REDIS_URL?: string | undefined;
  readonly INTERNAL_SECRET?: string | undefined;
}

/** Variables that are missing for what the configuration asks of a gateway as a process of its own, each with what needs it. */
export function missingVariables(
  config: GatewayConfig,
  { REDIS_URL, INTERNAL_SECRET }: SourceVariables,
): string[] {
  const { polls, topics } = eventDrivenSettings(config);
  const needed = [
    { name: 'REDIS_URL', isMissing: !REDIS_URL, by: [...polls, ...topics] },
    { name: 'INTERNAL_SECRET', isMissing: !INTERNAL_SECRET, by: polls },
  ];
  return needed
    .filter(({ isMissing, by }) => isMissing && by.length > 0)
    .map(({ name, by }) => `${name}: is required by ${by.join(', ')}`);
}

/** The same for the platform in one process, whose own subgraphs share a live bus with the gateway, be it in memory. */
export function missingInOneProcess(
  config: GatewayConfig,
  isOwn: (subgraph: string) => boolean,
  variables: Pick<SourceVariables, 'REDIS_URL'>,
): string[] {
  const subgraphs = Object.entries(config.subgraphs).filter(
    ([name, { subscriptions }]) => subscriptions?.upstream === 'topics' || !(name === 'all' || isOwn(name)),
  );
  const foreign = { ...config, subgraphs: { all: {}, ...Object.fromEntries(subgraphs) } };
  return missingVariables(foreign, { ...variables, INTERNAL_SECRET: 'of this installation' });
}

export interface OpenEventSources {
  /** Null where there is no Redis, or nobody needs it. */
  readonly sources: EventSources | null;
  close(): Promise<void>;
}

/** Connects to Redis for what the configuration needs, and for `isWanted`. Throws SERVICE_UNAVAILABLE naming the server where it does not answer. */
export async function openEventSources(
  config: GatewayConfig,
  { REDIS_URL: redisUrl, INTERNAL_SECRET: secret }: SourceVariables,
  isWanted: boolean,
  log: Log,
): Promise<OpenEventSources> {
  const { polls, topics } = eventDrivenSettings(config);
  if (!redisUrl || !(isWanted || polls.length > 0 || topics.length > 0))
    return { sources: null, close: async () => undefined };
  const liveBus = await connectLiveBus({ redisUrl, log });
  const channels = topics.length > 0 ? await connectChannels({ redisUrl, log }) : null;
  return {
    sources: { liveBus, channels, secret: secret ?? null },
    close: async () => {
      await channels?.close();
      await liveBus.close();
    },
  };
}
