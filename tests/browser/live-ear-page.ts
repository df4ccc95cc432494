import { LiveRoomClient } from '../../clients/live/browser/live-room.client.ts';
import type { LiveRoomState } from '../../clients/live/browser/live-state.client.ts';
import type { RemoteTrack } from '../../clients/live/browser/media-link.client.ts';
import { RetryLater } from '../../clients/live/browser/retry.client.ts';

/** What a test asks of a page that has the live client, and nothing else of a room's page. */
export interface LiveEarPage {
  /** Enters, and stays in; `grantsUrl` answers with grants. */
  enter(grantsUrl: string): void;
  /** Asks for the microphone and sends it. */
  speak(): Promise<void>;
  hush(): Promise<void>;
  state(): LiveRoomState | null;
  heard(): HeardTrack[];
}

/** A track that is received now. */
export interface HeardTrack {
  readonly participantId: string;
  readonly consumerId: string;
  /** Root mean square of the last 85 ms, 0 to 1. */
  readonly level: number;
  /** Where its spectrum is highest, to 12 Hz. */
  readonly peakHz: number;
}

declare global {
  var liveEar: LiveEarPage;
}

interface Ear extends RemoteTrack {
  readonly analyser: AnalyserNode;
  /** Chromium feeds a remote stream into WebAudio only while an element plays it. */
  readonly audio: HTMLAudioElement;
}

const SAMPLES = 4_096;

const context = new AudioContext();
const ears = new Map<string, Ear>();
let client: LiveRoomClient | null = null;
let state: LiveRoomState | null = null;

async function getGrant(url: string) {
  const response = await fetch(url);
  const answer = await response.json();
  if (response.ok) return answer;
  throw new RetryLater(answer.message, answer.retryAfterMs);
}

function listen(track: RemoteTrack): void {
  const stream = new MediaStream([track.track]);
  const analyser = context.createAnalyser();
  analyser.fftSize = SAMPLES;
  context.createMediaStreamSource(stream).connect(analyser);
  const audio = new Audio();
  audio.srcObject = stream;
  audio.play().catch(() => undefined);
  ears.set(track.consumerId, { ...track, analyser, audio });
}

function measure({ participantId, consumerId, analyser }: Ear): HeardTrack {
  const samples = new Float32Array(SAMPLES);
  analyser.getFloatTimeDomainData(samples);
  const level = Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / SAMPLES);
  const spectrum = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(spectrum);
  const peak = spectrum.reduce((best, one, index) => (one > (spectrum[best] ?? -Infinity) ? index : best), 0);
  return { participantId, consumerId, level, peakHz: (peak * context.sampleRate) / SAMPLES };
}

globalThis.liveEar = {
  enter(grantsUrl) {
    client = new LiveRoomClient({
      getGrant: () => getGrant(grantsUrl),
      onChange: (now) => (state = now),
      onTrack: listen,
      onTrackEnded: (consumerId) => ears.delete(consumerId),
    });
    void client.connect();
  },
  async speak() {
    const processing = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const [track] = (await navigator.mediaDevices.getUserMedia({ audio: processing })).getAudioTracks();
    if (track) await client?.openMicrophone(track);
  },
  hush: async () => client?.closeMicrophone(),
  state: () => state,
  heard: () => [...ears.values()].map(measure),
};
