import type { ClientOptions } from 'graphql-ws';
import { WebSocket } from 'ws';

/** Pings of one socket and the pongs to them, which come in order. */
export interface Heartbeat {
  readonly listeners: NonNullable<ClientOptions['on']>;
  /** Resolves with the pong to a ping that is sent after what was just handed to the client; never if the socket closes before. */
  nextPong(): Promise<void>;
  stop(): void;
}

/** A socket that leaves a ping unanswered for `timeoutMs` is cut. */
export function createHeartbeat(timeoutMs: number): Heartbeat {
  let socket: WebSocket | undefined;
  let starting: (() => void)[] = [];
  const pongs = createPongs(timeoutMs, () => socket?.terminate());
  const onClosed = () => {
    socket = undefined;
    // Those who wait learn of the end from the client, which knows why.
    starting = [];
    pongs.clear();
  };
  const ping = () => {
    // The client sends `subscribe` some microtasks after it was told to, or after the socket was acknowledged.
    setImmediate(() => {
      if (socket?.readyState !== WebSocket.OPEN || starting.length === 0) return;
      const resolvers = starting;
      starting = [];
      socket.send('{"type":"ping"}');
      pongs.expect(resolvers);
    });
  };
  const listeners: Heartbeat['listeners'] = {
    connected: (opened) => {
      socket = opened instanceof WebSocket ? opened : undefined;
      ping();
    },
    ping: (wasReceived) => {
      if (!wasReceived) pongs.expect([]);
    },
    pong: (wasReceived) => {
      if (wasReceived) pongs.arrived();
    },
    closed: onClosed,
  };
  const nextPong = () =>
    new Promise<void>((resolve) => {
      starting.push(resolve);
      ping();
    });
  return { listeners, nextPong, stop: onClosed };
}

/** One entry per ping that is not answered yet, oldest first. */
function createPongs(timeoutMs: number, onTimeout: () => void) {
  let waiting: (() => void)[][] = [];
  let timer: NodeJS.Timeout | undefined;
  const rearm = () => {
    clearTimeout(timer);
    timer = waiting.length > 0 ? setTimeout(onTimeout, timeoutMs) : undefined;
  };
  return {
    expect(resolvers: (() => void)[]) {
      waiting.push(resolvers);
      if (waiting.length === 1) rearm();
    },
    arrived() {
      for (const resolve of waiting.shift() ?? []) resolve();
      rearm();
    },
    clear() {
      waiting = [];
      rearm();
    },
  };
}
