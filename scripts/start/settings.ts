import { resolve } from 'node:path';
import { EnvironmentError } from '#platform/environment.ts';
import { requireFreePort } from '#platform/free-port.ts';
import { readConfig, type GatewayConfig } from '../../gateway/config.ts';
import { missingInOneProcess } from '../../gateway/event-sources.ts';
import { SUBGRAPHS, type PlatformEnvironment } from './environment.ts';
import { localSecret } from './local-secret.ts';
import type { Progress } from './progress.ts';

/** What a start was asked for, with everything that has a default filled in. */
export interface StartSettings {
  readonly environment: PlatformEnvironment;
  readonly env: NodeJS.ProcessEnv;
  readonly progress: Progress;
  /** What GATEWAY_CONFIG says. */
  readonly config: GatewayConfig;
  readonly dataDir: string;
  readonly secret: string;
  readonly host: string;
  readonly port: number;
  readonly url: string;
}

const isOwn = (name: string) => SUBGRAPHS.some((subgraph) => subgraph === name);

export async function settingsOf(
  environment: PlatformEnvironment,
  env: NodeJS.ProcessEnv,
  progress: Progress,
): Promise<StartSettings> {
  const { HOST: host, PUBLIC_URL: publicUrl, INTERNAL_SECRET: given, GATEWAY_CONFIG } = environment;
  const config = readConfig(GATEWAY_CONFIG);
  const missing = missingInOneProcess(config, isOwn, environment);
  if (missing.length > 0) throw new EnvironmentError(missing);
  const port = await requireFreePort(host, environment.PORT);
  const dataDir = resolve(environment.DATA_DIR);
  const secret = given ?? (await localSecret(dataDir));
  return {
    environment,
    env,
    progress,
    config,
    dataDir,
    secret,
    host,
    port,
    url: publicUrl ?? `http://localhost:${port}`,
  };
}
