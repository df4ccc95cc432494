import { listen } from '#platform/http.ts';
import type { Running } from '#platform/process.ts';
import { endService, shutdownDeadlineMs, type ShutdownPlan } from '../../gateway/shutdown.ts';
import { createLivePage } from '../../media-server/page/live-page.ts';
import { openBase } from './base.ts';
import type { PlatformEnvironment } from './environment.ts';
import { openGateway } from './gateway.ts';
import { openMedia } from './media.ts';
import type { Progress } from './progress.ts';
import { settingsOf, type StartSettings } from './settings.ts';
import { openSubgraphs, type OpenSubgraphs } from './subgraphs.ts';

export interface RunningPlatform extends Running {
  readonly port: number;
  /** Address under which clients reach it. */
  readonly url: string;
  /** Why live audio does not work, or null where it does. */
  readonly liveAudioProblem: string | null;
  readonly subgraphs: OpenSubgraphs;
  readonly closeDeadlineMs: number;
}

/** Starts every process of the platform inside this one. Rejects with one message that says what failed; nothing is left running then. */
export async function startPlatform(
  environment: PlatformEnvironment,
  env: NodeJS.ProcessEnv,
  progress: Progress,
): Promise<RunningPlatform> {
  // Undone in the opposite order, when a later step fails or when the platform stops.
  await using opened = new AsyncDisposableStack();
  const running = await start(await settingsOf(environment, env, progress), opened);
  const kept = opened.move();
  return { ...running, close: () => kept.disposeAsync() };
}

async function start(
  settings: StartSettings,
  opened: AsyncDisposableStack,
): Promise<Omit<RunningPlatform, 'close'>> {
  const { environment, progress, host, port, url } = settings;
  const base = await openBase(settings, opened);
  const media = await openMedia(settings, base, opened);
  const subgraphs = await progress.step('Subgraphs', () => openSubgraphs(base, media));
  opened.defer(subgraphs.close);
  await media.server.recoverRecordings();
  if (demoDataWanted(environment)) await progress.step('Demo data', () => seedAll(subgraphs));
  const gateway = await progress.step('Gateway', () => openGateway(settings, base, subgraphs, opened));
  const listener = await listen({
    host,
    port,
    log: base.log,
    routes: [
      ...gateway.routes,
      ...(subgraphs.user.subgraph.routes ?? []),
      ...media.server.routes,
      ...createLivePage({ graphqlPath: '/graphql' }),
      ...base.fileRoutes,
    ],
    upgrades: [...gateway.upgrades, media.server.upgrade],
  });
  const plan = shutdownPlan(settings);
  opened.defer(() => endService(gateway, listener, plan));
  return {
    port: listener.port,
    url,
    liveAudioProblem: media.problem(),
    subgraphs,
    closeDeadlineMs: shutdownDeadlineMs(plan),
  };
}

/** Somebody at a terminal waits for it: sockets get less time than those of a gateway by itself. */
function shutdownPlan({ environment, config }: StartSettings): ShutdownPlan {
  const { delayMs, socketsMs = 500, graceMs = environment.SHUTDOWN_GRACE_MS } = config.shutdown;
  return { delayMs, socketsMs, graceMs };
}

const LOOPBACK = /^(127\.|::1$|localhost$)/;

/** The demo accounts have a known password, so only a platform that nobody else can reach gets them unasked. */
export function demoDataWanted({ DEMO_DATA, HOST }: PlatformEnvironment): boolean {
  return DEMO_DATA === undefined ? LOOPBACK.test(HOST) : DEMO_DATA === 'on';
}

async function seedAll({ all }: OpenSubgraphs): Promise<void> {
  for (const { subgraph } of all) await subgraph.seed();
}
