import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { messageOf } from '#platform/errors.ts';
import { configSchema, type GatewayConfig } from './config-schema.ts';

export type { GatewayConfig } from './config-schema.ts';

/** Every problem of a configuration file in one error, each line naming its setting or its place. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(file: string, problems: readonly string[]) {
    super(`${file} is not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** Reads and checks a file; without one everything has its default. Throws ConfigError. */
export function readConfig(file: string | undefined): GatewayConfig {
  return file === undefined ? configSchema.parse({}) : parseConfig(readText(file), file);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(file, [messageOf(error)]);
  }
}

/** Checks the text of a configuration; `file` is its name in errors. Throws ConfigError. */
export function parseConfig(text: string, file: string): GatewayConfig {
  const document = parseDocument(text);
  if (document.errors.length > 0)
    throw new ConfigError(
      file,
      // What follows the first line repeats the text of the file.
      document.errors.map(({ message }) => message.split('\n')[0]?.replace(/:$/, '') ?? message),
    );
  const result = configSchema.safeParse(document.toJS({ maxAliasCount: 100 }) ?? {});
  if (result.success) return result.data;
  throw new ConfigError(file, result.error.issues.map(problemOf));
}

function problemOf(issue: z.core.$ZodIssue): string {
  // Of a key that is refused, what is wrong with it stands one level deeper.
  const message = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  return issue.path.length > 0 ? `${issue.path.join('.')}: ${message}` : message;
}
