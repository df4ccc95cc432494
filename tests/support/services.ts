/** Servers that a test may use; null where the variable is not set. */
export const services = {
  /** `scripts/test.ts` starts an embedded server where none was given. */
  databaseUrl: process.env.TEST_DATABASE_URL || process.env.TEST_EMBEDDED_URL || null,
  redisUrl: process.env.TEST_REDIS_URL || null,
  natsUrl: process.env.TEST_NATS_URL || null,
} as const;

const VARIABLES = {
  databaseUrl: 'TEST_DATABASE_URL',
  redisUrl: 'TEST_REDIS_URL',
  natsUrl: 'TEST_NATS_URL',
} as const;

/** For node:test's `skip`: false, or why the test cannot run here. */
export function skipWithout(...needed: (keyof typeof services)[]): string | false {
  const missing = needed.filter((service) => services[service] === null).map((service) => VARIABLES[service]);
  return missing.length === 0 ? false : `${missing.join(' and ')} not set`;
}
