import { CodedError } from '#platform/errors.ts';
import type { Consumption, DurableBus, DurableConsumer, EventFrame } from './ports.ts';

interface Consumer {
  names: ReadonlySet<string>;
  /** Instances that share the work; empty while the consumer is away. */
  readonly members: DurableConsumer[];
  turn: number;
}

/**
 * Durable delivery within one process. It stores nothing itself: `publish` resolves once every consumer has accepted the event and rejects otherwise,
 * so the event stays in the publisher's outbox and comes again; acceptance drops what it already has.
 *
 * A consumer is known from its first `consume` on, and one that is stopped for now makes `publish` reject. So register all consumers before
 * the first relay starts.
 */
export function memoryDurableBus(): DurableBus {
  const consumers = new Map<string, Consumer>();
  let closed = false;

  const requireOpen = () => {
    if (closed) throw new CodedError('SERVICE_UNAVAILABLE', 'The durable bus is closed.');
  };

  return {
    async publish(event) {
      requireOpen();
      const interested = [...consumers].filter(([, { names }]) => names.has(event.name));
      // JSON makes it the same as from a server: a consumer cannot change what another one gets.
      const text = JSON.stringify(event);
      const outcomes = await Promise.allSettled(
        interested.map(([name, one]) => deliver(name, one, JSON.parse(text))),
      );
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed) throw failed.reason;
    },
    async consume(consumer) {
      requireOpen();
      return join(consumers, consumer);
    },
    async ping() {
      requireOpen();
    },
    async close() {
      closed = true;
      consumers.clear();
    },
  };
}

async function deliver(name: string, consumer: Consumer, event: EventFrame): Promise<void> {
  const member = consumer.members[consumer.turn++ % consumer.members.length];
  if (member === undefined) throw new CodedError('SERVICE_UNAVAILABLE', `The consumer ${name} is away.`);
  await member.accept({ events: [event], upTo: null });
}

function join(consumers: Map<string, Consumer>, member: DurableConsumer): Consumption {
  const { name, names } = member;
  const consumer = consumers.get(name) ?? { names: new Set<string>(), members: [], turn: 0 };
  consumer.names = new Set(names);
  consumers.set(name, consumer);
  consumer.members.push(member);
  return {
    async stop() {
      const index = consumer.members.indexOf(member);
      if (index >= 0) consumer.members.splice(index, 1);
    },
  };
}
