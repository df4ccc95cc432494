import { availableParallelism } from 'node:os';
import { isIPv4, isIPv6 } from 'node:net';
import { z } from 'zod';
import { variables } from '#platform/environment.ts';
import { fileVariables } from '#platform/files/file-environment.ts';
import { MAX_LIVE_ROOM_PEOPLE } from '#schema/media-bus.ts';

export const DEFAULT_MEDIA_PORT = 4010;
export const DEFAULT_MAX_CONSUMERS_PER_ROUTER = 300;

const isAddress = (value: string) => isIPv4(value) || isIPv6(value);
const isWildcard = (value: string) => value === '0.0.0.0' || value === '::';

/** Variables of the media server, as a process of its own or within the platform's. */
export const mediaEnvironment = z.object({
  HOST: variables.HOST,
  PORT: variables.port(DEFAULT_MEDIA_PORT, 'Port of signalling, health and metrics.'),
  LOG_LEVEL: variables.LOG_LEVEL,
  REDIS_URL: variables.REDIS_URL,
  NATS_URL: variables.NATS_URL,
  INTERNAL_SECRET: variables.INTERNAL_SECRET,
  MEDIASOUP_WORKER_BIN: z
    .string()
    .optional()
    .describe('Path of a mediasoup-worker binary. Unset: the one that the setup downloaded or built.'),
  MEDIA_WORKERS: z.coerce
    .number()
    .int()
    .min(1)
    .max(256)
    .optional()
    .describe('Media workers to run; each uses one core. Unset: one per core.'),
  MEDIA_LISTEN_IP: z
    .string()
    .refine(isAddress, 'must be an IP address')
    .default('127.0.0.1')
    .describe('IP address on which media workers receive audio.'),
  MEDIA_ANNOUNCED_ADDRESS: z
    .string()
    .optional()
    .describe(
      'IP address or name that browsers are told for audio. Required where MEDIA_LISTEN_IP is 0.0.0.0 or ::.',
    ),
  MEDIA_MIN_PORT: variables.port(40_000, 'First UDP and TCP port of media workers.'),
  MEDIA_MAX_PORT: variables.port(
    40_099,
    'Last UDP and TCP port of media workers; each worker takes one of either kind.',
  ),
  MEDIA_MAX_PEERS_PER_ROOM: z.coerce
    .number()
    .int()
    .min(2)
    .max(10_000)
    .default(MAX_LIVE_ROOM_PEOPLE)
    .describe('Participants that one live room takes.'),
  RECORDINGS_DIR: z
    .string()
    .optional()
    .describe(
      'Folder where recordings of live rooms grow until they are stored as files; it outlives the process. Unset: .veza/recordings, or below DATA_DIR.',
    ),
  FFMPEG_BIN: z
    .string()
    .optional()
    .describe('Path of an ffmpeg, which mixes recordings and broadcasts. Unset: the one in PATH.'),
  MEDIA_MAX_CONSUMERS_PER_ROUTER: z.coerce
    .number()
    .int()
    .min(1)
    .default(DEFAULT_MAX_CONSUMERS_PER_ROUTER)
    .describe(
      'Streams that one worker hands to the participants of one room. A room that needs more is spread over further workers.',
    ),
});

/** The same, of the media server as a process of its own: it may be one of several, and within the platform's, files are kept by that. */
export const mediaProcessEnvironment = mediaEnvironment.extend({
  ...fileVariables,
  MEDIA_INTERNAL_URL: variables
    .url(
      /^https?$/,
      'Address at which other processes reach this media server, where it is one of several; they share REDIS_URL. Unset: it is the only one.',
    )
    .optional(),
  MEDIA_PUBLIC_URL: variables
    .url(
      /^wss?$/,
      'Address of the media server’s WebSocket for clients. Unset: the path /media of MEDIA_URL.',
    )
    .optional(),
  MEDIA_DRAIN_MS: z.coerce
    .number()
    .int()
    .min(0)
    .max(600_000)
    .default(10_000)
    .describe(
      'Milliseconds over which a media server that is stopped hands its participants to others, before it closes. Where there is no other it closes at once.',
    ),
});
export type MediaProcessEnvironment = z.infer<typeof mediaProcessEnvironment>;

export type MediaEnvironment = z.infer<typeof mediaEnvironment>;

export const workerCountOf = ({ MEDIA_WORKERS }: MediaEnvironment): number =>
  MEDIA_WORKERS ?? availableParallelism();

/** What no single variable can say: problems of their combination, each line naming its variable. */
export function mediaEnvironmentProblems(environment: MediaEnvironment): string[] {
  const { MEDIA_LISTEN_IP: ip, MEDIA_ANNOUNCED_ADDRESS: announced } = environment;
  const { MEDIA_MIN_PORT: min, MEDIA_MAX_PORT: max } = environment;
  const workers = workerCountOf(environment);
  const problems: string[] = [];
  if (isWildcard(ip) && !announced)
    problems.push(`MEDIA_ANNOUNCED_ADDRESS: is required where MEDIA_LISTEN_IP is ${ip}`);
  if (min < 1) problems.push('MEDIA_MIN_PORT: must be 1 or more');
  if (max - min + 1 < workers)
    problems.push(`MEDIA_MAX_PORT: ${workers} workers need as many ports from MEDIA_MIN_PORT on`);
  return problems;
}
