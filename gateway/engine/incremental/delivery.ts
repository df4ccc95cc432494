import type { FormattedExecutionResult } from 'graphql';
import type { DeferredPayload, IncrementalResult, SubsequentResult } from '../engine.ts';
import type { OperationInParts } from '../operation.ts';
import {
  isJsonObject,
  type Execution,
  type JsonObject,
  type ResponseError,
  type ResponsePath,
} from '../plan/execution.ts';
import { publicName } from '../private-names.ts';
import { BUBBLE, type DeferredPart, type Place, type ProjectionRun } from '../projection/complete.ts';
import { collectViolations, collectWithheld, formatted, pathOf, unexplained } from '../response.ts';
import { assignErrors, isHidden, startsWith } from './assign-errors.ts';
import type { DeferralState } from './deferral.ts';

/** A deferred fragment at one place of what was delivered. */
export interface DeferredRecord {
  readonly part: DeferredPart;
  readonly object: JsonObject;
  readonly place: Place | undefined;
  /** Under the names by which fields travel. */
  readonly path: ResponsePath;
}

/** What a record or the first answer became. */
interface Delivered {
  readonly data: JsonObject | null;
  readonly violations: ResponseError[];
  readonly unauthorized: ResponseError[];
}

/** One execution with its bookkeeping. */
export interface DeliveryRun {
  readonly parts: OperationInParts;
  readonly execution: Execution;
  readonly deferral: DeferralState;
  readonly correlationId: string | undefined;
}

/**
 * Cuts one execution into its first answer and the parts that follow. Every object of the first answer that a deferred fragment applies to makes
 * a record; a record is delivered once the fetches of its label are through, and may make further records.
 */
export function deliver(run: DeliveryRun): FormattedExecutionResult | IncrementalResult {
  const delivery = new Delivery(run);
  const initial = delivery.initial();
  return delivery.isOver ? initial : { initial, subsequent: delivery.subsequent() };
}

class Delivery {
  readonly #run: DeliveryRun;
  readonly #introspection: JsonObject;
  /** Every error so far, told or not: it explains nulls. */
  readonly #known: ResponseError[];
  readonly #reported = new Set<string>();
  #waiting: DeferredRecord[] = [];
  #held: readonly ResponseError[] = [];

  constructor(run: DeliveryRun) {
    this.#run = run;
    this.#introspection = run.parts.operation.introspect(run.execution.variables);
    this.#known = [...run.execution.errors];
  }

  get isOver(): boolean {
    return this.#waiting.length === 0;
  }

  initial(): FormattedExecutionResult {
    const { parts, execution } = this.#run;
    const { projection } = parts.operation;
    const first = this.#complete((run) => projection.project(execution.data, execution.variables, run), []);
    const isLater = ({ path }: ResponseError) =>
      path !== undefined &&
      isHidden(first.data, path) &&
      this.#waiting.some((record) => startsWith(path, record.path));
    this.#held = this.#known.filter(isLater);
    const told = this.#known.filter((error) => !this.#held.includes(error));
    return this.#result(first, told);
  }

  async *subsequent(): AsyncGenerator<SubsequentResult, void, void> {
    const { deferral } = this.#run;
    while (!this.isOver) {
      const ready = Map.groupBy(this.#waiting, ({ part }) => part.label);
      for (const label of ready.keys()) if (deferral.isRunning(label)) ready.delete(label);
      if (ready.size === 0) {
        await deferral.settled();
        continue;
      }
      this.#waiting = this.#waiting.filter(({ part }) => !ready.has(part.label));
      const incremental = [...ready].flatMap(([label, records]) => this.#payloads(label, records));
      yield { incremental, hasNext: !this.isOver };
    }
  }

  #payloads(label: string, records: readonly DeferredRecord[]): DeferredPayload[] {
    const { parts, deferral } = this.#run;
    const failures = this.#reported.has(label) ? [] : deferral.errorsOf(label);
    this.#reported.add(label);
    this.#known.push(...failures);
    const delivered = records.map(({ part, object, place, path }) => ({
      path,
      ...this.#complete((run) => part.complete(object, run, place), path),
    }));
    const { errors, held } = assignErrors(delivered, this.#waiting, this.#held, failures);
    this.#held = held;
    const name = parts.labels.get(label);
    return delivered.map((record, index) => ({
      ...this.#result(record, errors[index] ?? []),
      path: record.path.map((key) => (typeof key === 'string' ? publicName(key) : key)),
      ...(name !== undefined && { label: name }),
    }));
  }

  #complete(project: (run: ProjectionRun) => unknown, base: ResponsePath): Delivered {
    const violations: ResponseError[] = [];
    const unauthorized: ResponseError[] = [];
    const found: DeferredRecord[] = [];
    const completed = project({
      introspection: this.#introspection,
      violation: collectViolations(violations),
      unauthorized: collectWithheld(unauthorized),
      defer: (part, object, place) =>
        found.push({ part, object, place, path: place ? pathOf(place.parent, place.key) : [] }),
    });
    const data = completed !== BUBBLE && isJsonObject(completed) ? completed : null;
    // What a bubbling null took away is not waited for.
    this.#waiting.push(...found.filter(({ path }) => isThere(data, path.slice(base.length))));
    return { data, violations, unauthorized };
  }

  #result({ data, violations, unauthorized }: Delivered, errors: readonly ResponseError[]) {
    const all = [...errors, ...unexplained(violations, this.#known), ...unauthorized];
    const shown = all.map((error) => formatted(error, this.#run.correlationId));
    return { ...(shown.length > 0 && { errors: shown }), data };
  }
}

/** Whether the path leads to an object that the client has. */
function isThere(data: unknown, path: ResponsePath): boolean {
  let value = data;
  for (const key of path) {
    if (Array.isArray(value) && typeof key === 'number') value = value[key];
    else if (isJsonObject(value)) value = value[publicName(String(key))];
    else return false;
  }
  return isJsonObject(value);
}
