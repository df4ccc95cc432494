import { setTimeout as delay } from 'node:timers/promises';
import type { Rooms } from './rooms.ts';

/** Whoever was told to move may take this long; then the socket is closed. */
export const MOVE_DEADLINE_MS = 5_000;
const LOOK_MS = 50;

/**
 * Tells everybody on this server to move to another one, spread over `windowMs`, so that the others are not asked for everything at once. Resolves
 * when nobody is left, or MOVE_DEADLINE_MS after the last was told.
 */
export async function handOver(rooms: Rooms, windowMs: number): Promise<void> {
  const peers = rooms.all.flatMap(({ peers }) => peers.all);
  const timers = peers.map(({ connection }, index) =>
    setTimeout(() => connection.notify('move', {}), (windowMs * index) / peers.length),
  );
  const endsAtMs = Date.now() + windowMs + MOVE_DEADLINE_MS;
  while (Date.now() < endsAtMs && rooms.all.some((room) => !room.empty)) await delay(LOOK_MS);
  for (const timer of timers) clearTimeout(timer);
}
