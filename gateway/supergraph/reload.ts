import { messageOf } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import type { Engine } from '../engine/engine.ts';
import type { TrafficMetrics } from '../traffic/metrics.ts';
import type { SupergraphSource } from './source.ts';

export interface ReloadOptions {
  readonly source: SupergraphSource;
  readonly engine: Pick<Engine, 'swap' | 'supergraphSdl'>;
  readonly metrics: Pick<TrafficMetrics, 'reloaded'>;
  readonly log: Log;
}

/**
 * Serves every good supergraph that the source has from now on. A bad one is logged and counted, and the one before serves on. Returns
 * the function that ends it.
 */
export function followSupergraph({ source, engine, metrics, log }: ReloadOptions): () => void {
  // A text that was refused once is not tried, logged and counted again until it is another one.
  let refused: string | null = null;
  return source.watch({
    async onChange(sdl) {
      if (sdl === refused) return;
      refused = null;
      if (sdl === engine.supergraphSdl) return;
      try {
        await engine.swap(sdl);
        metrics.reloaded('ok');
        log.info({ characters: sdl.length }, 'another supergraph serves');
      } catch (error) {
        refused = sdl;
        metrics.reloaded('refused');
        log.error({ err: error, reason: messageOf(error) }, 'supergraph refused, the one before serves on');
      }
    },
    onFailure(error) {
      metrics.reloaded('unreachable');
      log.error({ err: error }, 'supergraph cannot be read, the one before serves on');
    },
  });
}
