import type { DeferNode, DeferredNode, PlanNode } from '@apollo/query-planner';
import { messageOf } from '#platform/errors.ts';
import { readsContext } from './context-order.ts';
import type { Execution, ResponseError, Run } from './execution.ts';
import { fetchesOf } from './fetches-of.ts';

interface Part {
  readonly label: string;
  /** Fetches that it waits for; null: all that come before. */
  readonly depends: readonly string[] | null;
  /** Undefined where what comes before has fetched it all. */
  readonly run: Run | undefined;
}

/** Runs the primary part, which is all that the returned promise waits for; the others begin as soon as what they depend on was fetched. */
export function compileDefer(node: DeferNode, compile: (child: PlanNode) => Run): Run {
  const { node: primaryNode } = node.primary;
  const primary = primaryNode && compile(primaryNode);
  const known = new Set(uniqueIds(fetchesOf(node).flatMap(({ id }) => id ?? [])));
  // The planner does not say which fetch brings a context.
  const isTold = ({ depends, node: child }: DeferredNode) =>
    depends.every(({ id }) => known.has(id)) && !(child && readsContext(child) !== 'never');
  const parts = node.deferred.map((part): Part => ({
    label: part.label ?? '',
    depends: isTold(part) ? part.depends.map(({ id }) => id) : null,
    run: part.node && compile(part.node),
  }));
  return (execution) => {
    const { deferral } = execution;
    if (!deferral) throw new Error('the plan defers, which nobody asked for');
    const running = Promise.resolve(primary?.(execution));
    const before = Promise.all([execution.enclosing, running]);
    for (const part of parts) deferral.add(part.label, runPart(part, execution, before));
    return running;
  };
}

/** The planner gives several fetches of a mutation one id at times, which then says nothing. */
const uniqueIds = (ids: readonly string[]) => ids.filter((id) => ids.indexOf(id) === ids.lastIndexOf(id));

const ENDED: ResponseError = {
  message: 'The request ended before it was answered.',
  extensions: { code: 'SUBGRAPH_TIMEOUT' },
};

/** Errors are the part's own. The data is shared: each part adds to it what the others do not look at. */
async function runPart(
  { depends, run }: Part,
  execution: Execution,
  before: Promise<unknown>,
): Promise<readonly ResponseError[]> {
  const errors: ResponseError[] = [];
  const { earlierErrors = [], errors: above, deferral, log } = execution;
  try {
    const fetches = depends?.map((id) => deferral?.fetched(id).promise) ?? [before];
    // A fetch that was left out reports nothing, so the end of all that comes before counts as well.
    await Promise.race([Promise.all(fetches), before]);
    if (execution.signal.aborted) errors.push(ENDED);
    else
      await run?.({ ...execution, errors, enclosing: before, earlierErrors: [...earlierErrors, ...above] });
  } catch (error) {
    log.error({ err: messageOf(error) }, 'deferred part failed');
    errors.push({ message: 'Internal server error.', extensions: { code: 'INTERNAL_SERVER_ERROR' } });
  }
  return errors;
}

/** A fetch that deferred parts may wait for. */
export function reportingFetch(id: string, run: Run): Run {
  return async (execution) => {
    await run(execution);
    execution.deferral?.fetched(id).resolve();
  };
}
