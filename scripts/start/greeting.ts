import { DEMO_LIVE_ROOM_ID, DEMO_PASSWORD, DEMO_USERS } from '#platform/demo.ts';
import { readEnvironment } from '#platform/environment.ts';
import type { Running } from '#platform/process.ts';
import { platformEnvironment } from './environment.ts';
import { demoDataWanted, startPlatform, type RunningPlatform } from './platform.ts';
import { createProgress } from './progress.ts';

/** Starts the platform, telling what it does, and once all of it is ready prints where it is and who can sign in. */
export async function startAndGreet(env: NodeJS.ProcessEnv, write: (line: string) => void): Promise<Running> {
  const startedAt = performance.now();
  const environment = readEnvironment(platformEnvironment, env);
  write('Veza is starting');
  const platform = await startPlatform(environment, env, createProgress(write));
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  write(`Ready after ${seconds} s. Ctrl-C stops it.\n`);
  for (const line of describe(platform, demoDataWanted(environment))) write(line);
  return {
    closeDeadlineMs: platform.closeDeadlineMs,
    close: async () => {
      write('\nStopping …');
      await platform.close();
      write('Stopped.');
    },
  };
}

function describe({ url, liveAudioProblem }: RunningPlatform, demo: boolean): string[] {
  const lines = [
    `  Explorer   ${url}/`,
    `  GraphQL    ${url}/graphql  (POST, GET, WebSocket, SSE)`,
    `  Health     ${url}/health/ready`,
    `  Metrics    ${url}/metrics`,
  ];
  if (demo) {
    lines.push(`  Live room  ${url}/live/${DEMO_LIVE_ROOM_ID}`, '', '  Sign in as');
    for (const { email } of DEMO_USERS.slice(0, 2)) lines.push(`    ${email}  ${DEMO_PASSWORD}`);
  }
  if (liveAudioProblem) lines.push('', `  Live audio is not available: ${liveAudioProblem}`);
  return lines;
}
