import { DEADLINE_HEADER } from '#platform/deadline.ts';
import { CodedError } from '#platform/errors.ts';
import { isIncremental, type Engine, type EngineScope } from '../engine/engine.ts';
import { engineLayer, type Answer } from './engine-layer.ts';

/**
 * Ends every query and mutation, deferred parts included, `deadlineMs` after it began to run: what has not been fetched by then is null,
 * with SUBGRAPH_TIMEOUT. Subgraphs are told with every request how much of it is left. Subscriptions have no end of their own.
 */
export function withDeadline(engine: Engine, deadlineMs: number): Engine {
  return engineLayer(engine, async (scope, run) => {
    const { limited, clear } = startDeadline(scope, deadlineMs);
    const answer = await run(limited);
    return clearedAtEnd(answer, clear);
  });
}

function startDeadline(scope: EngineScope, deadlineMs: number) {
  const controller = new AbortController();
  const endsAtMs = performance.now() + deadlineMs;
  const onAbort = () => controller.abort(scope.signal.reason);
  const timer = setTimeout(
    () => controller.abort(new CodedError('SUBGRAPH_TIMEOUT', 'The request took too long.')),
    deadlineMs,
  );
  scope.signal.addEventListener('abort', onAbort, { once: true });
  if (scope.signal.aborted) onAbort();
  const left = () => String(Math.max(1, Math.round(endsAtMs - performance.now())));
  // Descriptors, not values: some headers are written anew for every request that is sent.
  const headers: EngineScope['headers'] = Object.defineProperties(
    {},
    {
      ...Object.getOwnPropertyDescriptors(scope.headers),
      [DEADLINE_HEADER]: { enumerable: true, get: left },
    },
  );
  const clear = () => {
    clearTimeout(timer);
    scope.signal.removeEventListener('abort', onAbort);
  };
  return { limited: { ...scope, headers, signal: controller.signal }, clear };
}

/** An answer in parts is not over when its first part is there. */
function clearedAtEnd<T extends Answer>(answer: T, clear: () => void): T {
  if (typeof answer === 'string' || !isIncremental(answer)) {
    clear();
    return answer;
  }
  const { subsequent } = answer;
  async function* parts() {
    try {
      yield* subsequent;
    } finally {
      clear();
    }
  }
  return Object.assign({}, answer, { subsequent: parts() });
}
