import { messageAt } from './graph.ts';

type RoomEvent = ReturnType<typeof messageAt>;

/** Events of every room in memory, from the first one on. */
export interface RoomLog {
  publish(roomId: string): RoomEvent;
  find(id: string): RoomEvent | null;
  /** Events behind a position, then those to come; null starts now. */
  read(roomId: string, after: string | null): AsyncIterableIterator<{ roomEvents: RoomEvent }>;
}

/** Microseconds on the clock that all processes of a machine share. */
export const nowUs = () => Number(process.hrtime.bigint() / 1_000n);

export function createRoomLog(): RoomLog {
  const rooms = new Map<string, { readonly events: RoomEvent[]; readonly readers: Set<() => void> }>();
  const roomOf = (roomId: string) => {
    let room = rooms.get(roomId);
    if (!room) rooms.set(roomId, (room = { events: [], readers: new Set() }));
    return room;
  };
  return {
    publish(roomId) {
      const { events, readers } = roomOf(roomId);
      const event = messageAt(roomId, events.length + 1, nowUs());
      events.push(event);
      for (const wake of readers) wake();
      return event;
    },
    find(id) {
      const [roomId = '', seq] = id.split(' ');
      return rooms.get(roomId)?.events[Number(seq) - 1] ?? null;
    },
    read(roomId, after) {
      const { events, readers } = roomOf(roomId);
      let seq = after === null ? events.length : Number(after);
      const life = { isOver: false };
      let arrival = Promise.withResolvers<void>();
      const wake = () => {
        arrival.resolve();
        arrival = Promise.withResolvers();
      };
      readers.add(wake);
      const reader: AsyncIterableIterator<{ roomEvents: RoomEvent }> = {
        async next() {
          let event = events[seq];
          while (!life.isOver && !event) {
            await arrival.promise;
            event = events[seq];
          }
          if (life.isOver || !event) return { value: undefined, done: true };
          seq += 1;
          return { value: { roomEvents: event } };
        },
        async return() {
          life.isOver = true;
          readers.delete(wake);
          wake();
          return { value: undefined, done: true };
        },
        [Symbol.asyncIterator]: () => reader,
      };
      return reader;
    },
  };
}
