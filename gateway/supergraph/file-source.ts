import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf } from '#platform/errors.ts';
import type { SourceHandlers, SupergraphSource } from './source.ts';

export interface FileSourceOptions {
  readonly file: string;
  /** A file that is written in several steps is read once it has been left alone for this long. */
  readonly debounceMs: number;
}

export function createFileSource({ file, debounceMs }: FileSourceOptions): SupergraphSource {
  const read = async () => {
    try {
      return await readFile(file, 'utf8');
    } catch (error) {
      throw new Error(`Cannot read the supergraph: ${messageOf(error)}`, { cause: error });
    }
  };
  return {
    read,
    watch(handlers) {
      const look = createSerial(() => report(read, handlers));
      let timer: NodeJS.Timeout | undefined;
      // The folder, because a file that is replaced by a rename takes its own watcher with it; and every event of it, because the file may
      // be a link whose target lies behind another link that is replaced (as Kubernetes does with mounted files).
      const watcher = watch(dirname(file), { persistent: false }, () => {
        clearTimeout(timer);
        timer = setTimeout(look, debounceMs).unref();
      });
      watcher.on('error', (error) => handlers.onFailure(error));
      // It may have changed since it was read for the first time.
      look();
      return () => {
        clearTimeout(timer);
        watcher.close();
      };
    },
  };
}

async function report(read: () => Promise<string>, { onChange, onFailure }: SourceHandlers): Promise<void> {
  const sdl = await read().catch((error: Error) => error);
  if (sdl instanceof Error) onFailure(sdl);
  else await onChange(sdl);
}

/** Runs `task` again after it has ended, once, where it was asked for meanwhile. */
function createSerial(task: () => Promise<void>): () => void {
  let isRunning = false;
  let isDue = false;
  const run = async () => {
    isDue = true;
    if (isRunning) return;
    isRunning = true;
    while (isDue) {
      isDue = false;
      await task();
    }
    isRunning = false;
  };
  return () => void run();
}
