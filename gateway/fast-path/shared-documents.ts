import { getOperationAST, type DocumentNode, type FormattedExecutionResult } from 'graphql';
import { holdsUploads } from '../engine/client/multipart.ts';
import type { Engine, EngineScope } from '../engine/engine.ts';
import { isTooDeep } from '../engine/variables.ts';
import { createSharedRuns, keyOf, type SharedRuns } from './shared-runs.ts';

type Runs = SharedRuns<FormattedExecutionResult>;

/**
 * An engine of which equal queries that are under way at the same time, as documents, share one run and its result: nobody may change it. What
 * Apollo Server passes on is shared this way, as the fast path shares what does not pass through it.
 */
export function withSharedDocuments(engine: Engine, ignoredHeaders: readonly string[]): Engine {
  const ignored = new Set(ignoredHeaders);
  const byDocument = new WeakMap<DocumentNode, Runs>();
  const runsOf = (document: DocumentNode): Runs => {
    let runs = byDocument.get(document);
    if (!runs) byDocument.set(document, (runs = createSharedRuns()));
    return runs;
  };
  const executeDocument: Engine['executeDocument'] = (document, name, variables, scope, schema) => {
    const isQuery = getOperationAST(document, name)?.operation === 'query';
    if (!isQuery || isTooDeep(variables) || holdsUploads(variables))
      return engine.executeDocument(document, name, variables, scope, schema);
    const asked = JSON.stringify([name, variables]);
    const key = `${engine.mutationsEnded}\n${keyOf(scope, ignored, asked)}`;
    const runs = runsOf(document);
    const start = (signal: AbortSignal) =>
      engine.executeDocument(document, name, variables, { ...scope, signal }, schema);
    return (runs.find(key) ?? runs.start(key, start)).join(clientOf(scope));
  };
  // Inherited rather than copied, because what `apiSchema` and others say changes.
  return Object.assign(Object.create(engine), { executeDocument });
}

const clientOf = ({ signal }: EngineScope) => ({
  once: (_event: 'close', leave: () => void) => signal.addEventListener('abort', leave, { once: true }),
});
