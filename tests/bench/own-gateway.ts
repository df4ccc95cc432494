import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CHECKOUT } from '../support/platform-process.ts';

const packageJson = z.object({ scripts: z.object({ gateway: z.string() }) });
const { scripts } = packageJson.parse(JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8')));

/** The limits that `npm run gateway` gives to node. */
export const NODE_FLAGS: readonly string[] = scripts.gateway
  .split(' ')
  .filter((word) => word.startsWith('--'));

/** What a developer's shell may hold must not change what is measured. */
export const OWN_ENVIRONMENT = {
  HOST: '127.0.0.1',
  LOG_LEVEL: 'warn',
  ...{
    JWKS_URL: '',
    INTERNAL_SECRET: '',
    REDIS_URL: '',
    REVOKED_SESSIONS_URL: '',
    FILES_DIR: '',
    MEDIA_URL: '',
    OTEL_EXPORTER_OTLP_ENDPOINT: '',
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: '',
  },
};
