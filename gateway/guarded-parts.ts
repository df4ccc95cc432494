import type { Log } from '#platform/log.ts';
import type { Engine } from './engine/engine.ts';

const MAX_NAMED = 20;

/**
 * For a gateway that verifies no tokens: says, now and whenever another supergraph serves, that there are parts which nobody will ever see. Without a
 * word their nulls would look like a fault of a subgraph.
 */
export function warnOfGuardedParts(engine: Pick<Engine, 'guarded' | 'onSwap'>, log: Log): void {
  const warn = ({ guarded }: Pick<Engine, 'guarded'>) => {
    const parts = guarded();
    if (parts.length === 0) return;
    const fields = { guarded: parts.length, parts: parts.slice(0, MAX_NAMED) };
    log.warn(
      fields,
      'no JWKS_URL: nobody is signed in, and parts of the supergraph that demand it stay closed',
    );
  };
  warn(engine);
  engine.onSwap(warn);
}
