import type { FormattedExecutionResult } from 'graphql';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { CodedError, messageOf } from '#platform/errors.ts';
import { backoffMs } from '#platform/events/backoff.ts';
import type { LiveBus, LiveSubscription } from '#platform/events/ports.ts';
import type { Log } from '#platform/log.ts';
import type { ResultStream } from '#platform/subgraph-endpoint.ts';
import { createInOrder } from '../../live/in-order.ts';
import { EventQueue } from '../event-queue.ts';
import type { SubgraphFetch } from '../subgraph-client.ts';
import { entityEvent, type EntitySource } from './entity-event.ts';
import type { EntityOperation } from './entity-operation.ts';

export interface AnnouncementOptions extends EntitySource {
  readonly liveBus: LiveBus;
  readonly log: Log;
  /** A message was no announcement. */
  readonly onMalformed: () => void;
  /** An event came for which there was no room: its subscription ended. */
  readonly onDropped: () => void;
  /** How long an entity is asked for that its subgraph fails to give. */
  readonly giveUpMs: number;
}

/** What a subgraph publishes: an entity, by one of its keys. */
const announcement = z.looseObject({ __typename: z.string().regex(/^[_A-Za-z][_0-9A-Za-z]*$/) });
type Announcement = z.infer<typeof announcement>;

/** Entities asked for at the same time for one subscription. */
const MAX_COMPLETING = 8;
/** Events that wait for the reader before further entities are asked for. */
const MAX_WAITING = 16;
/** Announcements that wait for their entity. They are kept nowhere else, so that past this the subscription fails. */
const MAX_ANNOUNCED = 1_000;
const MAX_RETRY_MS = 5_000;

/** One subscription to a subgraph that knows of none: it publishes which entities have changed, and they are got from it here, in that order. */
export class AnnouncedSubscription {
  readonly #options: AnnouncementOptions;
  readonly #entity: EntityOperation;
  readonly #request: SubgraphFetch;
  readonly #queue: EventQueue;
  readonly #life = new AbortController();
  readonly #announced: Announcement[] = [];
  readonly #onOver: () => void;
  #subscription: LiveSubscription | null = null;
  #wake: () => void = () => undefined;

  /** `onOver` runs once, however it ends. The request must not have been aborted yet. */
  constructor(
    request: SubgraphFetch,
    entity: EntityOperation,
    options: AnnouncementOptions,
    onOver: () => void,
  ) {
    this.#options = options;
    this.#entity = entity;
    this.#onOver = onOver;
    this.#queue = new EventQueue({
      maxQueued: MAX_ANNOUNCED,
      signal: request.signal,
      stop: () => this.end(),
    });
    this.#request = { ...request, signal: this.#life.signal };
  }

  /** Resolves once announcements are heard. Rejects with SERVICE_UNAVAILABLE where the live bus cannot be reached. */
  async open(topic: string): Promise<ResultStream> {
    try {
      this.#subscription = await this.#options.liveBus.subscribe(topic);
    } catch (error) {
      await this.#queue.stream.return();
      throw new CodedError('SERVICE_UNAVAILABLE', 'Live events cannot be followed now.', {}, error);
    }
    if (this.#isOver) await this.#subscription.return();
    void this.#hear(this.#subscription);
    void this.#run();
    return this.#queue.stream;
  }

  /** Frees everything. The reader gets what has come. */
  end(): void {
    if (this.#isOver) return;
    this.#life.abort();
    this.#queue.end();
    void this.#subscription?.return();
    this.#announced.length = 0;
    this.#wake();
    this.#onOver();
  }

  get #isOver(): boolean {
    return this.#life.signal.aborted;
  }

  /** As fast as they come: the live bus keeps no more of them than it likes. */
  async #hear(subscription: LiveSubscription): Promise<void> {
    for await (const message of subscription) {
      const { success, data } = announcement.safeParse(message);
      if (!success) this.#drop('it is no object with __typename');
      else if (this.#announced.length < MAX_ANNOUNCED) this.#announced.push(data);
      else this.#overflow();
      this.#wake();
    }
    this.end();
  }

  #drop(reason: string): void {
    const { log, name, onMalformed } = this.#options;
    log.warn({ subgraph: name, field: this.#entity.fieldName, reason }, 'malformed live event dropped');
    onMalformed();
  }

  #overflow(): void {
    this.#options.onDropped();
    this.#queue.fail(new CodedError('SLOW_CONSUMER', 'Events arrived faster than they were read.'));
    this.end();
  }

  async #run(): Promise<void> {
    const completed = createInOrder<FormattedExecutionResult | null>(MAX_COMPLETING, async (result) => {
      if (result) this.#queue.push(result);
      await this.#queue.whenBelow(MAX_WAITING);
    });
    while (!this.#isOver) {
      const next = this.#announced.shift();
      if (next) await completed.add(this.#complete(next));
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Null for what is no event. Never rejects: an event that cannot be got is told as one. */
  async #complete(announced: Announcement): Promise<FormattedExecutionResult | null> {
    const { responseName } = this.#entity;
    try {
      const event = await this.#askPatiently(announced);
      if (!event) this.#drop(`${announced.__typename} is not the type of the field`);
      return event;
    } catch (error) {
      if (this.#isOver) return null;
      const [code, message] =
        error instanceof CodedError
          ? [error.code, error.message]
          : ['INTERNAL_SERVER_ERROR', 'Internal server error.'];
      return {
        data: { [responseName]: null },
        errors: [{ message, path: [responseName], extensions: { code } }],
      };
    }
  }

  async #askPatiently(announced: Announcement): Promise<FormattedExecutionResult | null> {
    const { giveUpMs, log, name } = this.#options;
    const { signal } = this.#life;
    const endMs = performance.now() + giveUpMs;
    for (let failures = 1; ; failures++) {
      try {
        return await entityEvent(this.#options, this.#entity, this.#request, announced);
      } catch (error) {
        if (signal.aborted || performance.now() > endMs) throw error;
        log.info({ subgraph: name, failures, reason: messageOf(error) }, 'event not got, asking again');
        const pauseMs = Math.min(backoffMs(failures), MAX_RETRY_MS);
        await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}
