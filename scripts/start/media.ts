import { join } from 'node:path';
import { connectSingleUse } from '#platform/single-use.ts';
import { mediaSettings } from '../../media-server/media-process.ts';
import { createMediaServer, type MediaServer } from '../../media-server/server.ts';
import type { Base } from './base.ts';
import type { StartSettings } from './settings.ts';

export interface Media {
  readonly server: MediaServer;
  /** Where a participant opens signalling, or why nobody can. */
  locate(): Promise<
    { available: true; url: string; webUrl: string; canMix: boolean } | { available: false; reason: string }
  >;
  problem(): string | null;
}

export async function openMedia(
  settings: StartSettings,
  base: Base,
  opened: AsyncDisposableStack,
): Promise<Media> {
  const { environment, env, dataDir, secret, url, progress } = settings;
  const own = mediaSettings(
    {
      ...environment,
      HOST: settings.host,
      PORT: settings.port,
      INTERNAL_SECRET: secret,
      RECORDINGS_DIR: environment.RECORDINGS_DIR ?? join(dataDir, 'recordings'),
    },
    env,
  );
  const usedGrants = await connectSingleUse({ redisUrl: environment.REDIS_URL, log: base.log });
  opened.defer(() => usedGrants.close());
  const server = await progress.step('Live audio', () => createMediaServer({ ...base, ...own, usedGrants }));
  opened.defer(() => server.close());
  const signallingUrl = new URL(server.upgrade.path, url).href.replace(/^http/, 'ws');
  return {
    server,
    async locate() {
      const availability = server.availability();
      if (!availability.available) return availability;
      return { available: true, url: signallingUrl, webUrl: url, ...server.abilities };
    },
    problem() {
      const availability = server.availability();
      return availability.available ? null : availability.reason;
    },
  };
}
