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
  readonly sentAtMs: number;
  readonly resolve: (data: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A server to which many come at once lets them wait. */
const ANSWER_DEADLINE_MS = 30_000;
/** RFC 6455: closed without a close frame. */
const CONNECTION_LOST = 1006;

/** One media WebSocket: typed requests, notifications in the order in which they were sent. */
export class SignallingSocket {
  readonly #socket: WebSocket;
  readonly #pending = new Map<number, Pending>();
  /** Rejects with SocketClosedError. */
  readonly opened: Promise<void>;
  readonly #onClosed: (closeCode: number) => void;
  #isOver = false;
  #nextId = 1;
  #heardAtMs = performance.now();
  #nextFrame = Promise.withResolvers<void>();

  /**
   * Where it is not open in time it is lost: a host that is gone answers nothing at all, and the browser would wait for minutes. `onClosed` is called
   * once, with the close code.
   */
  constructor(
    url: string,
    openDeadlineMs: number,
    handlers: NotificationHandlers,
    onClosed: (closeCode: number) => void,
  ) {
    const socket = new WebSocket(url, SUBPROTOCOL);
    this.#socket = socket;
    this.#onClosed = onClosed;
    this.opened = new Promise((resolve, reject) => {
      socket.addEventListener('open', () => resolve());
      socket.addEventListener('close', ({ code }) => reject(new SocketClosedError(code)));
    });
    // Whoever sends a request hears of it; without one there is nobody to tell but `onClosed`.
    const deadline = setTimeout(() => this.#giveUp(), openDeadlineMs);
    this.opened.catch(() => undefined).finally(() => clearTimeout(deadline));
    socket.addEventListener('message', ({ data }) => {
      if (this.#isOver) return;
      this.#hear();
      this.#receive(String(data), handlers);
    });
    socket.addEventListener('close', ({ code }) => this.#end(code));
  }

  /** Rejects with SignallingRefusal or SocketClosedError; a server that does not answer in time is taken for lost. */
  async request<M extends RequestMethod>(method: M, data: RequestInput<M>): Promise<RequestAnswer<M>> {
    await this.opened;
    if (this.#isOver || this.#socket.readyState !== WebSocket.OPEN)
      throw new SocketClosedError(CONNECTION_LOST);
    const id = this.#nextId++;
    const { promise: answer, resolve, reject } = Promise.withResolvers<unknown>();
    this.#pending.set(id, { resolve, reject, sentAtMs: performance.now() });
    this.#socket.send(JSON.stringify({ id, method, data }));
    const deadline = setTimeout(() => this.#giveUp(), ANSWER_DEADLINE_MS);
    try {
      // TypeScript does not see that schema and answer of one method belong together.
      return REQUESTS[method].answer.parse(await answer) as RequestAnswer<M>;
    } finally {
      clearTimeout(deadline);
    }
  }

  /** When the last frame came, by `performance.now()`; at first, when the socket was made. */
  get heardAtMs(): number {
    return this.#heardAtMs;
  }

  /** When the request was sent that has waited for its answer for longest; null where none waits. */
  get waitsSinceMs(): number | null {
    const [first = null] = this.#pending.values();
    return first && first.sentAtMs;
  }

  /** Resolves when a frame comes, whichever. Never, if none does. */
  get nextFrame(): Promise<void> {
    return this.#nextFrame.promise;
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

  #hear(): void {
    this.#heardAtMs = performance.now();
    this.#nextFrame.resolve();
    this.#nextFrame = Promise.withResolvers();
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
