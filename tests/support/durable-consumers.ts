import type { EventName } from '#schema/events.ts';
import type { BusPosition, Consumption, DurableBus, EventFrame } from '#platform/events/ports.ts';

type Take = (event: EventFrame) => unknown;

/** What the processes of several durable consumers share, as their databases do: positions, and what has been taken. */
export interface ConsumerMemory {
  /** Takes each event once, by whichever process is first. */
  consume(bus: DurableBus, consumer: string, names: readonly EventName[], take: Take): Promise<Consumption>;
}

export function consumerMemory(): ConsumerMemory {
  const positions = new Map<string, BusPosition>();
  const taken = new Set<string>();
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = (run: () => Promise<void>): Promise<void> => {
    const mine = turn.then(run);
    turn = mine.catch(() => undefined);
    return mine;
  };
  return {
    consume: (bus, name, names, take) =>
      bus.consume({
        name,
        names,
        position: async () => positions.get(name) ?? null,
        async begin(source, instead) {
          if (positions.get(name)?.source === instead?.source)
            positions.set(name, { source, seq: 0, mark: '' });
        },
        accept: ({ events, upTo }) =>
          inTurn(async () => {
            const stored = positions.get(name);
            if (upTo !== null && stored?.source !== upTo.source) throw new Error('another source was begun');
            for (const event of events) {
              const key = `${name} ${event.id}`;
              if (taken.has(key)) continue;
              await take(event);
              taken.add(key);
            }
            if (upTo !== null && upTo.seq > (stored?.seq ?? 0)) positions.set(name, upTo);
          }),
      }),
  };
}
