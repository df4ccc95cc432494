import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '#platform/errors.ts';
import type { SourceHandlers, SupergraphSource } from './source.ts';

export interface UrlSourceOptions {
  readonly url: string;
  /** For example to authenticate. Names are in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly pollMs: number;
  readonly timeoutMs: number;
  /** The pause doubles with every failure, up to this. */
  readonly maxBackoffMs: number;
  /** From 0 to 1. */
  readonly random?: () => number;
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

const MAX_BYTES = 32 * 1024 * 1024;

/** Polls an address, which answers 304 as long as the ETag of its last answer is still right. */
export function createUrlSource(options: UrlSourceOptions): SupergraphSource {
  const { pause = pauseFor } = options;
  let etag: string | null = null;
  const read = async (ending?: AbortSignal) => {
    const answer = await ask(options, etag, ending);
    if (answer) etag = answer.etag;
    return answer?.sdl ?? null;
  };
  return {
    async read() {
      etag = null;
      const sdl = await read();
      if (sdl === null) throw failure(options.url, 'it answered 304 to an unconditional request');
      return sdl;
    },
    watch(handlers) {
      const ending = new AbortController();
      const { signal } = ending;
      void poll(
        () => read(signal),
        handlers,
        options,
        (ms) => pause(ms, signal),
        signal,
      );
      return () => ending.abort();
    },
  };
}

const pauseFor = (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal, ref: false });

async function poll(
  read: () => Promise<string | null>,
  { onChange, onFailure }: SourceHandlers,
  { pollMs, maxBackoffMs, random = Math.random }: UrlSourceOptions,
  pause: (ms: number) => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    // A tenth of jitter, so that gateways that were started together do not ask together for ever.
    const waitMs = Math.min(pollMs * 2 ** failures, Math.max(pollMs, maxBackoffMs)) * (0.9 + 0.2 * random());
    await pause(waitMs).catch(() => undefined);
    if (signal.aborted) return;
    try {
      const sdl = await read();
      failures = 0;
      if (sdl !== null) await onChange(sdl);
    } catch (error) {
      // What ended the polling is no failure of the source.
      if (signal.aborted) return;
      failures = Math.min(failures + 1, 30);
      onFailure(error instanceof Error ? error : new Error(messageOf(error)));
    }
  }
}

/** Null: not modified. */
async function ask(
  { url, headers, timeoutMs }: UrlSourceOptions,
  etag: string | null,
  ending?: AbortSignal,
): Promise<{ sdl: string; etag: string | null } | null> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = ending ? AbortSignal.any([ending, timeout]) : timeout;
  try {
    const sent = new Headers(headers);
    if (etag !== null) sent.set('if-none-match', etag);
    const response = await fetch(url, { headers: sent, signal });
    if (response.status === 304) return null;
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`it answered ${response.status}`);
    }
    return { sdl: await limitedText(response), etag: response.headers.get('etag') };
  } catch (error) {
    throw failure(url, reasonOf(error));
  }
}

async function limitedText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error(`it answered with more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** fetch hides the reason of a refused connection one level deeper. */
const reasonOf = (error: unknown) =>
  messageOf(error instanceof TypeError && error.cause !== undefined ? error.cause : error);

/** The address without its query and user, which may hold a token. */
function failure(url: string, reason: string): Error {
  const { origin, pathname } = new URL(url);
  return new Error(`Cannot get the supergraph from ${origin}${pathname}: ${reason}`);
}
