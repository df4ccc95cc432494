import { ROOM_EVENTS } from './graph.ts';
import { LeanSocket, type SocketAddress } from './socket.ts';
import { nowUs } from './room-log.ts';

const ACK = '"connection_ack"';
const NEXT = '"next"';
/** Near the beginning of every message. */
const TYPE_BYTES = 64;

interface Event {
  readonly cursor: string;
  readonly seq: number;
  readonly sentAtUs: number;
}

/** What is common to the listeners of one room: the messages that they must all get, byte by byte. */
export class Room {
  readonly id: string;
  /** How its listeners ask. */
  readonly query: string;
  /** Told of every delivery. */
  onDelivered: (latencyUs: number) => void = () => undefined;
  /** What was wrong first. */
  fault: string | null = null;
  readonly #messages = new Map<number, { readonly bytes: Buffer; readonly event: Event }>();
  /** Messages of that many last events are kept to compare with. */
  readonly #kept: number;

  constructor(id: string, query = ROOM_EVENTS, kept = 2_000) {
    this.id = id;
    this.query = query;
    this.#kept = kept;
  }

  /** What these bytes say, which are most probably event `seq`; null where they are no whole event. */
  read(bytes: Buffer, seq: number): Event | null {
    const known = this.#messages.get(seq);
    if (known?.bytes.equals(bytes)) return known.event;
    const event = this.#parsed(bytes);
    if (!event) return null;
    const first = this.#messages.get(event.seq);
    if (first && !first.bytes.equals(bytes)) this.fault ??= `event ${event.seq} has come in two forms`;
    this.#messages.set(event.seq, { bytes: Buffer.from(bytes), event });
    this.#messages.delete(event.seq - this.#kept);
    return event;
  }

  #parsed(bytes: Buffer): Event | null {
    const { payload } = JSON.parse(bytes.toString());
    const { seq, cursor, message } = payload?.data?.event ?? {};
    const { author, track, badge, sentAtUs } = message ?? {};
    if (author?.name && track?.title && badge?.label && !payload.errors) return { cursor, seq, sentAtUs };
    this.fault ??= `no whole event: ${bytes.toString().slice(0, 300)}`;
    return null;
  }
}

/** One subscribed socket. It expects each event once, in order. */
export class Listener {
  readonly #room: Room;
  #ready = Promise.withResolvers<void>();
  #socket: LeanSocket | null = null;
  /** Of the last event that came; the first one after a start from now may be any. */
  seq: number | null;
  cursor: string | null = null;
  delivered = 0;
  lost = 0;
  duplicated = 0;
  /** Times that the gateway was too busy. */
  refusals = 0;
  isClosed = false;
  onClosed: (reason: string) => void = () => undefined;

  constructor(room: Room, seq: number | null = null) {
    this.#room = room;
    this.seq = seq;
  }

  /** Resolves once the subscription was sent and answered by its turn: the socket answers a ping behind it. */
  async connect(address: SocketAddress): Promise<void> {
    this.isClosed = false;
    this.#ready = Promise.withResolvers();
    this.#ready.promise.catch(() => undefined);
    const socket = new LeanSocket(address, {
      message: (bytes) => this.#receive(bytes),
      closed: (reason) => {
        if (this.#socket !== socket) return;
        this.isClosed = true;
        this.#ready.reject(new Error(`the socket was closed: ${reason}`));
        this.onClosed(reason);
      },
    });
    this.#socket = socket;
    await socket.opened;
    socket.send({ type: 'connection_init' });
    await this.#ready.promise;
  }

  destroy(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.destroy();
  }

  #receive(bytes: Buffer): void {
    const start = bytes.subarray(0, TYPE_BYTES).toString('latin1');
    if (start.includes(NEXT)) return this.#deliver(bytes);
    if (start.includes(ACK)) return this.#subscribe();
    if (start.includes('"pong"')) return this.#ready.resolve();
    if (start.includes('"error"')) return this.#subscribeLater(bytes.toString());
    if (!start.includes('"ping"'))
      this.#room.fault ??= `unexpected message: ${bytes.toString().slice(0, 300)}`;
  }

  #subscribe(): void {
    const after = this.cursor ?? undefined;
    const payload = { query: this.#room.query, variables: { roomId: this.#room.id, after } };
    this.#socket?.send({ type: 'subscribe', id: '1', payload });
    this.#socket?.send({ type: 'ping' });
  }

  /** A gateway that is busy says when to ask again. */
  #subscribeLater(message: string): void {
    const [error] = JSON.parse(message).payload;
    const { code, retryAfterMs } = error.extensions;
    if (code !== 'SERVICE_UNAVAILABLE') this.#room.fault ??= `refused: ${message}`;
    this.refusals += 1;
    setTimeout(() => this.#subscribe(), retryAfterMs * (0.5 + Math.random()));
  }

  #deliver(bytes: Buffer): void {
    const event = this.#room.read(bytes, (this.seq ?? 0) + 1);
    if (!event) return;
    const expected = this.seq === null ? event.seq : this.seq + 1;
    if (event.seq < expected) return void (this.duplicated += 1);
    this.lost += event.seq - expected;
    this.seq = event.seq;
    this.cursor = event.cursor;
    this.delivered += 1;
    this.#room.onDelivered(nowUs() - event.sentAtUs);
  }
}

const SIDE_BY_SIDE = 100;

/** Connects them, some at a time. */
export async function connectAll(
  listeners: readonly Listener[],
  addressOf: (index: number) => SocketAddress,
): Promise<void> {
  let next = 0;
  const connectSome = async () => {
    while (next < listeners.length) {
      const index = next;
      next += 1;
      await listeners[index]?.connect(addressOf(index));
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, connectSome));
}
