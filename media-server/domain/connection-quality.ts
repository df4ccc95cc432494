import type { ConnectionQuality, ParticipantConnection } from '#schema/connection-quality.ts';
import { maySpeak, type LiveRole } from '#schema/live-role.ts';

/** One stream as it is counted since its beginning. */
export interface StreamCount {
  readonly streamId: string;
  readonly packets: number;
  readonly lost: number;
  readonly jitterMs: number;
  readonly roundTripMs: number | null;
}

/** What a participant's connection looked like at one moment. */
export interface ConnectionSample {
  readonly atMs: number;
  /** Whether ICE and DTLS stand. */
  readonly isUp: boolean;
  /** Everything that has come from the participant so far, ICE's checks included. */
  readonly bytesReceived: number;
  /** A stream of each direction, where there is one that flows. */
  readonly streams: readonly StreamCount[];
}

/** The latest sample, and what it means with those before it. */
export interface JudgedConnection extends Omit<ParticipantConnection, 'participantId'> {
  readonly sample: ConnectionSample;
  readonly heardAtMs: number;
}

/** Browsers check the way of their audio every 2.5 seconds, also while nobody speaks. */
const SILENCE_MS = 6_000;
/** Fewer say nothing about loss; with DTX, silence is hardly a packet. */
const MIN_PACKETS = 10;

/** What a participant sends, in bits per second; 0 where that is not known, since a transport is another one by now. */
export function sentBps(before: ConnectionSample, { atMs, bytesReceived }: ConnectionSample): number {
  const bits = Math.max(0, bytesReceived - before.bytesReceived) * 8;
  return atMs > before.atMs ? (bits / (atMs - before.atMs)) * 1_000 : 0;
}

/** Null before the connection has stood for the first time. */
export function judgeConnection(
  former: JudgedConnection | null,
  sample: ConnectionSample,
): JudgedConnection | null {
  if (!former && !sample.isUp) return null;
  const { jitterMs, roundTripMs } = worstOf(former, sample);
  const lossRatio = lossOf(former, sample);
  const hasCome = sample.bytesReceived !== former?.sample.bytesReceived;
  const heardAtMs = hasCome ? sample.atMs : (former?.heardAtMs ?? sample.atMs);
  const isLost = !sample.isUp || sample.atMs - heardAtMs >= SILENCE_MS;
  const score = isLost ? 0 : rate({ lossRatio, jitterMs, roundTripMs });
  const quality = isLost ? 'LOST' : qualityOf(score);
  return { sample, heardAtMs, quality, score, lossRatio, jitterMs, roundTripMs };
}

function worstOf(former: JudgedConnection | null, { streams }: ConnectionSample) {
  const roundTrips = streams.flatMap(({ roundTripMs }) => (roundTripMs === null ? [] : [roundTripMs]));
  return {
    jitterMs:
      streams.length === 0 ? (former?.jitterMs ?? 0) : Math.max(...streams.map((one) => one.jitterMs)),
    roundTripMs: roundTrips.length === 0 ? (former?.roundTripMs ?? null) : Math.max(...roundTrips),
  };
}

/** Half of what it was and half of what it is now, so that one bad moment does not count for long. */
function lossOf(former: JudgedConnection | null, { streams }: ConnectionSample): number {
  const before = new Map(former?.sample.streams.map((one) => [one.streamId, one]));
  const ratios = streams.flatMap((now) => {
    const then = before.get(now.streamId);
    const packets = now.packets - (then?.packets ?? now.packets);
    if (!then || packets < MIN_PACKETS) return [];
    return [Math.min(1, Math.max(0, now.lost - then.lost) / packets)];
  });
  const known = former?.lossRatio ?? 0;
  return ratios.length === 0 ? known : (known + Math.max(...ratios)) / 2;
}

/** Opus hides the loss of single packets: the share at which half of the E-model's damage is done. */
const OPUS_LOSS_ROBUSTNESS = 0.2;
/** Packets are 20 ms long, and players wait for two of them at least. */
const OWN_DELAY_MS = 60;

/** ITU-T G.107, the E-model with its defaults: 93.2 less what delay and loss take from it. */
function rate({
  lossRatio,
  jitterMs,
  roundTripMs,
}: Omit<ParticipantConnection, 'participantId' | 'quality' | 'score'>) {
  const delayMs = (roundTripMs ?? 0) / 2 + 2 * jitterMs + OWN_DELAY_MS;
  const delayImpairment = 0.024 * delayMs + 0.11 * Math.max(0, delayMs - 177.3);
  const lossImpairment = (95 * lossRatio) / (lossRatio + OPUS_LOSS_ROBUSTNESS);
  return Math.round(Math.max(0, 93.2 - delayImpairment - lossImpairment));
}

/** ITU-T G.109: from 80 on users are satisfied, from 60 on some are; below it is not recommended. */
function qualityOf(score: number): ConnectionQuality {
  if (score >= 80) return 'EXCELLENT';
  return score >= 60 ? 'GOOD' : 'POOR';
}

interface Measured {
  readonly role: LiveRole;
  readonly measured: ParticipantConnection | null;
}

/** How well people are connected, where it was measured: of more than `most` those who may speak, and then those who are connected worst. */
export function notableConnections(people: readonly Measured[], most: number): ParticipantConnection[] {
  const known = people.flatMap(({ role, measured }) => (measured ? [{ role, measured }] : []));
  const rank = ({ role, measured }: (typeof known)[number]) => (maySpeak(role) ? -1 : measured.score);
  const notable = known.length <= most ? known : known.toSorted((a, b) => rank(a) - rank(b)).slice(0, most);
  return notable.map(({ measured }) => measured);
}
