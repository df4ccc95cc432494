/**
 * Runs the whole test suite against one embedded PostgreSQL, or against TEST_DATABASE_URL where it is set. Names of files or
 * folders as arguments run only those. Exit code and summary are those of node's test runner.
 */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createLog } from '#platform/log.ts';
import { startEmbeddedPostgres } from '#platform/postgres/embedded-postgres.ts';

const ROOT = resolve(import.meta.dirname, '..');
/** Files that start whole platforms and browsers run one after the other, behind all others. */
const HEAVY = ['tests/system/', 'tests/browser/', 'tests/media/'];
const FILE_TIMEOUT_MS = 10 * 60_000;

const chosen = process.argv.slice(2);
const files = globSync('tests/**/*.test.ts', { cwd: ROOT })
  .filter((file) => chosen.length === 0 || chosen.some((name) => file.startsWith(name)))
  .sort();
const isHeavy = (file: string) => HEAVY.some((folder) => file.startsWith(folder));

const server = process.env.TEST_DATABASE_URL ? null : await startServer();
const env = { ...process.env, ...(server && { TEST_EMBEDDED_URL: server.url }) };
try {
  const codes = [
    await runTests(
      files.filter((file) => !isHeavy(file)),
      2,
    ),
    await runTests(files.filter(isHeavy), 1),
  ];
  process.exitCode = Math.max(...codes);
} finally {
  await server?.stop();
}

async function startServer(): Promise<{ url: string; stop: () => Promise<void> }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'veza-test-postgres-'));
  // The server may run as another user, who has to get in.
  await chmod(dataDir, 0o755);
  const embedded = await startEmbeddedPostgres({ dataDir, log: createLog('test', 'silent') });
  const stop = async () => {
    await embedded.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { url: embedded.url('postgres'), stop };
}

async function runTests(paths: readonly string[], concurrency: number): Promise<number> {
  if (paths.length === 0) return 0;
  const args = ['--test', `--test-concurrency=${concurrency}`, `--test-timeout=${FILE_TIMEOUT_MS}`, ...paths];
  const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: 'inherit' });
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}
