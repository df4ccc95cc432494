import { messageOf, Refusal, refuseIfAny, type UserErrorData } from '#platform/errors.ts';
import type { Events } from '#platform/events/events.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import type { Log } from '#platform/log.ts';
import { networkOf } from '#platform/network.ts';
import { signText } from '#platform/signing.ts';
import type { Viewer } from '#platform/viewer.ts';
import { claimAnonymousPlays } from '../data/anonymous-play.repository.ts';
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
  record(caller: Caller, reports: readonly PlayReport[]): Promise<RecordOutcome>;
}

/** Who reports plays. */
export interface Caller {
  readonly viewer: Viewer | null;
  /** Null where the gateway has not told it. */
  readonly ipAddress: string | null;
  /** Of whoever is not signed in, as he says. */
  readonly anonymousId: string | null;
}

export interface PlaysDeps {
  readonly events: Events;
  readonly liveBus: LiveBus;
  /** Keeps addresses from being read out of the database. */
  readonly secret: string;
  readonly log: Log;
  readonly now: () => Date;
}

export function createPlays(deps: PlaysDeps): Plays {
  return {
    async record(caller, reports) {
      try {
        return await record(deps, caller, reports);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        return { accepted: 0, duplicates: 0, rejected: reports.length, userErrors: [...error.errors] };
      }
    },
  };
}

async function record(
  deps: PlaysDeps,
  { viewer, anonymousId, ipAddress }: Caller,
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
  const source = viewer ? null : sourceOf(ipAddress ?? caller, deps.secret);
  const trackIds = await deps.events.transact(async ({ em }) => {
    const counted = source === null ? plays : await claimAnonymousPlays(em, plays, source, now);
    return insertPlays(em, counted, now);
  });
  announcePlays(deps, trackIds);
  return {
    accepted: trackIds.length,
    duplicates: plays.length - trackIds.length,
    rejected: reports.length - plays.length,
    userErrors: checked.flatMap(({ errors }) => errors),
  };
}

/** Whoever is not signed in may give himself any id, but has one address, or shares one. */
const sourceOf = (address: string, secret: string) => signText('anonymous play', networkOf(address), secret);

// Nobody waits for the live bus: counters look for themselves from time to time, and a slow Redis must not slow down the count.
function announcePlays({ liveBus, log }: PlaysDeps, trackIds: readonly string[]): void {
  for (const trackId of new Set(trackIds))
    liveBus.publish(topicOf('PLAYS', trackId), NUMBER_CHANGED).catch((error: unknown) => {
      log.warn({ trackId, reason: messageOf(error) }, 'hint of a play not published');
    });
}
