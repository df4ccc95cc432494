/** Sockets of the load in a process of its own: connects as many as it is told to, says how they fare, and ends with its parent. */
import { z } from 'zod';
import { addressesOf } from './addresses.ts';
import { connectAll, Listener, Room } from './listeners.ts';

const order = z.object({ port: z.number(), from: z.number(), count: z.number(), rooms: z.number() });

let dropped = 0;
let listeners: Listener[] = [];
let rooms: Room[] = [];

process.on('message', async (message) => {
  const parsed = order.safeParse(message);
  if (!parsed.success) {
    const delivered = listeners.reduce((sum, listener) => sum + listener.delivered, 0);
    const fault = rooms.find((room) => room.fault !== null)?.fault ?? null;
    return process.send?.({ dropped, delivered, fault });
  }
  const { port, from, count } = parsed.data;
  rooms = Array.from({ length: parsed.data.rooms }, (_, at) => new Room(`idle-${at}`));
  listeners = Array.from({ length: count }, (_, at) => {
    const listener = new Listener(rooms[(from + at) % rooms.length] as Room);
    listener.onClosed = () => void (dropped += 1);
    return listener;
  });
  await connectAll(listeners, (index) => addressesOf(port)(from + index));
  process.send?.({ connected: count });
});
process.on('disconnect', () => process.exit(0));
