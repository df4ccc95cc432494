import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runVisibly } from './visible-command.mjs';

const UPDATE_TIMEOUT_MS = 3 * 60_000;
const INSTALL_TIMEOUT_MS = 10 * 60_000;
/** An unreachable mirror, or another apt at work, must end in a message and not in a wait without end. */
const LIMITS = [
  '-o=Acquire::http::Timeout=20',
  '-o=Acquire::https::Timeout=20',
  '-o=Acquire::Retries=1',
  '-o=DPkg::Lock::Timeout=120',
];

/** The full path of a command, or null. */
export function findCommand(name, env = process.env) {
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    const path = join(folder || '.', name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

/** Installs Debian packages; see debian-packages.d.mts. */
export async function installPackages({ packages, purpose, log, lock }) {
  const remedy = `apt-get install --no-install-recommends ${packages.join(' ')}`;
  if (!findCommand('apt-get')) return { ok: false, reason: 'this machine has no apt-get', remedy };
  if (process.getuid?.() !== 0) return { ok: false, reason: 'only root may install packages', remedy };
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (label, args, timeoutMs) =>
    runVisibly({ label, command: 'apt-get', args: ['-q', ...LIMITS, ...args], env, log, lock, timeoutMs });
  // The lists may be old but good: an update that fails is no reason to stop.
  await apt('Reading the package lists', ['update'], UPDATE_TIMEOUT_MS);
  const install = ['install', '-y', '--no-install-recommends', ...packages];
  const { ok, tail } = await apt(`Installing Debian packages for ${purpose}`, install, INSTALL_TIMEOUT_MS);
  return ok ? { ok } : { ok, reason: tail.slice(-4).join('\n'), remedy };
}
