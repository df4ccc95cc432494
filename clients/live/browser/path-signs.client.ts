import { z } from 'zod';

/** What a transport's counters say of its path; times are those of `performance.now()`. */
export interface PathSigns {
  /** When a packet came last: audio, or control. */
  readonly flowedAtMs: number;
  /** How far apart packets were when the last ones came; null where there were none to compare. */
  readonly flowGapMs: number | null;
  /** When an answer to ICE's checks came last. */
  readonly answeredAtMs: number;
  /** Since when checks have had no answer; null while they have, or where the browser does not say. */
  readonly uncheckedSinceMs: number | null;
  /** How many checks that are. */
  readonly uncheckedCount: number;
  /** 0 where it was not measured yet. */
  readonly roundTripMs: number;
  /** Mean square of what the microphone gave since the last look, 0 to 1; 0 without one. */
  readonly spokenPower: number;
}

const transportStats = z.object({ type: z.literal('transport'), selectedCandidatePairId: z.string() });
const pairStats = z.object({
  id: z.string(),
  timestamp: z.number(),
  packetsReceived: z.number().default(0),
  lastPacketReceivedTimestamp: z.number().optional(),
  requestsSent: z.number().default(0),
  responsesReceived: z.number().default(0),
  currentRoundTripTime: z.number().default(0),
});
const sourceStats = z.object({
  type: z.literal('media-source'),
  totalAudioEnergy: z.number(),
  totalSamplesDuration: z.number(),
});
type Pair = z.infer<typeof pairStats>;
type Source = Pick<z.infer<typeof sourceStats>, 'totalAudioEnergy' | 'totalSamplesDuration'>;
type Flow = Pick<PathSigns, 'flowedAtMs' | 'flowGapMs'>;
type Checks = Pick<PathSigns, 'answeredAtMs' | 'uncheckedSinceMs' | 'uncheckedCount'>;

const NO_SOUND: Source = { totalAudioEnergy: 0, totalSamplesDuration: 0 };

/** Follows the counters of one transport, from look to look. */
export class PathWatch {
  #pair: Pair | null = null;
  #flow: Flow | null = null;
  #checks: Checks | null = null;
  #signs: PathSigns | null = null;
  #source = NO_SOUND;

  /** Null while there is no path yet. */
  look(report: RTCStatsReport, nowMs: number): PathSigns | null {
    const pair = selectedPair(report);
    if (!pair) return this.#signs;
    // After a restart of ICE it is another one, whose counters begin anew.
    const former = pair.id === this.#pair?.id ? this.#pair : null;
    this.#flow = flowOf(former, pair, this.#flow, nowMs);
    this.#checks = checksOf(former, pair, this.#checks, nowMs);
    this.#signs = {
      ...this.#flow,
      ...this.#checks,
      roundTripMs: pair.currentRoundTripTime * 1_000,
      spokenPower: this.#powerOf(report),
    };
    this.#pair = pair;
    return this.#signs;
  }

  #powerOf(report: RTCStatsReport): number {
    const source = sourceOf(report);
    const energy = source.totalAudioEnergy - this.#source.totalAudioEnergy;
    const seconds = source.totalSamplesDuration - this.#source.totalSamplesDuration;
    this.#source = source;
    return seconds > 0 ? Math.max(0, energy / seconds) : 0;
  }
}

function flowOf(former: Pair | null, pair: Pair, last: Flow | null, nowMs: number): Flow {
  const packets = pair.packetsReceived - (former?.packetsReceived ?? 0);
  if (packets <= 0 && last) return last;
  // The clock of the counters may be another than ours.
  const ageMs = pair.timestamp - (pair.lastPacketReceivedTimestamp ?? pair.timestamp);
  const flowedAtMs = nowMs - Math.max(0, ageMs);
  return { flowedAtMs, flowGapMs: former && last && (flowedAtMs - last.flowedAtMs) / packets };
}

function checksOf(former: Pair | null, pair: Pair, last: Checks | null, nowMs: number): Checks {
  const sent = pair.requestsSent - (former?.requestsSent ?? pair.requestsSent);
  if (!last || pair.responsesReceived !== former?.responsesReceived)
    return { answeredAtMs: nowMs, uncheckedSinceMs: null, uncheckedCount: 0 };
  if (sent === 0) return last;
  return {
    answeredAtMs: last.answeredAtMs,
    uncheckedSinceMs: last.uncheckedSinceMs ?? nowMs,
    uncheckedCount: last.uncheckedCount + sent,
  };
}

function selectedPair(report: RTCStatsReport): Pair | null {
  for (const stats of report.values()) {
    const { data } = transportStats.safeParse(stats);
    if (data) return pairStats.safeParse(report.get(data.selectedCandidatePairId)).data ?? null;
  }
  return null;
}

function sourceOf(report: RTCStatsReport): Source {
  for (const stats of report.values()) {
    const { data } = sourceStats.safeParse(stats);
    if (data) return data;
  }
  return NO_SOUND;
}
