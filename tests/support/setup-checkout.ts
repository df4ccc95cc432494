import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** Stands in for npm: notes that it was called, then does what `behaviour` says. */
const NPM = `
const fs = require('node:fs');
fs.appendFileSync('npm-calls', process.pid + '\\n');
const behaviour = fs.existsSync('npm-behaviour') ? fs.readFileSync('npm-behaviour', 'utf8') : 'install';
if (behaviour === 'fail') { console.error('npm error ENOTFOUND registry'); process.exit(1); }
fs.rmSync('node_modules', { recursive: true, force: true });
fs.mkdirSync('node_modules/mediasoup', { recursive: true });
if (behaviour === 'hang') { fs.writeFileSync('npm-hangs', ''); setInterval(() => {}, 60000); }
else fs.writeFileSync('node_modules/mediasoup/package.json', '{"version":"1.2.3"}');
`;

export interface SetupCheckout {
  readonly folder: string;
  /** Runs setup to its end. */
  run(env?: NodeJS.ProcessEnv): Promise<{ readonly code: number | null; readonly output: string }>;
  /** Starts setup and leaves it to the caller. */
  start(env?: NodeJS.ProcessEnv): ChildProcess;
  /** What the npm of this checkout does from now on. */
  npm(behaviour: 'install' | 'fail' | 'hang'): void;
  /** Process ids of the npm runs so far. */
  npmRuns(): number[];
  changeLockfile(): void;
  remove(): void;
}

/** A checkout that holds what setup is made of, and an npm that needs no network. */
export function createSetupCheckout(): SetupCheckout {
  const folder = mkdtempSync(join(tmpdir(), 'veza-setup-'));
  for (const part of ['scripts/setup.mjs', 'scripts/setup', 'platform/machine', 'media-server/worker']) {
    cpSync(join(PROJECT, part), join(folder, part), { recursive: true });
  }
  mkdirSync(join(folder, 'npm'));
  writeFileSync(join(folder, 'npm', 'npm-cli.cjs'), NPM);
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const lockfile = join(folder, 'package-lock.json');
  writeFileSync(lockfile, '{"packages":{}}');
  const start = (env: NodeJS.ProcessEnv = {}) =>
    spawn(process.execPath, [join(folder, 'scripts', 'setup.mjs')], {
      cwd: folder,
      env: {
        ...process.env,
        npm_execpath: join(folder, 'npm', 'npm-cli.cjs'),
        MEDIASOUP_WORKER_BIN: '/bin/true',
        FFMPEG_BIN: '/bin/true',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const calls = join(folder, 'npm-calls');
  return {
    folder,
    start,
    run: (env) => outcome(start(env)),
    npm: (behaviour) => writeFileSync(join(folder, 'npm-behaviour'), behaviour),
    npmRuns: () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n').map(Number) : []),
    changeLockfile: () => writeFileSync(lockfile, `${readFileSync(lockfile, 'utf8')}\n`),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function outcome(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  }
  await once(child, 'close');
  return { code: child.exitCode, output };
}
