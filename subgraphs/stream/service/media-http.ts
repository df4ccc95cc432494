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

const CACHE_MS = 1_000;
const TIMEOUT_MS = 2_000;

/** A media server in a process of its own, asked for its health before anyone is sent there; one question a second at most. */
export function httpMediaServers(options: HttpMediaOptions): MediaServers {
  const { url, publicUrl, webUrl, nowMs = Date.now } = options;
  let cached: { readonly answer: Promise<MediaLocation>; readonly askedAtMs: number } | null = null;

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
      if (cached === null || nowMs() - cached.askedAtMs >= CACHE_MS)
        cached = { answer: ask(), askedAtMs: nowMs() };
      return cached.answer;
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
