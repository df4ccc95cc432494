import { MAX_LEVELS } from '#schema/signalling.ts';
import type { PathSigns } from './path-signs.client.ts';

/** What is known at one moment; times are those of `performance.now()`. */
export interface Look {
  readonly nowMs: number;
  /** When the last frame came over the signalling socket. */
  readonly socketHeardAtMs: number;
  /** When the request was sent over it that has waited for its answer for longest; null where none does. */
  readonly socketWaitsSinceMs: number | null;
  /** Paths of the transports; null where there is none. */
  readonly receive: PathSigns | null;
  readonly send: PathSigns | null;
  /** Whose audio is to come, and since when. Whoever paused is not among them. */
  readonly heard: ReadonlyMap<string, number>;
  /** Whether the microphone is on. */
  readonly speaks: boolean;
  /** Whether the browser says so already. */
  readonly isDown: boolean;
}

export interface Suspicion {
  /** Nothing tells whether the socket is alive: ask over it. */
  readonly ask: boolean;
  /** The path of the audio is dead: restart ICE. */
  readonly restart: boolean;
  /** Audio comes through: nothing is urgent. */
  readonly calm: boolean;
}

/** Audio comes every 20 ms, a packet in 400 ms is silence (DTX), and what comes more seldom is control. */
const AUDIO_GAP_MS = 100;
const SILENCE_GAP_MS = 1_000;
/** A pause of the one, or of the other, that is worth a question. */
const AUDIO_PAUSE_MS = 500;
const SILENCE_PAUSE_MS = 1_000;
/** Receivers of audio report about once a second. */
const CONTROL_PAUSE_MS = 1_300;
/** Levels come every 300 ms while anybody is heard; two may be missing. */
const LEVELS_PAUSE_MS = 700;
/** Most requests are answered in much less. */
const ANSWER_PAUSE_MS = 1_000;
/** The server tells of what came to it in the last 300 ms. What it tells so long after our last packet came to it later than that. */
const LEVELS_LATE_MS = 600;
/** An answer from anywhere takes less; nor is it one lost check, as many go out while none is answered. */
const UNCHECKED_MS = 750;
const MIN_UNCHECKED = 3;
/** -40 dBFS: far above what the server takes for silence. */
const MIN_SPOKEN_POWER = 1e-4;
/** Between two looks; if it is longer, the computer slept or the tab was frozen. */
const SLEPT_MS = 5_000;

/**
 * Tells a connection that died without a word from one on which nobody speaks, by what is known here: that costs nobody else anything. A question over the
 * socket needs little of a reason, and is asked once for each. A restart of ICE needs a proof, because a speaker who is gone is as silent to a thousand
 * listeners as a dead path of their own: the server tells how loud somebody is of whom nothing comes, or misses the microphone that gives sound here, or
 * does not answer ICE's checks.
 */
export class Liveness {
  readonly #selfId: string;
  #levels: { readonly atMs: number; readonly ids: ReadonlySet<string> } | null = null;
  /** Since when the server has told of levels without ours. */
  #unheardSinceMs: number | null = null;
  #spokenSinceMs: number | null = null;
  #hasAskedForLevels = false;
  #askedFlowMs: number | null = null;
  #askedRequestMs: number | null = null;
  #lookedAtMs: number | null = null;

  constructor(selfId: string) {
    this.#selfId = selfId;
  }

