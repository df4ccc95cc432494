import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { CodedError } from '#platform/errors.ts';
import type { HttpRoute, UpgradeRoute } from '#platform/http.ts';
import { CORRELATION_HEADER, correlationIdOf } from '../http/correlation.ts';
import { readAccept } from '../http/media-types.ts';
import { AdmissionRefused, createAdmission } from './admission.ts';
import type { TrafficMetrics } from './metrics.ts';
import type { Pressure } from './pressure.ts';

export interface SheddingOptions {
  /** Client requests that are worked on at the same time. Event streams do not count: they live for hours. */
  readonly maxConcurrent: number;
  readonly maxQueued: number;
  readonly maxWaitMs: number;
  readonly retryAfterS: number;
  readonly pressure: Pick<Pressure, 'now'>;
  readonly metrics: Pick<TrafficMetrics, 'shed' | 'waiting'>;
}

export interface LoadShedding {
  /** Answers 503 with Retry-After, before the body is read, where a request cannot be served in time. */
  route(route: HttpRoute): HttpRoute;
  /** Takes no further socket while there is too much of something. */
  upgrade(route: UpgradeRoute): UpgradeRoute;
}

/** Refuses work that there is no room for, so that what was accepted is still answered. */
export function createLoadShedding(options: SheddingOptions): LoadShedding {
  const { pressure, metrics, retryAfterS } = options;
  const admission = createAdmission({ ...options, onQueue: metrics.waiting });
  const enter = async (gone: AbortSignal, isStream: boolean) => {
    const kind = pressure.now();
    if (kind) throw overloaded(kind);
    if (isStream) return () => undefined;
    return admission.enter(gone).catch((error: unknown) => {
      throw error instanceof AdmissionRefused ? overloaded(error.reason) : error;
    });
  };
  const overloaded = (reason: string) => {
    metrics.shed(reason);
    return new CodedError('SERVICE_UNAVAILABLE', 'The gateway is busy. Try again later.', {
      retryAfterMs: retryAfterS * 1_000,
    });
  };
  return {
    route: (route) => ({
      ...route,
      async handle(request, response, url) {
        // A preflight is next to no work, and a browser would not tell its page why it was refused.
        if (request.method === 'OPTIONS') return route.handle(request, response, url);
        const { eventStream } = readAccept(request.headers.accept);
        const leave = await enter(goneSignal(response), eventStream).catch((error: unknown) => {
          const correlationId = correlationIdOf(request.headers[CORRELATION_HEADER]);
          response.setHeader(CORRELATION_HEADER, correlationId);
          response.setHeader('cache-control', 'no-store');
          response.setHeader('retry-after', retryAfterS);
          throw withCorrelation(error, correlationId);
        });
        try {
          await route.handle(request, response, url);
        } finally {
          leave();
        }
      },
    }),
    upgrade: (route) => ({
      ...route,
      handle(request, socket, head) {
        const kind = pressure.now();
        if (!kind) return route.handle(request, socket, head);
        metrics.shed(kind);
        refuseSocket(socket, retryAfterS);
      },
    }),
  };
}

function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  // An abort costs an error with its stack: none after every answer.
  response.once('close', () => response.writableFinished || gone.abort());
  return gone.signal;
}

function withCorrelation(error: unknown, correlationId: string): unknown {
  if (!(error instanceof CodedError)) return error;
  return new CodedError(error.code, error.message, { ...error.details, correlationId });
}

function refuseSocket(socket: Duplex, retryAfterS: number): void {
  socket.end(
    `HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: ${retryAfterS}\r\ncontent-length: 0\r\n\r\n`,
    () => socket.destroy(),
  );
}
