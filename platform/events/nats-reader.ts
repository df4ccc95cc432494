import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { backoffMs } from './backoff.ts';
import { eventFrame } from './envelope.ts';
import { gather } from './gather.ts';
import { openReading, type NatsStream, type Reading, type StreamMessage } from './nats-stream.ts';
import type { BusPosition, Consumption, DurableConsumer, EventFrame } from './ports.ts';

// Bounds what one transaction stores, and with it what is read again after a crash.
const BATCH_BYTES = 1_048_576;
const BATCH_MESSAGES = 1_000;

/**
 * Reads a stream for one process of a durable consumer, from the position that the consumer has stored. A batch is handed over when the one before
 * it is stored, so no position is ever ahead of an event. Whatever fails, the stored position is asked for and reading begins there again.
 */
export class NatsReader implements Consumption {
  readonly #stream: NatsStream;
  readonly #consumer: DurableConsumer;
  readonly #log: Log;
  readonly #stopping = new AbortController();
  #restarting = new AbortController();
  #reading: Reading | null = null;
  #working: Promise<void> = Promise.resolve();

  constructor(stream: NatsStream, consumer: DurableConsumer, log: Log) {
    this.#stream = stream;
    this.#consumer = consumer;
    this.#log = log;
  }

  /** Rejects where the first reading cannot begin. */
  async start(): Promise<void> {
    await this.#open();
    this.#working = this.#work();
  }

  /** Messages may have been lost on their way: everything after the stored position is read again, and at once. */
  restart(): void {
    this.#restarting.abort();
    this.#reading?.close();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.restart();
    await this.#working;
  }

  async #work(): Promise<void> {
    let failures = 0;
    while (!this.#stopping.signal.aborted) {
      try {
        const reading = this.#reading ?? (await this.#open());
        for await (const batch of gather(reading.messages, { weightOf, maxWeight: BATCH_BYTES })) {
          await this.#consumer.accept(take(this.#consumer, reading.source, batch, this.#log));
          failures = 0;
          if (this.#restarting.signal.aborted) break;
        }
      } catch (error) {
        failures += 1;
        const { name: consumer } = this.#consumer;
        this.#log.warn({ consumer, failures, reason: messageOf(error) }, 'durable consumer interrupted');
      }
      this.#reading?.close();
      this.#reading = null;
      if (failures > 0) await this.#pause(backoffMs(failures));
      this.#restarting = new AbortController();
    }
  }

  async #open(): Promise<Reading> {
    const reading = await openReading(this.#stream, this.#consumer);
    this.#reading = reading;
    // Nothing that was asked for before the connection broke can be relied on.
    if (this.#restarting.signal.aborted) reading.close();
    return reading;
  }

  #pause(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.#restarting.signal }).catch(() => undefined);
  }
}

const weightOf = ({ data }: StreamMessage): number => Math.max(data.length, BATCH_BYTES / BATCH_MESSAGES);

function take(consumer: DurableConsumer, source: string, batch: readonly StreamMessage[], log: Log) {
  const names = new Set<string>(consumer.names);
  const events = batch.filter(({ name }) => names.has(name)).flatMap((message) => parse(message, log));
  const last = batch.at(-1);
  const upTo: BusPosition | null = last ? { source, seq: last.seq, mark: last.mark } : null;
  return { events, upTo };
}

function parse({ data, name, seq }: StreamMessage, log: Log): EventFrame[] {
  try {
    const event = eventFrame.parse(JSON.parse(new TextDecoder().decode(data)));
    if (event.name === name) return [event];
  } catch {
    // Said below.
  }
  log.error({ name, seq }, 'message on the durable bus is no event, dropped');
  return [];
}
