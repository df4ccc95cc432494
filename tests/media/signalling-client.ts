import { WebSocket } from 'ws';
import {
  NOTIFICATIONS,
  REQUESTS,
  serverFrame,
  SUBPROTOCOL,
  type NotificationData,
  type NotificationEvent,
  type RequestAnswer,
  type RequestInput,
  type RequestMethod,
} from '#schema/signalling.ts';
import { Observed } from './observed.ts';

/** A refused request. */
export class Refused extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

interface Pending {
  readonly resolve: (data: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A bare client of the media WebSocket that records every frame from the first moment. */
export class SignallingClient {
  readonly socket: WebSocket;
  readonly opened: Promise<void>;
  /** Code and reason of the close frame. */
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly notifications = new Observed<{ event: string; data: unknown }>();
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;

  constructor(url: string, protocol: string | string[] = SUBPROTOCOL) {
    this.socket = new WebSocket(url, protocol);
    this.opened = new Promise((resolve, reject) => {
      this.socket.once('open', () => resolve());
      this.socket.once('error', reject);
    });
    this.closed = new Promise((resolve) =>
      this.socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })),
    );
    this.socket.on('message', (data) => this.#receive(data.toString()));
    this.socket.on('close', () => this.#fail());
    this.socket.on('error', () => this.#fail());
  }

  async request<M extends RequestMethod>(method: M, data: RequestInput<M>): Promise<RequestAnswer<M>> {
    return REQUESTS[method].answer.parse(await this.requestRaw(method, data)) as RequestAnswer<M>;
  }

  async requestRaw(method: string, data: unknown): Promise<unknown> {
    await this.opened;
    const id = this.#nextId++;
    const answer = new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    this.socket.send(JSON.stringify({ id, method, data }));
    return answer;
  }

  async notified<E extends NotificationEvent>(
    event: E,
    matches: (data: NotificationData<E>) => boolean = () => true,
  ): Promise<NotificationData<E>> {
    const read = (data: unknown) => NOTIFICATIONS[event].parse(data) as NotificationData<E>;
    const found = await this.notifications.find((one) => one.event === event && matches(read(one.data)));
    return read(found.data);
  }

  async close(): Promise<void> {
    this.socket.terminate();
    await this.closed;
  }

  #receive(text: string): void {
    const frame = serverFrame.parse(JSON.parse(text));
    if ('event' in frame) return this.notifications.add({ event: frame.event, data: frame.data });
    const pending = this.#pending.get(frame.id);
    this.#pending.delete(frame.id);
    if (frame.ok) pending?.resolve(frame.data);
    else pending?.reject(new Refused(frame.error.code, frame.error.message));
  }

  #fail(): void {
    for (const { reject } of this.#pending.values()) reject(new Error('the socket was closed'));
    this.#pending.clear();
  }
}
