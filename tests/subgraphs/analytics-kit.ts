import { setTimeout as pause } from 'node:timers/promises';
import { analyticsSubgraph } from '../../subgraphs/analytics/subgraph.ts';
import { newId } from '#platform/ids.ts';
import type { Subgraph } from '#platform/subgraph-process.ts';
import type { EventName, EventPayload } from '#schema/events.ts';
import { startTestSubgraph, type TestOptions, type TestSubgraph } from '../support/subgraphs.ts';

export interface TestAnalytics extends TestSubgraph<Subgraph> {
  /** Tells an event as another subgraph would; resolves once it is stored, not yet handled. `seq` of the stream unless given. */
  tell<N extends EventName>(
    name: N,
    stream: string,
    payload: EventPayload<N>,
    options?: TellOptions,
  ): Promise<void>;
  /** Resolves once every event that was told has been handled; rejects where one failed. */
  settled(): Promise<void>;
  /** Rows of one statement on the subgraph's database. */
  rows<T>(sql: string, params?: readonly unknown[]): Promise<T[]>;
}

export interface TellOptions {
  readonly id?: string;
  readonly seq?: number;
  /** RFC 3339; now unless given. */
  readonly at?: string;
}

export async function startAnalytics(options: TestOptions = {}): Promise<TestAnalytics> {
  const subgraph = await startTestSubgraph(analyticsSubgraph(), options);
  const { database } = subgraph.open.foundation;
  const seqs = new Map<string, number>();
  const rows: TestAnalytics['rows'] = (sql, params = []) =>
    database.background(() => database.fork().execute(sql, [...params]));
  return {
    ...subgraph,
    rows,
    async tell(name, stream, payload, { id = newId('Event'), seq, at = new Date().toISOString() } = {}) {
      const next = seq ?? (seqs.get(stream) ?? 0) + 1;
      seqs.set(stream, Math.max(next, seqs.get(stream) ?? 0));
      const frame = { id, name, version: 1, stream, seq: next, at, actorId: null, correlationId: null };
      await subgraph.durableBus.publish({ ...frame, payload });
    },
    async settled() {
      for (;;) {
        const left = await rows<{ state: string; last_error: string | null }>(
          `select state, last_error from inbox where state <> 'done'`,
        );
        const failed = left.find((row) => row.last_error !== null);
        if (failed) throw new Error(`An event failed: ${failed.last_error}`);
        if (left.length === 0) return;
        await pause(5);
      }
    },
  };
}

/** A track as it is told when it is published. */
export function trackTold(
  trackId: string,
  artistId: string,
  changes: Partial<EventPayload<'track.published'>> = {},
): EventPayload<'track.published'> {
  return {
    trackId,
    artistId,
    title: 'Untitled',
    description: null,
    genre: null,
    tags: [],
    visibility: 'PUBLIC',
    durationMs: 180_000,
    ...changes,
  };
}

const RECORD = `mutation ($events: [PlayEventInput!]!, $anonymousId: ID) {
  recordPlays(events: $events, anonymousId: $anonymousId) {
    accepted duplicates rejected
    userErrors { __typename message field ... on ValidationError { rule } }
  }
}`;

export interface PlayInput {
  clientEventId: string;
  trackId: string;
  playedAt: string;
  msPlayed: number;
}

/** Reports plays and returns the outcome; with `caller` null under `anonymousId`. */
export async function recordPlays(
  analytics: TestAnalytics,
  caller: string | null,
  events: readonly PlayInput[],
  anonymousId?: string,
  address?: string,
) {
  const { recordPlays: outcome } = await analytics.data(caller, RECORD, { events, anonymousId }, address);
  return outcome;
}

/** A play that counts. */
export function play(trackId: string, changes: Partial<PlayInput> = {}): PlayInput {
  const at = changes.playedAt ?? new Date().toISOString();
  return { clientEventId: newId('Event'), trackId, msPlayed: 30_000, ...changes, playedAt: at };
}
