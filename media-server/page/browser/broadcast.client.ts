import HlsPlayer, { Events } from 'hls.js';

/** A broadcast that plays until it is stopped. */
export interface PlayedBroadcast {
  stop(): void;
}

const HLS_TYPE = 'application/vnd.apple.mpegurl';

/** Plays the HLS playlist at `url` in `audio`. `onProblem` is told in words where it cannot be played, or not any more. */
export function playBroadcast(
  audio: HTMLAudioElement,
  url: string,
  onProblem: (words: string) => void,
): PlayedBroadcast {
  const ended = () => onProblem('The broadcast has ended, or cannot be reached. Try to join the room again.');
  // oxlint-disable-next-line import/no-named-as-default-member -- its types have the function here alone
  if (!HlsPlayer.isSupported()) {
    if (audio.canPlayType(HLS_TYPE) === '') onProblem('This browser cannot play the broadcast.');
    audio.addEventListener('error', ended, { once: true });
    audio.src = url;
    void audio.play().catch(() => undefined);
    return { stop: () => audio.removeAttribute('src') };
  }
  // Audio alone costs next to nothing to unpack, and a worker would need a looser security policy.
  const hls = new HlsPlayer({ enableWorker: false });
  hls.on(Events.ERROR, (_event, { fatal }) => {
    if (!fatal) return;
    hls.destroy();
    ended();
  });
  // The browser may want a click on the player's own button first.
  hls.on(Events.MANIFEST_PARSED, () => void audio.play().catch(() => undefined));
  hls.loadSource(url);
  hls.attachMedia(audio);
  return { stop: () => hls.destroy() };
}
