import { z } from 'zod';
import { variables } from '#platform/environment.ts';
import { fileVariables } from '#platform/files/file-environment.ts';
import { gatewayEnvironment } from '../../gateway/environment.ts';
import { mediaEnvironment } from '../../media-server/environment.ts';

export const SUBGRAPHS = ['user', 'chat', 'stream', 'commerce', 'analytics'] as const;
export type SubgraphName = (typeof SUBGRAPHS)[number];

const databaseUrls = Object.fromEntries(
  SUBGRAPHS.map((name) => [`${name.toUpperCase()}_DATABASE_URL`, variables.databaseUrl(name)]),
);

function withoutDefault<T extends z.ZodType>(variable: z.ZodDefault<T>) {
  return variable
    .unwrap()
    .optional()
    .describe(variable.description ?? '');
}

/** Variables of `npm start`, the whole platform in one process. None is required. */
export const platformEnvironment = z.object({
  ...gatewayEnvironment.omit({
    JWKS_URL: true,
    REVOKED_SESSIONS_URL: true,
    MEDIA_URL: true,
    GATEWAY_WORKERS: true,
  }).shape,
  ...mediaEnvironment.omit({ HOST: true, PORT: true }).shape,
  ...fileVariables,
  ...databaseUrls,
  PORT: variables.port(4000, 'Port of the platform. 0 takes a free one.'),
  DATA_DIR: z
    .string()
    .default('.veza')
    .describe('Folder of the embedded database, uploaded files and the secret.'),
  DEMO_DATA: z
    .enum(['on', 'off'])
    .optional()
    .describe('Whether an empty platform gets the demo data. Unset: only where HOST is this machine alone.'),
  LOG_LEVEL: variables.LOG_LEVEL.default('warn'),
  DATABASE_URL: variables.DATABASE_URL,
  NATS_URL: variables.NATS_URL,
  INTERNAL_SECRET: variables.INTERNAL_SECRET.optional(),
  // Unset: they follow PORT and DATA_DIR.
  PUBLIC_URL: withoutDefault(fileVariables.PUBLIC_URL),
  FILES_DIR: withoutDefault(fileVariables.FILES_DIR),
});

export type PlatformEnvironment = z.infer<typeof platformEnvironment>;
