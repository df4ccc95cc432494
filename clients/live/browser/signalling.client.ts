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
  type SignallingErrorCode,
} from '#schema/signalling.ts';

/** The server refused a request; the socket is still open. */
export class SignallingRefusal extends Error {
  readonly code: SignallingErrorCode;

  constructor(code: SignallingErrorCode, message: string) {
    super(message);
    this.name = 'SignallingRefusal';
    this.code = code;
  }
}

export const isRefused = (error: unknown, code: SignallingErrorCode): error is SignallingRefusal =>
  error instanceof SignallingRefusal && error.code === code;

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The socket was closed while a request was waiting, or before it was sent. */
export class SocketClosedError extends Error {
  /** The close frame's code; 1006 where the connection was lost. */
  readonly closeCode: number;

  constructor(closeCode: number) {
    super(`The connection to the media server was closed (${closeCode}).`);
    this.name = 'SocketClosedError';
    this.closeCode = closeCode;
  }
}

export type NotificationHandlers = { readonly [E in NotificationEvent]: (data: NotificationData<E>) => void };

interface Pending {
  readonly resolve: (data: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A server to which many come at once lets them wait. */
const ANSWER_DEADLINE_MS = 30_000;
/**
 * ICE is restarted where the network may be another one. Then nothing comes over the old connection, of which the browser may say nothing for minutes;
 * a server that is there answers at once.
 */
const RESTART_DEADLINE_MS = 3_000;
/** A host that is gone answers nothing at all, and the browser would wait for minutes. */
const OPEN_DEADLINE_MS = 8_000;
/** RFC 6455: closed without a close frame. */
const CONNECTION_LOST = 1006;

/** One media WebSocket: typed requests, notifications in the order in which they were sent. */
export class SignallingSocket {
  readonly #socket: WebSocket;
  readonly #pending = new Map<number, Pending>();
  readonly #opened: Promise<void>;
  readonly #onClosed: (closeCode: number) => void;
  #isOver = false;
  #nextId = 1;

  /** `onClosed` is called once, with the close code. */
  constructor(url: string, handlers: NotificationHandlers, onClosed: (closeCode: number) => void) {
    const socket = new WebSocket(url, SUBPROTOCOL);
    this.#socket = socket;
    this.#onClosed = onClosed;
    this.#opened = new Promise((resolve, reject) => {
      socket.addEventListener('open', () => resolve());
      socket.addEventListener('close', ({ code }) => reject(new SocketClosedError(code)));
    });
    // Whoever sends a request hears of it; without one there is nobody to tell but `onClosed`.
    const deadline = setTimeout(() => this.#giveUp(), OPEN_DEADLINE_MS);
    this.#opened.catch(() => undefined).finally(() => clearTimeout(deadline));
    socket.addEventListener('message', ({ data }) => {
      if (!this.#isOver) this.#receive(String(data), handlers);
    });
    socket.addEventListener('close', ({ code }) => this.#end(code));
  }

  /** Rejects with SignallingRefusal or SocketClosedError; a server that does not answer in time is taken for lost. */
  async request<M extends RequestMethod>(method: M, data: RequestInput<M>): Promise<RequestAnswer<M>> {
    await this.#opened;
    if (this.#isOver || this.#socket.readyState !== WebSocket.OPEN)
      throw new SocketClosedError(CONNECTION_LOST);
    const id = this.#nextId++;
    const answer = new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    this.#socket.send(JSON.stringify({ id, method, data }));
    const deadlineMs = method === 'restartIce' ? RESTART_DEADLINE_MS : ANSWER_DEADLINE_MS;
    const deadline = setTimeout(() => this.#giveUp(), deadlineMs);
    try {
      // TypeScript does not see that schema and answer of one method belong together.
      return REQUESTS[method].answer.parse(await answer) as RequestAnswer<M>;
    } finally {
      clearTimeout(deadline);
    }
  }

  close(): void {
    this.#socket.close(1000);
  }

  /** Another socket takes its place: nothing counts any more that comes over this one, its end included. It has to be closed. */
  retire(): void {
    this.#settle(CONNECTION_LOST);
  }

  // Over a dead connection the closing handshake would be waited for, too.
  #giveUp(): void {
    this.#end(CONNECTION_LOST);
    this.close();
  }

  #end(closeCode: number): void {
    if (this.#isOver) return;
    this.#settle(closeCode);
    this.#onClosed(closeCode);
  }

  #settle(closeCode: number): void {
    this.#isOver = true;
    for (const { reject } of this.#pending.values()) reject(new SocketClosedError(closeCode));
    this.#pending.clear();
  }

  #receive(text: string, handlers: NotificationHandlers): void {
    const frame = serverFrame.parse(JSON.parse(text));
    if ('event' in frame) return notify(handlers, frame.event, frame.data);
    const pending = this.#pending.get(frame.id);
    this.#pending.delete(frame.id);
    if (frame.ok) pending?.resolve(frame.data);
    else pending?.reject(new SignallingRefusal(frame.error.code, frame.error.message));
  }
}

// A newer server may know more events than this client: those are passed over.
function notify(handlers: NotificationHandlers, event: string, data: unknown): void {
  if (Object.hasOwn(NOTIFICATIONS, event)) call(handlers, event as NotificationEvent, data);
}

function call<E extends NotificationEvent>(handlers: NotificationHandlers, event: E, data: unknown): void {
  handlers[event](NOTIFICATIONS[event].parse(data) as NotificationData<E>);
}
