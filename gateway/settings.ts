import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { EnvironmentError, readEnvironment } from '#platform/environment.ts';
import { messageOf } from '#platform/errors.ts';
import { readConfig, type GatewayConfig } from './config.ts';
import { gatewayEnvironment } from './environment.ts';
import { missingVariables } from './event-sources.ts';
import type { ShutdownPlan } from './shutdown.ts';
import { locationFrom } from './supergraph/location.ts';

/** What a gateway process was asked for: plain data, so that it can be handed to another process as it is. */
export interface GatewaySettings extends z.infer<typeof gatewayEnvironment> {
  readonly config: GatewayConfig;
  /** A path or an http(s) address. */
  readonly supergraph: string;
  /** The variables `SUBGRAPH_<NAME>_URL`. */
  readonly subgraphUrls: Readonly<Record<string, string | undefined>>;
}

const USAGE =
  'Usage: npm run gateway -- [--config FILE] [--supergraph FILE|URL] [--port N] [--host H] [--workers N|auto]';
/** The platform's own. */
export const DEFAULT_SUPERGRAPH = fileURLToPath(new URL('../schema/supergraph.graphql', import.meta.url));

/** Reads arguments, environment and configuration file, in this order of precedence. Throws what is wrong, all of one kind at once. */
export function readSettings(args: string[], env: NodeJS.ProcessEnv): GatewaySettings {
  const { config: givenConfig, supergraph, port, host, workers } = readArguments(args);
  const given = {
    ...env,
    ...(port && { PORT: port }),
    ...(host && { HOST: host }),
    ...(workers && { GATEWAY_WORKERS: workers }),
  };
  const settings = readEnvironment(gatewayEnvironment, given);
  if (settings.JWKS_URL && !settings.INTERNAL_SECRET)
    throw new EnvironmentError(['INTERNAL_SECRET: is required with JWKS_URL, to sign who is calling']);
  const configFile = givenConfig ?? settings.GATEWAY_CONFIG;
  const config = readConfig(configFile);
  const missing = missingVariables(config, settings);
  if (missing.length > 0) throw new EnvironmentError(missing);
  const subgraphUrls = Object.entries(env).filter(([name]) => /^SUBGRAPH_\w+_URL$/.test(name));
  return {
    ...settings,
    config,
    supergraph: supergraph ?? configuredSupergraph(config, configFile) ?? DEFAULT_SUPERGRAPH,
    subgraphUrls: Object.fromEntries(subgraphUrls),
  };
}

function readArguments(args: string[]) {
  const STRING = { type: 'string' } as const;
  const options = { config: STRING, supergraph: STRING, port: STRING, host: STRING, workers: STRING };
  try {
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw new Error(`${messageOf(error)}\n${USAGE}`, { cause: error });
  }
}

/** A path or an http(s) address; undefined where the file names none. */
export function configuredSupergraph(config: GatewayConfig, file: string | undefined): string | undefined {
  const { source } = config.supergraph;
  return source !== undefined && file !== undefined ? locationFrom(file, source) : undefined;
}

/** How a process ends; what the file leaves open is the halves of SHUTDOWN_GRACE_MS. */
export function shutdownPlan({
  config,
  SHUTDOWN_GRACE_MS: allMs,
}: Pick<GatewaySettings, 'config' | 'SHUTDOWN_GRACE_MS'>): ShutdownPlan {
  const { delayMs, socketsMs = allMs / 2, graceMs = allMs / 2 } = config.shutdown;
  return { delayMs, socketsMs, graceMs };
}
