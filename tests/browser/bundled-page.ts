import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build, stop } from 'esbuild';

const HTML = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>';

/** What a page of a test asks of its own server: a status and JSON. */
export type PageApi = (path: string) => Promise<{ readonly status: number; readonly body: unknown }>;

/** Serves a script of this folder, with everything that it imports, as a page of an origin of its own; `api` answers below `/api/`. */
export async function servePage(
  entry: string,
  api: PageApi = async () => ({ status: 404, body: null }),
): Promise<{ origin: string; close(): Promise<void> }> {
  const script = await bundle(entry);
  const server = createServer((request, response) => {
    const { url = '/' } = request;
    const send = (type: string, body: string, status = 200) =>
      response.writeHead(status, { 'content-type': type }).end(body);
    if (url === '/page.js') return void send('text/javascript', script);
    if (!url.startsWith('/api/')) return void send('text/html', HTML);
    api(url.slice('/api/'.length)).then(
      ({ status, body }) => send('application/json', JSON.stringify(body), status),
      (error: unknown) => send('text/plain', String(error), 500),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'silent',
  });
  // Its helper process would stay for good.
  await stop();
  return outputFiles[0]?.text ?? '';
}
