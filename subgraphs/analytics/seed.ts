import { DEMO_TRACKS, DEMO_USERS } from '#platform/demo.ts';
import type { Foundation } from '#platform/subgraph-process.ts';
import { hasPlays, insertPlays } from './data/play.repository.ts';
import type { Play } from './domain/play.ts';

const WEEKS = 4;
const DAY_MS = 24 * 3_600_000;
const BATCH = 500;

/** Four weeks of plays of the demo's tracks: more in the evening and at weekends, fewer for each track than for the one before it. */
export async function seed({ database, events, now }: Foundation): Promise<void> {
  if (await hasPlays(database.fork())) return;
  const at = now();
  const plays = demoPlays(at);
  await events.transact(async ({ em }) => {
    for (let begin = 0; begin < plays.length; begin += BATCH)
      await insertPlays(em, plays.slice(begin, begin + BATCH), at);
  });
}

function demoPlays(now: Date): Play[] {
  const today = Math.floor(now.getTime() / DAY_MS) * DAY_MS;
  const plays: Play[] = [];
  for (let day = WEEKS * 7; day >= 0; day--) {
    for (const [index, track] of DEMO_TRACKS.entries())
      plays.push(...playsOfDay(track.id, index, today - day * DAY_MS));
  }
  return plays.filter(({ playedAt }) => playedAt <= now);
}

function playsOfDay(trackId: string, trackIndex: number, dayMs: number): Play[] {
  const date = new Date(dayMs);
  const weekend = date.getUTCDay() % 6 === 0;
  const count = Math.max(2, 14 - trackIndex * 3) + (weekend ? 6 : 0) + (date.getUTCDate() % 4);
  return Array.from({ length: count }, (_, index) => {
    // Squeezed towards the end of the day: most people listen in the evening.
    const share = Math.sqrt((index + 0.5) / count);
    return {
      caller: 'seed',
      clientEventId: `${trackId}-${date.toISOString().slice(0, 10)}-${index}`,
      trackId,
      listenerId: DEMO_USERS[(index + trackIndex) % DEMO_USERS.length]?.id ?? null,
      playedAt: new Date(dayMs + Math.floor(share * DAY_MS)),
      msPlayed: 45_000 + ((index * 37 + trackIndex * 11) % 180) * 1_000,
    };
  });
}
