import type { Client } from 'graphql-ws/client';
import type { Credentials } from './tokens.ts';

/** Part of its life after which a token is renewed, and by how much that differs at random: many clients may have connected at the same moment. */
const RENEWED_AFTER = 0.75;
const SPREAD = 0.1;
/** Also the wait before a token that could not be had is asked for again. */
const SHORTEST_WAIT_MS = 1_000;
/** setTimeout takes no more than 2^31 ms. */
const LONGEST_WAIT_MS = 86_400_000;

/**
 * Brings the server a fresh token before the last one ends, over the same socket: a ping with `authorization`, answered by a pong with
 * `tokenExpiresInMs`, which `connection_ack` carries too. A ping of the server with 0 says that it has ended already. A server that says nothing of
 * this is left alone, and one that refuses the token closes the socket.
 */
export function renewToken(client: Client, renewed: () => Promise<Credentials>): void {
  let socket: unknown = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isRenewing = false;

  const plan = (lifeMs: unknown) => {
    if (typeof lifeMs !== 'number') return;
    isRenewing = false;
    clearTimeout(timer);
    const waitMs = lifeMs * (RENEWED_AFTER + SPREAD * Math.random());
    timer = setTimeout(renew, Math.min(LONGEST_WAIT_MS, Math.max(SHORTEST_WAIT_MS, waitMs)));
  };
  const renew = async () => {
    if (isRenewing) return;
    isRenewing = true;
    const asking = socket;
    const { authorization } = await renewed().catch((): Credentials => ({}));
    if (socket !== asking) return;
    if (authorization === undefined) plan(SHORTEST_WAIT_MS);
    else send(socket, { type: 'ping', payload: { authorization } });
  };
  client.on('connected', (opened, payload) => {
    socket = opened;
    plan(lifeOf(payload));
  });
  client.on('pong', (isReceived, payload) => isReceived && plan(lifeOf(payload)));
  client.on('ping', (isReceived, payload) => void (isReceived && lifeOf(payload) === 0 && renew()));
  client.on('closed', () => {
    socket = null;
    clearTimeout(timer);
  });
}

const lifeOf = (payload: Record<string, unknown> | undefined) => payload?.['tokenExpiresInMs'];

function send(socket: unknown, message: object): void {
  if (socket instanceof Object && 'send' in socket && typeof socket.send === 'function')
    socket.send(JSON.stringify(message));
}
