import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { CodedError } from '#platform/errors.ts';
import type { HttpRoute } from '#platform/http.ts';
import { isId } from '#platform/ids.ts';
import { acceptsGzip } from '../gzip.ts';
import { bundleScripts, readStyles, SCRIPT } from './bundle.ts';
import { liveHtml } from './html.ts';

interface Asset {
  readonly type: string;
  readonly plain: Representation;
  readonly gzipped: Representation;
}

/** The same content in another coding is another representation, with an entity tag of its own (RFC 9110, 8.8.3). */
interface Representation {
  readonly body: Buffer;
  readonly etag: string;
}

const ASSETS_PATH = '/live/assets/';
const STYLES = 'live.css';

// Media servers, and with them the broadcasts, may be on other hosts; everything else comes from here.
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self' ws: wss: http: https:",
  "media-src 'self' blob:",
  // The empty icon.
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'permissions-policy': 'microphone=(self), camera=(), geolocation=()',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  // Always asked for anew, and answered with 304 while it is the same.
  'cache-control': 'no-cache',
  vary: 'accept-encoding',
};

/**
 * `GET /live/<id>` and what the page loads. The scripts are bundled when one is first asked for and kept in memory; the page needs nothing from
 * other hosts but the media server. `graphqlPath` is the platform's GraphQL address as seen from the page.
 */
export function createLivePage({ graphqlPath }: { readonly graphqlPath: string }): HttpRoute[] {
  return [
    createAssetRoute(),
    {
      methods: ['GET'],
      path: '/live/*',
      handle: (request, response, { pathname }) => {
        const liveRoomId = pathname.slice('/live/'.length);
        if (!isId('LiveRoom', liveRoomId)) throw new CodedError('NOT_FOUND', 'There is no such live room.');
        const [scriptPath, stylesPath] = [ASSETS_PATH + SCRIPT, ASSETS_PATH + STYLES];
        const html = liveHtml({ graphqlPath, liveRoomId, scriptPath, stylesPath });
        send(request, response, asset(Buffer.from(html), 'text/html; charset=utf-8'));
      },
    },
  ];
}

function createAssetRoute(): HttpRoute {
  let made: Promise<ReadonlyMap<string, Asset>> | null = null;
  const makeOnce = async () => {
    try {
      const [scripts, styles] = await Promise.all([bundleScripts(), readStyles()]);
      const assets = [...scripts].map(
        ([name, body]) => [name, asset(body, 'text/javascript; charset=utf-8')] as const,
      );
      return new Map([...assets, [STYLES, asset(styles, 'text/css; charset=utf-8')]]);
    } catch (error) {
      made = null;
      throw error;
    }
  };
  return {
    methods: ['GET'],
    path: `${ASSETS_PATH}*`,
    handle: async (request, response, { pathname }) => {
      const found = (await (made ??= makeOnce())).get(pathname.slice(ASSETS_PATH.length));
      if (!found) throw new CodedError('NOT_FOUND', 'There is no such file.');
      send(request, response, found);
    },
  };
}

// Compressed once: the scripts are a quarter of their size then.
const asset = (body: Buffer, type: string): Asset => ({
  type,
  plain: representation(body),
  gzipped: representation(gzipSync(body)),
});

const representation = (body: Buffer): Representation => ({
  body,
  etag: `"${createHash('sha256').update(body).digest('base64url')}"`,
});

function send(request: IncomingMessage, response: ServerResponse, { type, plain, gzipped }: Asset): void {
  const isGzipped = acceptsGzip(request);
  const { body, etag } = isGzipped ? gzipped : plain;
  const headers = {
    ...HEADERS,
    etag,
    'content-type': type,
    ...(isGzipped && { 'content-encoding': 'gzip' }),
  };
  const isKnown = request.headers['if-none-match'] === etag;
  response.writeHead(isKnown ? 304 : 200, isKnown ? headers : { ...headers, 'content-length': body.length });
  response.end(isKnown || request.method === 'HEAD' ? undefined : body);
}
