import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CodedError } from '#platform/errors.ts';
import type { HttpRoute } from '#platform/http.ts';
import { isId } from '#platform/ids.ts';
import { bundleScript, readStyles } from './bundle.ts';
import { liveHtml } from './html.ts';

interface Asset {
  readonly body: Buffer;
  readonly type: string;
  readonly etag: string;
}

const SCRIPT_PATH = '/live/assets/live.js';
const STYLES_PATH = '/live/assets/live.css';

// Media servers may be on other hosts; everything else comes from here.
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self' ws: wss:",
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
};

/**
 * `GET /live/<id>` and what the page loads. The script is bundled when it is first asked for and kept in memory; the page needs nothing from
 * other hosts but the media server. `graphqlPath` is the platform's GraphQL address as seen from the page.
 */
export function createLivePage({ graphqlPath }: { readonly graphqlPath: string }): HttpRoute[] {
  return [
    assetRoute(SCRIPT_PATH, 'text/javascript; charset=utf-8', bundleScript),
    assetRoute(STYLES_PATH, 'text/css; charset=utf-8', readStyles),
    {
      methods: ['GET'],
      path: '/live/*',
      handle: (request, response, { pathname }) => {
        const liveRoomId = pathname.slice('/live/'.length);
        if (!isId('LiveRoom', liveRoomId)) throw new CodedError('NOT_FOUND', 'There is no such live room.');
        const html = liveHtml({ graphqlPath, liveRoomId, scriptPath: SCRIPT_PATH, stylesPath: STYLES_PATH });
        send(request, response, asset(Buffer.from(html), 'text/html; charset=utf-8'));
      },
    },
  ];
}

function assetRoute(path: string, type: string, make: () => Promise<Buffer>): HttpRoute {
  let made: Promise<Asset> | null = null;
  const makeOnce = async () => {
    try {
      return asset(await make(), type);
    } catch (error) {
      made = null;
      throw error;
    }
  };
  return {
    methods: ['GET'],
    path,
    handle: async (request, response) => send(request, response, await (made ??= makeOnce())),
  };
}

const asset = (body: Buffer, type: string): Asset => ({
  body,
  type,
  etag: `"${createHash('sha256').update(body).digest('base64url')}"`,
});

function send(request: IncomingMessage, response: ServerResponse, { body, type, etag }: Asset): void {
  const isKnown = request.headers['if-none-match'] === etag;
  const headers = { ...HEADERS, 'content-type': type, etag };
  response.writeHead(isKnown ? 304 : 200, isKnown ? headers : { ...headers, 'content-length': body.length });
  response.end(isKnown || request.method === 'HEAD' ? undefined : body);
}
