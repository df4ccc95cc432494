import { errors } from 'mediasoup';
import type { SignallingErrorCode, SignallingErrorData } from '#schema/signalling.ts';

/** A refused request: its message is shown to the client as it is. */
export class SignallingError extends Error {
  readonly code: SignallingErrorCode;
  readonly retryAfterMs: number | undefined;

  constructor(code: SignallingErrorCode, message: string, retryAfterMs?: number) {
    super(message);
    this.name = 'SignallingError';
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** What a client is told about anything that a handler threw; null where it is a fault of ours, which has to be logged. */
export function describeRefusal(error: unknown): SignallingErrorData | null {
  if (error instanceof SignallingError) {
    const { code, message, retryAfterMs } = error;
    return { code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
  // mediasoup's words for "the router or its worker is gone", and for parameters that do not fit.
  if (error instanceof errors.WorkerClosedError)
    return { code: 'MEDIA_UNAVAILABLE', message: 'The room is being moved. Join again when told so.' };
  if (error instanceof errors.NotFoundError)
    return { code: 'NOT_FOUND', message: 'What the request names was closed meanwhile.' };
  if (error instanceof TypeError || error instanceof errors.UnsupportedError)
    return { code: 'BAD_REQUEST', message: `The media server refused the parameters: ${error.message}.` };
  return null;
}

/**
 * For calls that hand a client's parameters to the worker: it refuses what it cannot use (an SSRC that is in use, for example) with a plain Error,
 * which everywhere else would be a fault of ours.
 */
export async function byWorker<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof Error) || error.constructor !== Error) throw error;
    throw new SignallingError('BAD_REQUEST', `The media worker refused the parameters: ${error.message}.`);
  }
}
