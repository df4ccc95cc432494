import type { FormattedExecutionResult } from 'graphql';
import { holdsUploads } from '../engine/client/multipart.ts';
import { bodyText, type SubgraphClient, type SubgraphFetch } from '../engine/client/subgraph-client.ts';

export interface DedupOptions {
  /** Names, in lower case, of headers that identify a request without changing its answer, such as a correlation id. */
  readonly ignoreHeaders: readonly string[];
  /** A fetch was answered by one that was under way already. */
  readonly onHit?: () => void;
  /** Shared by the clients of a gateway. */
  readonly mutations?: MutationCount;
}

/** Counts mutations that have ended, at any subgraph: a mutation at one may change what another one answers. */
export interface MutationCount {
  ended: number;
}

interface Consumer {
  resolve(result: FormattedExecutionResult): void;
  reject(error: unknown): void;
}

interface Flight {
  readonly consumers: Set<Consumer>;
  readonly controller: AbortController;
}

/**
 * Queries that are equal in everything the subgraph sees, and that are under way at the same time, are sent once. Nothing is kept beyond
 * that, and no query joins one that was sent before a mutation ended: whoever has seen its answer sees what it changed. The request goes on
 * until the last of its consumers has gone away; it carries the deadline of the first one.
 */
export function withDedup(client: SubgraphClient, options: DedupOptions): SubgraphClient {
  const flights = new Map<string, Flight>();
  const ignored = new Set(options.ignoreHeaders);
  const { mutations = { ended: 0 } } = options;
  const start = (key: string, request: SubgraphFetch): Flight => {
    const flight: Flight = { consumers: new Set(), controller: new AbortController() };
    flights.set(key, flight);
    const land = () => {
      if (flights.get(key) === flight) flights.delete(key);
    };
    client.fetch({ ...request, signal: flight.controller.signal }).then(
      (result) => (land(), deliver(result, flight.consumers)),
      (error: unknown) => {
        land();
        for (const consumer of flight.consumers) consumer.reject(error);
      },
    );
    return flight;
  };
  return {
    ...client,
    async fetch(request) {
      if (request.operation.kind === 'mutation')
        return client.fetch(request).finally(() => void (mutations.ended += 1));
      if (request.operation.kind !== 'query' || holdsUploads(request.variables)) return client.fetch(request);
      request.signal.throwIfAborted();
      const body = bodyText(request);
      const key = `${mutations.ended}\n${keyOf(request.headers, ignored, body)}`;
      const running = flights.get(key);
      if (running) options.onHit?.();
      const flight = running ?? start(key, { ...request, body });
      return join(flight, request.signal, () => {
        // Nobody may join a request that is being cut off.
        if (flights.get(key) === flight) flights.delete(key);
      });
    },
  };
}

function join(flight: Flight, signal: AbortSignal, onAbandoned: () => void) {
  const { consumers, controller } = flight;
  return new Promise<FormattedExecutionResult>((resolve, reject) => {
    const settled = () => signal.removeEventListener('abort', leave);
    const consumer: Consumer = {
      resolve: (result) => (settled(), resolve(result)),
      reject: (error) => (settled(), reject(error)),
    };
    const leave = () => {
      consumers.delete(consumer);
      if (consumers.size > 0) return reject(signal.reason);
      onAbandoned();
      // The last one learns from the request itself how it ended.
      consumers.add(consumer);
      controller.abort(signal.reason);
    };
    signal.addEventListener('abort', leave, { once: true });
    consumers.add(consumer);
  });
}

/** Each consumer changes its result, so that each gets one of its own. */
function deliver(result: FormattedExecutionResult, consumers: ReadonlySet<Consumer>): void {
  const text = consumers.size > 1 ? JSON.stringify(result) : '';
  let isFirst = true;
  for (const consumer of consumers) {
    consumer.resolve(isFirst ? result : JSON.parse(text));
    isFirst = false;
  }
}

/** Header values hold no line feed: none can pass for another one or for the body. */
function keyOf(headers: SubgraphFetch['headers'], ignored: ReadonlySet<string>, body: string): string {
  let key = '';
  for (const name of Object.keys(headers).sort()) if (!ignored.has(name)) key += `${name}:${headers[name]}\n`;
  return `${key}\n${body}`;
}
