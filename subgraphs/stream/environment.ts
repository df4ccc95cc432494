import { z } from 'zod';
import { EnvironmentError, variables } from '#platform/environment.ts';
import { fileVariables } from '#platform/files/file-environment.ts';
import { subgraphVariables } from '#platform/subgraph-process.ts';
import type { StreamOptions } from './subgraph.ts';
import { httpMediaServers, noMediaServers } from './service/media-http.ts';

export const DEFAULT_PORT = 4003;

const mediaVariables = {
  MEDIA_URL: variables
    .url(/^https?$/, 'Address at which this process reaches the media server. Unset: no live audio.')
    .optional(),
  MEDIA_PUBLIC_URL: variables
    .url(
      /^wss?$/,
      'Address of the media server’s WebSocket for clients. Unset: the path /media of MEDIA_URL.',
    )
    .optional(),
  TURN_URLS: z
    .string()
    .regex(/^turns?:\S+$/, 'must be turn: or turns: addresses, separated by commas')
    .optional()
    .describe('TURN servers for clients behind strict firewalls, separated by commas.'),
  TURN_SECRET: z
    .string()
    .min(16)
    .optional()
    .describe('Secret shared with the TURN servers, for passwords that end by themselves.'),
};

export const streamEnvironment = subgraphVariables('stream', DEFAULT_PORT).extend(mediaVariables);

const mediaEnvironment = z.object({ ...mediaVariables, PUBLIC_URL: fileVariables.PUBLIC_URL });

/** What the variables say about media and TURN servers. Throws EnvironmentError where two of them do not go together. */
export function streamOptions(environment: z.infer<typeof mediaEnvironment>): StreamOptions {
  const { MEDIA_URL, MEDIA_PUBLIC_URL, PUBLIC_URL: webUrl, TURN_URLS, TURN_SECRET } = environment;
  if ((TURN_URLS === undefined) !== (TURN_SECRET === undefined))
    throw new EnvironmentError(['TURN_SECRET: set it together with TURN_URLS, or neither']);
  const publicUrl = MEDIA_PUBLIC_URL ?? (MEDIA_URL && socketUrlOf(MEDIA_URL));
  return {
    media: MEDIA_URL && publicUrl ? httpMediaServers({ url: MEDIA_URL, publicUrl, webUrl }) : noMediaServers,
    turn: TURN_URLS && TURN_SECRET ? { urls: TURN_URLS.split(','), secret: TURN_SECRET } : null,
  };
}

function socketUrlOf(mediaUrl: string): string {
  const url = new URL('/media', mediaUrl);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}