  /** Who is heard, as the server measures it now. */
  onLevels(levels: readonly { readonly participantId: string }[], nowMs: number): void {
    const ids = new Set(levels.map(({ participantId }) => participantId));
    this.#levels = { atMs: nowMs, ids };
    this.#hasAskedForLevels = false;
    const isToldOf = ids.has(this.#selfId) || levels.length >= MAX_LEVELS;
    this.#unheardSinceMs = isToldOf ? null : (this.#unheardSinceMs ?? nowMs);
  }

  judge(look: Look): Suspicion {
    const { nowMs, receive, send, isDown } = look;
    const hasSlept = this.#lookedAtMs !== null && nowMs - this.#lookedAtMs > SLEPT_MS;
    this.#lookedAtMs = nowMs;
    const isLost = isDown || isUnanswered(receive, nowMs) || isUnanswered(send, nowMs);
    const isProven = [this.#missesAudio(look), this.#isUnheard(look)].includes(true);
    const misses = [this.#missesLevels(look), this.#missesFlow(look), this.#missesAnswer(look)];
    return { ask: hasSlept || misses.includes(true), restart: isLost || isProven, calm: isCalm(look) };
  }

  // The server hears somebody of whom nothing comes to us.
  #missesAudio({ receive, heard, nowMs }: Look): boolean {
    const levels = this.#levels;
    if (!receive || !levels || isAnsweredSince(receive)) return false;
    const { flowedAtMs } = receive;
    if (nowMs - flowedAtMs < AUDIO_PAUSE_MS) return false;
    const isLate = (sinceMs: number) => levels.atMs - Math.max(flowedAtMs, sinceMs) >= LEVELS_LATE_MS;
    return [...heard].some(([id, sinceMs]) => levels.ids.has(id) && isLate(sinceMs));
  }

  // Nothing of us comes to the server: neither audio, nor what it would answer with.
  #isUnheard({ send, speaks, nowMs }: Look): boolean {
    const isLoud = speaks && send !== null && send.spokenPower > MIN_SPOKEN_POWER;
    this.#spokenSinceMs = isLoud ? (this.#spokenSinceMs ?? nowMs) : null;
    if (!isLoud || this.#spokenSinceMs === null || this.#unheardSinceMs === null) return false;
    const { flowedAtMs, answeredAtMs } = send;
    const toldByMs = this.#spokenSinceMs + LEVELS_LATE_MS;
    return nowMs - Math.max(toldByMs, this.#unheardSinceMs, flowedAtMs, answeredAtMs) >= AUDIO_PAUSE_MS;
  }

  /** Since when levels are to come, because others are heard, or oneself has to be; null where all may be silent. */
  #levelsDueMs(): number | null {
    if (this.#levels && this.#levels.ids.size > 0) return this.#levels.atMs;
    return this.#spokenSinceMs === null ? null : this.#spokenSinceMs + LEVELS_LATE_MS;
  }

  #missesLevels({ nowMs, socketHeardAtMs }: Look): boolean {
    const dueMs = this.#levelsDueMs();
    if (dueMs === null || this.#hasAskedForLevels) return false;
    if (nowMs - Math.max(dueMs, socketHeardAtMs) < LEVELS_PAUSE_MS) return false;
    // Where the socket turns out to be alive, they stopped for a reason of their own.
    this.#hasAskedForLevels = true;
    return true;
  }

  #missesAnswer({ nowMs, socketHeardAtMs, socketWaitsSinceMs }: Look): boolean {
    if (socketWaitsSinceMs === null || socketWaitsSinceMs === this.#askedRequestMs) return false;
    if (nowMs - Math.max(socketWaitsSinceMs, socketHeardAtMs) < ANSWER_PAUSE_MS) return false;
    this.#askedRequestMs = socketWaitsSinceMs;
    return true;
  }

  // Nothing comes any more, and nobody has said why: neither who paused, nor that all are silent.
  #missesFlow({ receive, heard, nowMs, socketHeardAtMs }: Look): boolean {
    if (!receive || heard.size === 0 || isAnsweredSince(receive)) return false;
    const { flowedAtMs } = receive;
    // Of a path that has just begun, the worst of what may come.
    const flowGapMs = receive.flowGapMs ?? SILENCE_GAP_MS;
    if (flowGapMs > SILENCE_GAP_MS || flowedAtMs === this.#askedFlowMs) return false;
    const pauseMs = flowGapMs < AUDIO_GAP_MS ? AUDIO_PAUSE_MS : SILENCE_PAUSE_MS;
    if (nowMs - Math.max(flowedAtMs, socketHeardAtMs) < pauseMs) return false;
    this.#askedFlowMs = flowedAtMs;
    return true;
  }
}

/** What is to come comes; where nobody is to be heard, what answers the own microphone. */
const isCalm = ({ receive, send, heard, nowMs }: Look): boolean => {
  const [path, pauseMs] = heard.size > 0 ? [receive, AUDIO_PAUSE_MS] : [send, CONTROL_PAUSE_MS];
  return path !== null && nowMs - path.flowedAtMs < pauseMs;
};

/** The path is alive: what stopped is something else. An answer may be noticed a look later than packets that came with it. */
const isAnsweredSince = ({ answeredAtMs, flowedAtMs }: PathSigns): boolean =>
  answeredAtMs - flowedAtMs >= AUDIO_PAUSE_MS;

const isUnanswered = (path: PathSigns | null, nowMs: number): boolean => {
  if (path?.uncheckedSinceMs == null || path.uncheckedCount < MIN_UNCHECKED) return false;
  return nowMs - Math.max(path.uncheckedSinceMs, path.flowedAtMs) >= UNCHECKED_MS;
};
