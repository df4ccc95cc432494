import { enableCompileCache, flushCompileCache } from 'node:module';

// Before anything else is loaded: rooms are silent while the only media server starts, and with the cache warm that takes half the time.
enableCompileCache(new URL('../.veza/compile-cache', import.meta.url).pathname);
const { runProcess } = await import('#platform/process.ts');
const { startMediaProcess } = await import('./media-process.ts');

await runProcess(async () => {
  const running = await startMediaProcess(process.env);
  // Now, since one that is killed does not come to it later.
  flushCompileCache();
  return running;
});
