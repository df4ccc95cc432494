import type { FormattedExecutionResult, GraphQLFormattedError } from 'graphql';
import {
  isIncremental,
  type DeferredPayload,
  type IncrementalResult,
} from '../../../gateway/engine/engine.ts';

export interface Parts {
  readonly initial: FormattedExecutionResult;
  readonly payloads: readonly DeferredPayload[];
  /** `hasNext` of every message after the first. */
  readonly hasNext: readonly boolean[];
  /** What the client has in the end. */
  readonly data: unknown;
  readonly errors: readonly GraphQLFormattedError[];
}

/** Reads an answer to its end, as plain JSON, and puts it together as a client does. */
export async function readParts(result: FormattedExecutionResult | IncrementalResult): Promise<Parts> {
  if (!isIncremental(result)) {
    const initial = plain(result);
    return { initial, payloads: [], hasNext: [], data: initial.data, errors: initial.errors ?? [] };
  }
  const initial = plain(result.initial);
  const payloads: DeferredPayload[] = [];
  const hasNext: boolean[] = [];
  for await (const message of result.subsequent) {
    payloads.push(...plain(message.incremental));
    hasNext.push(message.hasNext);
  }
  const data = plain(initial.data);
  for (const payload of payloads) apply(data, plain(payload));
  return {
    initial,
    payloads,
    hasNext,
    data,
    errors: [initial, ...payloads].flatMap((part) => part.errors ?? []),
  };
}

const plain = <T>(value: T): T => (value === undefined ? value : JSON.parse(JSON.stringify(value)));

function apply(root: unknown, { path, data }: DeferredPayload): void {
  let target: unknown = root;
  for (const key of path) target = (target as Record<string | number, unknown>)[key];
  if (typeof target !== 'object' || target === null) throw new Error(`nothing is at ${path.join('.')}`);
  if (data) merge(target as Record<string, unknown>, data);
}

function merge(target: Record<string, unknown>, source: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(source)) {
    const known = Object.hasOwn(target, key) ? target[key] : undefined;
    const isObject =
      typeof known === 'object' && known !== null && typeof value === 'object' && value !== null;
    if (isObject) merge(known as Record<string, unknown>, value as Record<string, unknown>);
    else Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  }
}
