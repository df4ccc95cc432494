import { writeFileSync } from 'node:fs';
import { arch, platform, release } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { mediasoupVersion } from './find-worker.mjs';

const RELEASES = 'https://github.com/versatica/mediasoup/releases/download';
/** A machine without a network must not wait: the answer has to begin within the first, and end within the second. */
const ANSWER_TIMEOUT_MS = 8_000;
const DOWNLOAD_TIMEOUT_MS = 40_000;
const MAX_ARCHIVE_BYTES = 64 * 1024 * 1024;
const MAX_BINARY_BYTES = 256 * 1024 * 1024;

/** Downloads the official binary into `folder`: `{ path }`, or `{ path: null, reason }`. Whether it runs is for the caller to see. */
export async function downloadWorker({ folder, log, env = process.env }) {
  const url = archiveUrl(env);
  log(`Downloading the mediasoup worker from ${new URL(url).host} …`);
  try {
    const archive = await fetchArchive(url);
    const path = join(folder, 'downloaded-worker');
    const binary = fileInTar(gunzipSync(archive, { maxOutputLength: MAX_BINARY_BYTES }), 'mediasoup-worker');
    writeFileSync(path, binary, { mode: 0o755 });
    return { path };
  } catch (error) {
    return { path: null, reason: `not downloaded: ${error.cause?.message || error.message}` };
  }
}

/** Named as mediasoup's own installer names it, the kernel's major version included. */
function archiveUrl(env) {
  const base = env.MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL || RELEASES;
  const kernel = platform() === 'linux' ? `-kernel${release().split('.')[0]}` : '';
  const version = mediasoupVersion();
  return `${base}/${version}/mediasoup-worker-${version}-${platform()}-${arch()}${kernel}.tgz`;
}

async function fetchArchive(url) {
  const abort = new AbortController();
  const stop = (what, ms) => setTimeout(() => abort.abort(new Error(`${what} within ${ms / 1000} s`)), ms);
  const timers = [stop('no answer', ANSWER_TIMEOUT_MS), stop('not finished', DOWNLOAD_TIMEOUT_MS)];
  try {
    const response = await fetch(url, { signal: abort.signal });
    clearTimeout(timers[0]);
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    return await readAtMost(response.body, MAX_ARCHIVE_BYTES);
  } finally {
    for (const timer of timers) clearTimeout(timer);
    abort.abort();
  }
}

async function readAtMost(body, maxBytes) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error(`more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The content of one file of a tar archive (POSIX ustar: blocks of 512 bytes, sizes in octal). */
export function fileInTar(tar, name) {
  const text = (start, length) => tar.toString('latin1', start, start + length).replace(/\0.*$/s, '');
  for (let header = 0; header + 512 <= tar.length;) {
    const size = Number.parseInt(text(header + 124, 12).trim() || '0', 8);
    if (!(size >= 0)) break;
    const start = header + 512;
    if (text(header, 100).replace(/^\.\//, '') === name && start + size <= tar.length) {
      return tar.subarray(start, start + size);
    }
    header = start + Math.ceil(size / 512) * 512;
  }
  throw new Error(`the archive holds no ${name}`);
}
