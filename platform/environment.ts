import { z } from 'zod';
import { LOG_LEVELS } from './log.ts';

/** Every problem of an environment in one error, each line naming its variable. */
export class EnvironmentError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The environment is not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'EnvironmentError';
    this.problems = problems;
  }
}

type Shape = z.ZodObject<Readonly<Record<string, z.ZodType>>>;

/** Names of variables of which at least one must be set; the first is the one to ask for. */
export type Alternatives = readonly [string, ...string[]];

/**
 * Reads and checks variables once per process. An empty value counts as not set. Throws EnvironmentError with every problem at once; of
 * each of `eitherOf` one variable must be set.
 */
export function readEnvironment<T extends Shape>(
  shape: T,
  env: NodeJS.ProcessEnv,
  eitherOf: readonly Alternatives[] = [],
): z.infer<T> {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''),
  );
  const result = shape.safeParse(given);
  const missing = eitherOf
    .filter((names) => names.every((name) => given[name] === undefined))
    .map(([first, ...others]) => `${first}: set it, or ${others.join(' or ')}`);
  if (result.success && missing.length === 0) return result.data;
  throw new EnvironmentError([
    ...(result.error?.issues ?? []).map((issue) => problemOf(issue, given)),
    ...missing,
  ]);
}

function problemOf(issue: z.core.$ZodIssue, given: Readonly<Record<string, string | undefined>>): string {
  const name = issue.path.join('.') || 'environment';
  return `${name}: ${given[name] === undefined ? 'is required' : issue.message}`;
}

const port = (value: number, description: string) =>
  z.coerce.number().int().min(0).max(65_535).default(value).describe(description);

const url = (protocols: RegExp, description: string) =>
  z
    .url({ protocol: protocols, error: `must be a URL whose scheme matches ${protocols.source}` })
    .describe(description);

/** Variables that several processes share. Each process picks what it needs, so that a name means one thing everywhere. */
export const variables = {
  LOG_LEVEL: z.enum(LOG_LEVELS).default('info').describe('Least severe level that is logged, as JSON lines.'),
  METRICS: z.enum(['on', 'off']).default('on').describe('off: nothing is counted, and /metrics is empty.'),
  HOST: z.string().default('127.0.0.1').describe('Address to listen on.'),
  REDIS_URL: url(
    /^rediss?$/,
    'Redis for live events between processes. Unset: in memory, one process only.',
  ).optional(),
  NATS_URL: url(
    /^(nats|tls)$/,
    'NATS with JetStream for durable events between processes. Unset: in process.',
  ).optional(),
  INTERNAL_SECRET: z
    .string()
    .min(32)
    .describe(
      'Shared by all processes: signs what they tell each other (viewer, media grants, file URLs). 32 characters or more.',
    ),
  DATABASE_URL: url(
    /^postgres(ql)?$/,
    'PostgreSQL server. Each subgraph uses a database of its own there, named <database of this address>_<subgraph>, made where missing.',
  ).optional(),
  databaseUrl: (service: string) =>
    url(
      /^postgres(ql)?$/,
      `PostgreSQL database of the ${service} subgraph alone; goes before DATABASE_URL.`,
    ).optional(),
  port,
  url,
};
