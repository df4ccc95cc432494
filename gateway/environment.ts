import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { variables } from '#platform/environment.ts';
import { tracingVariables } from '#platform/tracing/environment.ts';
import { REQUEST_LIMITS } from './http/request.ts';

const list = (description: string) =>
  z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .describe(description);

const bytes = (value: number, description: string) =>
  z.coerce.number().int().positive().default(value).describe(description);

const flag = (description: string) =>
  z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .describe(description);

/** Variables of the gateway as a process of its own. */
export const gatewayEnvironment = z.object({
  LOG_LEVEL: variables.LOG_LEVEL,
  LOG_REQUESTS: z
    .enum(['off', 'failed', 'all'])
    .default('failed')
    .describe('Which GraphQL requests get a line in the log; failed: those answered with errors.'),
  METRICS: variables.METRICS,
  ...tracingVariables,
  HOST: variables.HOST,
  PORT: variables.port(4000, 'Port of the gateway. 0 takes a free one.'),
  REDIS_URL: variables.REDIS_URL,
  INTERNAL_SECRET: variables.INTERNAL_SECRET.optional(),
  JWKS_URL: variables
    .url(/^https?$/, 'Public keys of the user service. Unset: tokens are not verified but forwarded.')
    .optional(),
  REVOKED_SESSIONS_URL: variables
    .url(/^https?$/, "The user service's list of revoked sessions, asked every 5 s. Unset: live events only.")
    .optional(),
  FILES_DIR: z
    .string()
    .optional()
    .describe('Folder of uploaded files, which the gateway then serves; unset with S3_BUCKET.'),
  MEDIA_URL: variables
    .url(
      /^https?$/,
      'Internal address of the media server, for the live-room page and for whether audio works.',
    )
    .optional(),
  CORS_ORIGINS: list(
    'Origins whose pages may call the gateway, besides its own, separated by commas; * for all.',
  ),
  FORWARD_HEADERS: list(
    'Client headers that subgraphs get besides those they always get, separated by commas.',
  ),
  TRUST_PROXY: flag('true: the last address of X-Forwarded-For is the caller (a proxy of yours sets it).'),
  MAX_BODY_BYTES: bytes(REQUEST_LIMITS.maxBodyBytes, 'Largest body of a request, files apart.'),
  MAX_FILE_BYTES: bytes(REQUEST_LIMITS.maxFileBytes, 'Largest file of an upload.'),
  GATEWAY_ENGINE: z
    .enum(['engine', 'reference'])
    .default('engine')
    .describe('reference: plain ApolloGateway executes operations, slower and without subscriptions.'),
  EXPLORER: z.enum(['on', 'off']).default('on').describe('Whether / serves the explorer page.'),
  FAST_PATH: z
    .enum(['on', 'off'])
    .default('on')
    .describe('Whether plain operations are answered without Apollo Server; the answers are the same.'),
  GATEWAY_WORKERS: z
    .string()
    .regex(/^(auto|[1-9]\d{0,2})$/, 'must be a number from 1 to 999, or auto')
    .default('1')
    .transform((text) => (text === 'auto' ? availableParallelism() : Number(text)))
    .describe('Processes that serve on one port; auto: one per core. Goes after --workers.'),
  GATEWAY_CONFIG: z
    .string()
    .optional()
    .describe(
      'YAML file with limits, retries, header rules and more (docs/gateway.md); goes after --config.',
    ),
  NODE_ENV: z
    .string()
    .default('development')
    .describe('production: messages of subgraphs are masked unless the configuration file says otherwise.'),
  SHUTDOWN_GRACE_MS: bytes(
    10_000,
    'Milliseconds that requests in flight get when the process is asked to stop.',
  ),
});

/** `SUBGRAPH_<NAME>_URL` replaces the routing URL of one subgraph, `-` and other characters of its name as `_`. */
export function subgraphUrl(name: string, routingUrl: string, env: NodeJS.ProcessEnv): string {
  return env[`SUBGRAPH_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}_URL`] || routingUrl;
}
