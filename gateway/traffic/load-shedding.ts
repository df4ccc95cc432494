import { CodedError } from '#platform/errors.ts';
import { refuseUpgrade, type UpgradeRoute } from '#platform/http.ts';
import { Admission, AdmissionRefused } from './admission.ts';
import type { TrafficMetrics } from './metrics.ts';
import type { Pressure } from './pressure.ts';

export interface SheddingOptions {
  /** Operations of clients that are worked on at the same time. Subscriptions count until they are live: after that they go on for hours. */
  readonly maxConcurrent: number;
  readonly maxQueued: number;
  readonly maxWaitMs: number;
  readonly retryAfterS: number;
  readonly pressure: Pick<Pressure, 'now'>;
  readonly metrics: Pick<TrafficMetrics, 'shed' | 'waiting'>;
}

/** Told why a request is refused. */
export interface Refused {
  shed(reason: string): void;
}

/**
 * Waits for a place; resolves with the function that gives it back, which may be called more than once. Rejects with SERVICE_UNAVAILABLE,
 * `retryAfterMs` among its details, where there is no place in time, and with the signal's reason where it aborts before. The signal is
 * asked for only where somebody has to wait.
 */
export type Enter = (request: Refused, gone: () => AbortSignal) => Promise<() => void>;

export interface LoadShedding {
  readonly enter: Enter;
  /** Takes no further socket while there is too much of something. */
  upgrade(route: UpgradeRoute): UpgradeRoute;
}

const stay = () => undefined;

/** For a gateway that takes everybody. */
export const enterAlways: Enter = async () => stay;

/** Refuses work that there is no room for, so that what was accepted is still answered. */
export function createLoadShedding(options: SheddingOptions): LoadShedding {
  const { pressure, metrics, retryAfterS } = options;
  const admission = new Admission({ ...options, onQueue: metrics.waiting });
  const overloaded = (request: Refused, reason: string) => {
    metrics.shed(reason);
    request.shed(reason);
    return new CodedError('SERVICE_UNAVAILABLE', 'The gateway is busy. Try again later.', {
      retryAfterMs: retryAfterS * 1_000,
    });
  };
  return {
    async enter(request, gone) {
      const kind = pressure.now();
      if (kind) throw overloaded(request, kind);
      if (!admission.tryEnter())
        await admission.wait(gone()).catch((error: unknown) => {
          throw error instanceof AdmissionRefused ? overloaded(request, error.reason) : error;
        });
      return leavingOnce(admission);
    },
    upgrade: (route) => ({
      ...route,
      handle(request, socket, head) {
        const kind = pressure.now();
        if (!kind) return route.handle(request, socket, head);
        metrics.shed(kind);
        refuseUpgrade(socket, '503 Service Unavailable', `retry-after: ${retryAfterS}\r\n`);
      },
    }),
  };
}

function leavingOnce(admission: Admission): () => void {
  let isLeft = false;
  return () => {
    if (isLeft) return;
    isLeft = true;
    admission.leave();
  };
}
