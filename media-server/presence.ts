import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '#platform/events/backoff.ts';
import type { DurableBus, EventEnvelope } from '#platform/events/ports.ts';
import { newId } from '#platform/ids.ts';
import type { Log } from '#platform/log.ts';
import { EVENTS } from '#schema/events.ts';
import type { DisconnectReason } from '#schema/media-bus.ts';

/** A goodbye waits this long for the durable bus when the server stops; the heartbeat's silence tells the rest. */
const FLUSH_DEADLINE_MS = 3_000;

type PresenceEvent = 'media.participantConnected' | 'media.participantDisconnected';

export interface Presence {
  connected(liveRoomId: string, participantId: string): void;
  disconnected(liveRoomId: string, participantId: string, reason: DisconnectReason): void;
  /** Events that the bus has not accepted yet. */
  readonly pending: number;
  /** Resolves once everything is accepted, or the deadline has passed. */
  close(): Promise<void>;
}

/**
 * Publishes who came and went, in order, as the stream `media:<serverId>`. This server has no database: what the bus does not accept is kept in memory
 * and tried again. A crash loses it, which the receiver sees from the heartbeats.
 */
export function createPresence(deps: { serverId: string; durableBus: DurableBus; log: Log }): Presence {
  const { serverId, durableBus, log } = deps;
  const queue: EventEnvelope<PresenceEvent>[] = [];
  const givingUp = new AbortController();
  let seq = 0;
  let working: Promise<void> | null = null;

  const work = async () => {
    let failures = 0;
    while (queue[0] && !givingUp.signal.aborted) {
      try {
        await durableBus.publish(queue[0]);
        queue.shift();
        failures = 0;
      } catch (error) {
        log.warn({ err: error, failures: ++failures }, 'the durable bus did not accept who is connected');
        await delay(backoffMs(failures), null, { signal: givingUp.signal }).catch(() => null);
      }
    }
    working = null;
  };

  const add = (name: PresenceEvent, payload: EventEnvelope<PresenceEvent>['payload']) => {
    queue.push({
      id: newId('Event'),
      name,
      version: EVENTS[name].version,
      stream: `media:${serverId}`,
      seq: ++seq,
      at: new Date().toISOString(),
      actorId: null,
      correlationId: null,
      payload,
    });
    working ??= work();
  };

  return {
    connected: (liveRoomId, participantId) =>
      add('media.participantConnected', { liveRoomId, participantId, serverId }),
    disconnected: (liveRoomId, participantId, reason) =>
      add('media.participantDisconnected', { liveRoomId, participantId, serverId, reason }),
    get pending() {
      return queue.length;
    },
    async close() {
      const timer = setTimeout(() => givingUp.abort(), FLUSH_DEADLINE_MS);
      await working;
      clearTimeout(timer);
    },
  };
}
