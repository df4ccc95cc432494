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
  const clear = () => {
    clearTimeout(timer);
    scope.signal.removeEventListener('abort', onAbort);
  };
  return { limited: { ...scope, endsAtMs, signal: controller.signal }, clear };
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
