import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const SOURCE_DIR = fileURLToPath(new URL('browser/', import.meta.url));

/** Style sheet of the page. */
export const readStyles = (): Promise<Buffer> => readFile(`${SOURCE_DIR}live.css`);

/** The page's script with everything that it imports, minified. Takes about a second; nothing is written to disk. */
export async function bundleScript(): Promise<Buffer> {
  // Loaded late: most processes never serve the page.
  const { build, stop } = await import('esbuild');
  try {
    const result = await build({
      entryPoints: [`${SOURCE_DIR}main.client.ts`],
      bundle: true,
      minify: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      logLevel: 'silent',
      legalComments: 'none',
    });
    const [script] = result.outputFiles;
    if (!script) throw new Error('The live page has no script.');
    return Buffer.from(script.contents);
  } finally {
    // Its helper process would stay for good.
    await stop();
  }
}
