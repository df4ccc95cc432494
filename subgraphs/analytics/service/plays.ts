import { messageOf, Refusal, refuseIfAny, type UserErrorData } from '#platform/errors.ts';
import type { Events } from '#platform/events/events.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import type { Log } from '#platform/log.ts';
import type { Viewer } from '#platform/viewer.ts';
import { insertPlays } from '../data/play.repository.ts';
import { NUMBER_CHANGED, topicOf } from '../domain/live-counter.ts';
import { checkAnonymousId, checkBatchSize, checkPlay, type Play, type PlayReport } from '../domain/play.ts';

export interface RecordOutcome {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: number;
  readonly userErrors: UserErrorData[];
}

export interface Plays {
  /** Counts what may be counted; a refusal of the whole call is an outcome too. */
  record(
    viewer: Viewer | null,
    anonymousId: string | null,
    reports: readonly PlayReport[],
  ): Promise<RecordOutcome>;
}

export interface PlaysDeps {
  readonly events: Events;
  readonly liveBus: LiveBus;
  readonly log: Log;
  readonly now: () => Date;
}

export function createPlays(deps: PlaysDeps): Plays {
  return {
    async record(viewer, anonymousId, reports) {
      try {
        return await record(deps, viewer, anonymousId, reports);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        return { accepted: 0, duplicates: 0, rejected: reports.length, userErrors: [...error.errors] };
      }
    },
  };
}

async function record(
  deps: PlaysDeps,
  viewer: Viewer | null,
  anonymousId: string | null,
  reports: readonly PlayReport[],
): Promise<RecordOutcome> {
  refuseIfAny([...checkBatchSize(reports.length), ...(viewer ? [] : checkAnonymousId(anonymousId))]);
  const now = deps.now();
  const caller = viewer?.userId ?? `anonymous:${anonymousId}`;
  const listenerId = viewer?.userId ?? null;
  const checked = reports.map((report, index) => ({ report, errors: checkPlay(report, index, now) }));
  const plays: Play[] = checked
    .filter(({ errors }) => errors.length === 0)
    .map(({ report }) => ({ ...report, caller, listenerId }));
  const trackIds = await deps.events.transact((tx) => insertPlays(tx.em, plays, now));
  announcePlays(deps, trackIds);
  return {
    accepted: trackIds.length,
    duplicates: plays.length - trackIds.length,
    rejected: reports.length - plays.length,
    userErrors: checked.flatMap(({ errors }) => errors),
  };
}

// Nobody waits for the live bus: counters look for themselves from time to time, and a slow Redis must not slow down the count.
function announcePlays({ liveBus, log }: PlaysDeps, trackIds: readonly string[]): void {
  for (const trackId of new Set(trackIds))
    liveBus.publish(topicOf('PLAYS', trackId), NUMBER_CHANGED).catch((error: unknown) => {
      log.warn({ trackId, reason: messageOf(error) }, 'hint of a play not published');
    });
}
