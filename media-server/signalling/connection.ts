import { WebSocket, type RawData } from 'ws';
import type { Log } from '#platform/log.ts';
import {
  CLOSE_CODES,
  MAX_FRAME_BYTES,
  NORMAL_CLOSURE,
  requestFrame,
  type CloseReason,
  type NotificationData,
  type NotificationEvent,
  type ServerFrame,
  type SignallingErrorData,
} from '#schema/signalling.ts';
import { fullBucket, takeToken } from '../domain/token-bucket.ts';
import { describeRefusal } from './signalling-error.ts';

const BURST_REQUESTS = 200;
const REQUESTS_PER_SECOND = 50;
/** Refused and waiting requests that a client may pile up before it is disconnected. */
const MAX_OFFENCES = 100;
const MAX_QUEUED = 256;
/** A client that does not read loses hints first, and then the connection. */
const HINT_BUFFER_BYTES = 64 * 1024;
const MAX_BUFFER_BYTES = 1024 * 1024;

/** Whoever is asked between keep-alives answers in less, or is gone. */
const PROBE_MS = 3_000;

export interface ConnectionOptions {
  readonly log: Log;
  readonly heartbeatMs: number;
  /**
   * Answers one request; called for one at a time, in the order of arrival, but for `ping`, for which nothing else is waited for. A function is called
   * for the answer in the moment in which it is sent: what was told meanwhile came before it.
   */
  readonly onRequest: (method: string, data: unknown) => Promise<unknown>;
  /** Called once. `reason` is null where the other side, or the network, closed. */
  readonly onClosed: (reason: CloseReason | 'LEFT' | null) => void;
}

/** A signalling socket: frames in and out, order, limits and liveness. It knows nothing of rooms. */
export class Connection {
  readonly #socket: WebSocket;
  readonly #options: ConnectionOptions;
  readonly #heartbeat: NodeJS.Timeout;
  #bucket = fullBucket(BURST_REQUESTS, REQUESTS_PER_SECOND, Date.now());
  #offences = 0;
  #queued = 0;
  #last: Promise<void> = Promise.resolve();
  #answered = true;
  #probe: NodeJS.Timeout | null = null;
  #reason: CloseReason | 'LEFT' | null = null;
  #closed = false;

  constructor(socket: WebSocket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#heartbeat = setInterval(() => this.#beat(), options.heartbeatMs);
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    socket.on('pong', () => this.#alive());
    // Always followed by `close`; ws has then answered the broken frame with its code.
    socket.on('error', (error) => options.log.debug({ err: error }, 'media socket failed'));
    socket.once('close', () => this.#ended());
  }

  get closed(): boolean {
    return this.#closed;
  }

  notify<E extends NotificationEvent>(event: E, data: NotificationData<E>): void {
    this.#send({ event, data });
  }

  /** As notify, of a frame that is written already: many are told the same. */
  forward(frame: string): void {
    this.#write(frame);
  }

  /** As forward, for what is outdated soon: dropped while the client is behind. */
  hint(frame: string): void {
    if (this.#socket.bufferedAmount < HINT_BUFFER_BYTES) this.#write(frame);
  }

  /** Asks whether the client is there, sooner than the next keep-alive would: its audio has fallen silent. */
  probe(): void {
    if (this.#closed || this.#probe) return;
    // The keep-alive that comes next is to find this one answered.
    this.#heartbeat.refresh();
    if (this.#answered) this.#beat();
    this.#probe = setTimeout(() => this.#beat(), PROBE_MS);
  }

  /** Closes with that reason's code. `LEFT` is the normal end. The first call counts. */
  close(reason: CloseReason | 'LEFT'): void {
    if (this.#closed) return;
    this.#reason = reason;
    this.#socket.close(reason === 'LEFT' ? NORMAL_CLOSURE : CLOSE_CODES[reason], reason);
    // The other side may never answer the close frame; its peer must be gone now all the same.
    this.#ended();
  }

  #ended(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#heartbeat);
    this.#endProbe();
    this.#options.onClosed(this.#reason);
  }

  #alive(): void {
    this.#answered = true;
    this.#endProbe();
  }

  #endProbe(): void {
    if (this.#probe) clearTimeout(this.#probe);
    this.#probe = null;
  }

  #beat(): void {
    if (!this.#answered) {
      this.close('HEARTBEAT_LOST');
      this.#socket.terminate();
      return;
    }
    this.#answered = false;
    this.#socket.ping();
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (this.#closed) return;
    const text = data.toString();
    if (isBinary) return this.close('BAD_FRAME');
    if (Buffer.byteLength(text) > MAX_FRAME_BYTES) return this.close('FRAME_TOO_LARGE');
    const frame = requestFrame.safeParse(parseJson(text));
    if (!frame.success) return this.close('BAD_FRAME');
    const { id, method, data: request } = frame.data;
    if (this.#admit(id)) this.#enqueue(id, method, request);
  }

  #admit(id: number): boolean {
    const { bucket, waitMs } = takeToken(this.#bucket, Date.now());
    this.#bucket = bucket;
    if (waitMs === 0) return true;
    this.#offences++;
    if (this.#offences > MAX_OFFENCES) this.close('RATE_LIMITED');
    else this.#refuse(id, { code: 'RATE_LIMITED', message: 'Too many requests.', retryAfterMs: waitMs });
    return false;
  }

  #enqueue(id: number, method: string, data: unknown): void {
    // Whoever wants to know whether this socket is alive does not wait for what else they have asked.
    if (method === 'ping') return void this.#answer(id, method, data);
    if (this.#queued >= MAX_QUEUED) return this.close('RATE_LIMITED');
    this.#queued++;
    this.#last = this.#last.then(() => {
      this.#queued--;
      return this.#answer(id, method, data);
    });
  }

  async #answer(id: number, method: string, data: unknown): Promise<void> {
    if (this.#closed) return;
    try {
      const answer = await this.#options.onRequest(method, data);
      this.#send({ id, ok: true, data: typeof answer === 'function' ? answer() : answer });
      if (method === 'leave') this.close('LEFT');
    } catch (error) {
      const refusal = describeRefusal(error);
      if (!refusal) this.#options.log.error({ err: error, method }, 'media request failed');
      this.#refuse(id, refusal ?? { code: 'INTERNAL', message: 'Internal error of the media server.' });
    }
  }

  #refuse(id: number, error: SignallingErrorData): void {
    this.#send({ id, ok: false, error });
  }

  #send(frame: ServerFrame): void {
    this.#write(JSON.stringify(frame));
  }

  #write(frame: string): void {
    if (this.#closed || this.#socket.readyState !== WebSocket.OPEN) return;
    if (this.#socket.bufferedAmount > MAX_BUFFER_BYTES) {
      this.close('RATE_LIMITED');
      this.#socket.terminate();
      return;
    }
    this.#socket.send(frame);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
