import { readFile } from 'node:fs/promises';
import { basename, dirname, parse } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PluginBuild } from 'esbuild';

const SOURCE_DIR = fileURLToPath(new URL('browser/', import.meta.url));
/** For names only. */
const OUTPUT_DIR = '/';

/** Style sheet of the page. */
export const readStyles = (): Promise<Buffer> => readFile(`${SOURCE_DIR}live.css`);

/** Messages of the validator in fifty languages, of which the page shows none, would be a third of the script. */
const ONE_LANGUAGE = {
  name: 'one language',
  setup: ({ onLoad }: PluginBuild) =>
    onLoad({ filter: /\/zod\/v4\/locales\/index\.js$/ }, ({ path }) => ({
      contents: "export { default as en } from './en.js';",
      resolveDir: dirname(path),
    })),
};

/** Name of the page's script. The chunks that it loads when they are needed have names of their own. */
export const SCRIPT = 'live.js';

/** The page's scripts by name, with everything that they import, minified. Takes about a second; nothing is written to disk. */
export async function bundleScripts(): Promise<ReadonlyMap<string, Buffer>> {
  // Loaded late: most processes never serve the page.
  const { build, stop } = await import('esbuild');
  try {
    const { outputFiles } = await build({
      entryPoints: { [parse(SCRIPT).name]: `${SOURCE_DIR}main.client.ts` },
      bundle: true,
      // Without what video needs.
      alias: { 'hls.js': 'hls.js/light' },
      plugins: [ONE_LANGUAGE],
      splitting: true,
      minify: true,
      write: false,
      outdir: OUTPUT_DIR,
      chunkNames: 'chunk-[hash]',
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      logLevel: 'silent',
      legalComments: 'none',
    });
    return new Map(outputFiles.map(({ path, contents }) => [basename(path), Buffer.from(contents)]));
  } finally {
    // Its helper process would stay for good.
    await stop();
  }
}
