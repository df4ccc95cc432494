import HlsPlayer, { Events } from 'hls.js';

/** A broadcast that plays until it is stopped. */
export interface PlayedBroadcast {
  /** How far behind its live edge it plays, in seconds; null where the player does not tell. */
  readonly latency: number | null;
  /** How far behind it should be. */
  readonly targetLatency: number | null;
  stop(): void;
}

/** What becomes of it; each is told at most once, and nothing after `stop`. */
export interface BroadcastEvents {
  /** All of it was played. */
  readonly onEnded: () => void;
  /** It cannot be played, or not any more; why, in words. */
  readonly onProblem: (words: string) => void;
}

const HLS_TYPE = 'application/vnd.apple.mpegurl';

const LOW_LATENCY = {
  lowLatencyMode: true,
  // Whoever fell behind catches up so slowly that it is hardly heard.
  maxLiveSyncPlaybackRate: 1.05,
  // Where the network is too slow for the time held back, it gets the length of a part more.
  liveSyncOnStallIncrease: 0.35,
};

/** Plays the HLS playlist at `url` in `audio`. */
export function playBroadcast(
  audio: HTMLAudioElement,
  url: string,
  { onEnded, onProblem }: BroadcastEvents,
): PlayedBroadcast {
  const stopping = new AbortController();
  const once = { once: true, signal: stopping.signal };
  const fail = () => onProblem('The broadcast has ended, or cannot be reached. Try to join the room again.');
  audio.addEventListener('ended', onEnded, once);
  // oxlint-disable-next-line import/no-named-as-default-member -- its types have the function here alone
  if (!HlsPlayer.isSupported()) {
    if (audio.canPlayType(HLS_TYPE) === '') onProblem('This browser cannot play the broadcast.');
    audio.addEventListener('error', fail, once);
    audio.src = url;
    void audio.play().catch(() => undefined);
    const stop = () => {
      stopping.abort();
      audio.removeAttribute('src');
    };
    return { latency: null, targetLatency: null, stop };
  }
  // Audio alone costs next to nothing to unpack, and a worker would need a looser security policy.
  const hls = new HlsPlayer({ enableWorker: false, ...LOW_LATENCY });
  const stop = () => {
    stopping.abort();
    hls.destroy();
  };
  hls.on(Events.ERROR, (_event, { fatal }) => {
    if (!fatal) return;
    stop();
    fail();
  });
  // The browser may want a click on the player's own button first.
  hls.on(Events.MANIFEST_PARSED, () => void audio.play().catch(() => undefined));
  hls.loadSource(url);
  hls.attachMedia(audio);
  return {
    get latency() {
      return hls.latency;
    },
    get targetLatency() {
      return hls.targetLatency;
    },
    stop,
  };
}
