import { messageOf } from '#platform/errors.ts';
import { MEDIA_ABILITIES_PATH, mediaAbilities, type MediaAbilities } from '#schema/media-bus.ts';
import type { MediaLocation, MediaServers } from '../domain/ports.ts';

export interface HttpMediaOptions {
  /** Where this process reaches the media server, for example `http://127.0.0.1:4010`. */
  readonly url: string;
  /** Where clients reach its signalling socket. */
  readonly publicUrl: string;
  /** Where clients reach its pages and broadcasts. */
  readonly webUrl: string;
  readonly nowMs?: () => number;
}

/** Short, because those who lost their server wait for the next one. */
const CACHE_MS = 250;
const TIMEOUT_MS = 2_000;

/** A media server in a process of its own, asked for its health before anyone is sent there; by many at once no more often than every CACHE_MS. */
export function httpMediaServers(options: HttpMediaOptions): MediaServers {
  const { url, publicUrl, webUrl, nowMs = Date.now } = options;
  let asked: { readonly answer: Promise<MediaLocation>; untilMs: number } | null = null;

  const ask = async (): Promise<MediaLocation> => {
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const response = await fetch(new URL('/health/ready', url), { signal });
      await response.body?.cancel();
      if (response.ok) return { available: true, url: publicUrl, webUrl, ...(await askAbilities(url)) };
      return { available: false, reason: `The media server answers ${response.status}.` };
    } catch (error) {
      return { available: false, reason: `The media server does not answer: ${messageOf(error)}` };
    }
  };

  return {
    locate() {
      if (asked && nowMs() < asked.untilMs) return asked.answer;
      const asking = { answer: ask(), untilMs: Infinity };
      asked = asking;
      void asking.answer.then(() => (asking.untilMs = nowMs() + CACHE_MS));
      return asking.answer;
    },
  };
}

async function askAbilities(url: string): Promise<MediaAbilities> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(new URL(MEDIA_ABILITIES_PATH, url), { signal });
  return mediaAbilities.parse(await response.json());
}

/** For a platform that was started without a media server. */
export const noMediaServers: MediaServers = {
  locate: () => Promise.resolve({ available: false, reason: 'MEDIA_URL is not set.' }),
};
