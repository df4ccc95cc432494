import { CodedError } from '#platform/errors.ts';
import { sendJson, type HttpRoute } from '#platform/http.ts';
import { readBody } from '#platform/request-body.ts';
import { INTERNAL_HEADER, requireInternal, signInternal } from '#platform/internal-auth.ts';
import {
  linkAnswer,
  LINKS_PATH,
  linkRequest,
  type LinkAnswer,
  type LinkRequest,
} from '#schema/media-mesh.ts';

/** An answer that takes longer does not count any more: the request is sent again, with a later number. */
const TIMEOUT_MS = 3_000;
const MAX_BODY_BYTES = 1024 * 1024;

/** Says to the server at `url` what is wanted of it; null where it does not host the room. Rejects where it does not answer, or refuses. */
export type AskForStreams = (url: string, request: LinkRequest) => Promise<LinkAnswer | null>;

export const askOverHttp =
  (secret: string): AskForStreams =>
  async (url, request) => {
    const response = await fetch(new URL(LINKS_PATH, url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', [INTERNAL_HEADER]: signInternal(secret) },
      body: JSON.stringify(request),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const body: unknown = await response.json();
    if (response.status === 404) return null;
    if (!response.ok) throw new Error(`The media server at ${url} answers ${response.status}.`);
    return linkAnswer.parse(body);
  };

/** Answers other media servers; `answer` gives null where the room is not hosted here. */
export const linksRoute = (
  secret: string,
  answer: (request: LinkRequest) => Promise<LinkAnswer | null>,
): HttpRoute => ({
  methods: ['POST'],
  path: LINKS_PATH,
  handle: async (request, response) => {
    requireInternal(request, secret);
    const parsed = linkRequest.safeParse(parseJson(await readBody(request, MAX_BODY_BYTES)));
    if (!parsed.success) throw new CodedError('BAD_REQUEST', 'The request has another shape.');
    const answered = await answer(parsed.data);
    if (!answered) throw new CodedError('NOT_FOUND', 'The live room is not hosted here.');
    sendJson(response, 200, answered);
  },
});

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
