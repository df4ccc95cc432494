// Makes a bare machine ready: dependencies (and Node 24 with them), then ffmpeg and the media worker. Runs before every
// `npm start` and `npm test`, on Node 20 or later, before anything is installed: built-in modules only, here and in
// everything it loads. When all is in place it costs a few milliseconds, so the slow parts are loaded on demand.
import { dependenciesReady } from './setup/dependencies-stamp.mjs';

const startedAt = Date.now();
const log = (line) => process.stderr.write(`setup: ${line}\n`);

async function setUp() {
  if (!dependenciesReady()) {
    const { installDependencies } = await import('./setup/install-dependencies.mjs');
    await installDependencies(log);
  }
  const { ffmpegSettled, obtainFfmpeg } = await import('./setup/obtain-ffmpeg.mjs');
  if (!ffmpegSettled()) await obtainFfmpeg({ log });
  const { nothingToObtain } = await import('../media-server/worker/find-worker.mjs');
  if (nothingToObtain()) return;
  const { obtainWorker } = await import('../media-server/worker/obtain-worker.mjs');
  const worker = await obtainWorker({ log });
  if (worker.path) {
    log(`ready after ${Math.round((Date.now() - startedAt) / 1000)} s`);
    return;
  }
  // Live audio is one feature among many: the platform starts without it and says so where it is asked for.
  log(`live audio will be unavailable, everything else works: ${worker.reason}`);
  log(worker.remedy);
}

try {
  await setUp();
} catch (error) {
  log(error.message);
  process.exitCode = 1;
}
