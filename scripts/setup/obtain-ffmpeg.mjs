import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findCommand, installPackages } from '../../platform/machine/debian-packages.mjs';
import { cacheFolder } from '../../media-server/worker/find-worker.mjs';

/** One try per machine: where it fails, no later start shall wait for it again. */
const triedFile = (env) => join(dirname(cacheFolder(env)), 'ffmpeg-was-tried');

/** Whether there is an ffmpeg, or none to be had. A path that was set counts, whatever is there. */
export function ffmpegSettled(env = process.env) {
  return Boolean(env.FFMPEG_BIN) || findCommand('ffmpeg', env) !== null || existsSync(triedFile(env));
}

/** Installs Debian's ffmpeg. What needs it is refused where there is none; everything else works. */
export async function obtainFfmpeg({ log, env = process.env }) {
  const purpose = 'mixing recordings and broadcasts of live rooms';
  const { ok, reason, remedy } = await installPackages({ packages: ['ffmpeg'], purpose, log });
  if (ok) return;
  log(`live rooms can be neither mixed nor broadcast, everything else works: ${reason}`);
  log(`${remedy}, or set FFMPEG_BIN.`);
  try {
    mkdirSync(dirname(triedFile(env)), { recursive: true });
    writeFileSync(triedFile(env), reason);
  } catch {
    // Then the next start tries again.
  }
}
