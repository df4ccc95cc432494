import { spawnSync } from 'node:child_process';
import { findCommand, installPackages } from '#platform/machine/debian-packages.mjs';
import { findFfmpeg } from '../../media-server/ffmpeg.ts';

/** A program that a test needs: where it is, or why it cannot be had. */
export type Program = { readonly executablePath: string } | { readonly missing: string };

const CHROMIUM_NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const CHROMIUM_START_MS = 30_000;

const log = (line: string): void => void process.stderr.write(`${line}\n`);

let chromium: Promise<Program> | undefined;

/**
 * Finds Chromium (`CHROMIUM_PATH` first), or installs Debian's when this process is root: once, however many tests of
 * this process ask. Where it cannot be had the caller skips its test with `missing` as the reason; when `CI` is set this rejects
 * instead, so that nothing is passed over silently there.
 */
export function requireChromium(): Promise<Program> {
  return (chromium ??= obtainChromium().then(refuseInCi));
}

async function obtainChromium(): Promise<Program> {
  const present = findChromium();
  if (present) return present;
  const installed = await installPackages({ packages: ['chromium'], purpose: 'the browser tests', log });
  if (!installed.ok) return { missing: `no Chromium: ${installed.reason} (${installed.remedy})` };
  return findChromium() ?? { missing: 'no Chromium: the installed one does not start' };
}

let ffmpeg: Promise<Program> | undefined;

/** The same for ffmpeg (`FFMPEG_BIN` first). */
export function requireFfmpeg(): Promise<Program> {
  return (ffmpeg ??= obtainFfmpeg().then(refuseInCi));
}

async function obtainFfmpeg(): Promise<Program> {
  const present = findFfmpeg(process.env);
  if ('path' in present) return { executablePath: present.path };
  const installed = await installPackages({ packages: ['ffmpeg'], purpose: 'the tests of recordings', log });
  if (!installed.ok) return { missing: `no ffmpeg: ${installed.reason} (${installed.remedy})` };
  const found = findFfmpeg(process.env);
  return 'path' in found ? { executablePath: found.path } : found;
}

let turnServer: Promise<Program> | undefined;

/** The same for coturn, a TURN server. */
export function requireTurnServer(): Promise<Program> {
  return (turnServer ??= obtainTurnServer().then(refuseInCi));
}

async function obtainTurnServer(): Promise<Program> {
  const present = findCommand('turnserver');
  if (present) return { executablePath: present };
  const installed = await installPackages({ packages: ['coturn'], purpose: 'the tests of TURN', log });
  if (!installed.ok) return { missing: `no coturn: ${installed.reason} (${installed.remedy})` };
  const executablePath = findCommand('turnserver');
  return executablePath ? { executablePath } : { missing: 'no coturn: the installed one is not found' };
}

/** A browser counts only when it starts: a leftover launcher without its libraries does not. */
function findChromium(): Program | null {
  const own = process.env.CHROMIUM_PATH;
  const paths = own ? [own] : CHROMIUM_NAMES.map((name) => findCommand(name)).filter((path) => path !== null);
  const executablePath = paths.find(
    (path) => spawnSync(path, ['--version'], { timeout: CHROMIUM_START_MS }).status === 0,
  );
  return executablePath ? { executablePath } : null;
}

function refuseInCi(program: Program): Program {
  if ('missing' in program && process.env.CI) throw new Error(program.missing);
  return program;
}
