import { playBroadcast, type PlayedBroadcast } from '../../media-server/page/browser/broadcast.client.ts';

/** What a test asks of a page that has the player of broadcasts, and nothing else of a room's page. */
export interface BroadcastEarPage {
  play(url: string): void;
  stop(): void;
  heard(): HeardBroadcast;
}

export interface HeardBroadcast {
  /** Root mean square of the last 5 ms, 0 to 1. */
  readonly level: number;
  /** When sound began after silence, each in Unix time, ms. */
  readonly onsetsMs: readonly number[];
  readonly playedSeconds: number;
  /** How far behind the live edge it plays, and should play, in seconds. */
  readonly latency: number | null;
  readonly targetLatency: number | null;
  /** Whether all of it was played. */
  readonly ended: boolean;
  /** What the player could not go on with. */
  readonly problems: readonly string[];
}

declare global {
  var broadcastEar: BroadcastEarPage;
}

const SAMPLES = 256;
const LOOK_MS = 5;
const HEARD = 0.02;
/** What is silent for so many looks has ended; a tone is not always loud, looked at so closely. */
const SILENT_LOOKS = 40;

const audio = new Audio();
const context = new AudioContext();
const analyser = context.createAnalyser();
analyser.fftSize = SAMPLES;
context.createMediaElementSource(audio).connect(analyser).connect(context.destination);

const samples = new Float32Array(SAMPLES);
const onsetsMs: number[] = [];
const problems: string[] = [];
let level = 0;
let silentLooks = SILENT_LOOKS;
let ended = false;
let played: PlayedBroadcast | null = null;

setInterval(() => {
  analyser.getFloatTimeDomainData(samples);
  level = Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / SAMPLES);
  if (level > HEARD && silentLooks >= SILENT_LOOKS) onsetsMs.push(Date.now());
  silentLooks = level > HEARD ? 0 : silentLooks + 1;
}, LOOK_MS);

globalThis.broadcastEar = {
  play(url) {
    played = playBroadcast(audio, url, {
      onEnded: () => (ended = true),
      onProblem: (words) => problems.push(words),
    });
  },
  stop: () => played?.stop(),
  heard: () => ({
    level,
    onsetsMs,
    playedSeconds: [...Array(audio.played.length).keys()].reduce(
      (sum, index) => sum + audio.played.end(index) - audio.played.start(index),
      0,
    ),
    latency: played?.latency ?? null,
    targetLatency: played?.targetLatency ?? null,
    ended,
    problems,
  }),
};
