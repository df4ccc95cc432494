import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKOUT } from '../../../support/platform-process.ts';

/** Outside every folder of ours that has sources: a second package.json there would take the import aliases away. */
const FOLDER = join(CHECKOUT, '.veza/bench/hive');
const FILES = { 'hive-package.json': 'package.json', 'hive-package-lock.json': 'package-lock.json' };
const CONFIG = 'gateway.config.mjs';

/** Where Hive Gateway lies: its command line program and the configuration for it. */
export interface HiveInstallation {
  readonly program: string;
  readonly config: string;
}

/** Installs Hive Gateway, exactly as its lock file says, unless that was done before. Throws with a way out where npm fails. */
export async function installedHive(): Promise<HiveInstallation> {
  mkdirSync(FOLDER, { recursive: true });
  copyFileSync(join(import.meta.dirname, CONFIG), join(FOLDER, CONFIG));
  const stamp = join(FOLDER, '.installed');
  const wanted = createHash('sha256');
  for (const source of Object.keys(FILES)) wanted.update(readFileSync(join(import.meta.dirname, source)));
  const digest = wanted.digest('hex');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== digest) {
    await install();
    writeFileSync(stamp, digest);
  }
  return {
    program: join(FOLDER, 'node_modules/@graphql-hive/gateway/dist/bin.js'),
    config: join(FOLDER, CONFIG),
  };
}

async function install(): Promise<void> {
  process.stderr.write(`Installing Hive Gateway into ${FOLDER} (once, about 500 MB) …\n`);
  for (const [source, target] of Object.entries(FILES))
    copyFileSync(join(import.meta.dirname, source), join(FOLDER, target));
  // npm tells its scripts the folder they belong to, and would install there.
  const args = ['ci', '--prefix', FOLDER, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = spawn('npm', args, { cwd: FOLDER, stdio: ['ignore', 'inherit', 'inherit'] });
  const [code]: unknown[] = await once(npm, 'exit');
  if (code !== 0)
    throw new Error('npm could not install Hive Gateway. Leave it out with --gateways apollo,veza,vezaFast.');
}
