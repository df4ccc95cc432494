import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGunzip, gzip } from 'node:zlib';
import { Readable } from 'node:stream';
import type { HttpRoute } from '#platform/http.ts';

export interface ExplorerOptions {
  readonly title: string;
  /** Operations that get a tab each, with their values written out: variables and headers of a tab would not be kept. */
  readonly examples: readonly string[];
}

interface Page {
  readonly compressed: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** `GET /`: a GraphiQL page that needs nothing but this server. It is made when it is first asked for, and kept compressed. */
export function explorerRoute(options: ExplorerOptions): HttpRoute {
  let page: Promise<Page> | null = null;
  return {
    methods: ['GET'],
    path: '/',
    async handle(request, response) {
      page ??= render(options).catch((error: unknown) => {
        page = null;
        throw error;
      });
      await send(request, response, await page);
    },
  };
}

async function render({ title, examples }: ExplorerOptions): Promise<Page> {
  // 9 MB of code that most gateways never serve.
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const page = renderGraphiQL({
    title,
    // GraphiQL's title markup takes the logo's place too.
    logo: '<span></span>',
    endpoint: '/graphql',
    method: 'POST',
    // Unlike a WebSocket, an event stream carries the headers of the header editor.
    subscriptionsProtocol: 'SSE',
    defaultTabs: examples.map((query) => ({ query })),
    defaultEditorToolsVisibility: 'headers',
    // Headers carry tokens, which are not to lie in the browser's storage.
    shouldPersistHeaders: false,
    additionalHeaders: { 'apollo-require-preflight': 'explorer' },
  });
  const html = page.replace('</head>', `${KEEP_TABS_STILL}</head>`);
  const compressed = await promisify(gzip)(html);
  const etag = `"${createHash('sha256').update(html).digest('base64url')}"`;
  return {
    compressed,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': contentSecurityPolicy(html),
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      // Always asked for anew, and answered with 304 while it is the same.
      'cache-control': 'no-cache',
      vary: 'accept-encoding',
      etag,
    },
  };
}

// GraphiQL's tabs can be dragged, and the library that drags them moves a tab away from under the pointer as soon as it is pressed: the
// click would land beside it.
const KEEP_TABS_STILL = '<style>.graphiql-tab{transform:none!important}</style>';

// The page's one script is inline: its hash lets it run, and nothing that somebody injects. Its editor starts workers from blobs and
// writes style elements while it runs.
function contentSecurityPolicy(html: string): string {
  const start = html.indexOf('<script>') + '<script>'.length;
  const script = html.slice(start, html.lastIndexOf('</script>'));
  const hash = createHash('sha256').update(script).digest('base64');
  return [
    `default-src 'none'`,
    `script-src 'sha256-${hash}'`,
    `worker-src blob:`,
    `style-src 'unsafe-inline'`,
    `font-src data:`,
    `img-src 'self' data:`,
    `connect-src 'self'`,
    `base-uri 'none'`,
    `form-action 'none'`,
    `frame-ancestors 'none'`,
  ].join('; ');
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  { headers, compressed }: Page,
): Promise<void> {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (request.headers['if-none-match'] === headers['etag']) return void response.writeHead(304).end();
  if (/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) {
    response.setHeader('content-encoding', 'gzip');
    response.setHeader('content-length', compressed.length);
    return void response.end(request.method === 'HEAD' ? undefined : compressed);
  }
  if (request.method === 'HEAD') return void response.end();
  await pipeline(Readable.from([compressed]), createGunzip(), response);
}
