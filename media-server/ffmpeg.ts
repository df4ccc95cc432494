import { spawnSync } from 'node:child_process';
import { findCommand } from '#platform/machine/debian-packages.mjs';

/** The ffmpeg of this machine, or why there is none. */
export type Ffmpeg = { readonly path: string } | { readonly missing: string };

const PROBE_TIMEOUT_MS = 10_000;

/** `FFMPEG_BIN` where it is set, else the one in PATH; only one that starts counts. */
export function findFfmpeg(env: NodeJS.ProcessEnv): Ffmpeg {
  const custom = env.FFMPEG_BIN;
  const path = custom || findCommand('ffmpeg', env);
  if (!path) return { missing: 'There is no ffmpeg in PATH: install the package ffmpeg, or set FFMPEG_BIN.' };
  const { status } = spawnSync(path, ['-version'], { stdio: 'ignore', timeout: PROBE_TIMEOUT_MS });
  if (status === 0) return { path };
  return { missing: `${custom ? 'FFMPEG_BIN: ' : ''}${path} does not start as ffmpeg.` };
}
