import assert from 'node:assert/strict';

export interface PartsReader {
  readonly response: Response;
  /** The body of the next part as JSON, heartbeats included; null once the closing delimiter has come. Rejects where it never does. */
  nextPart(): Promise<unknown>;
  /** As `nextPart`, without heartbeats. */
  next(): Promise<unknown>;
  cancel(): void;
}

/** The header by which Apollo Client asks for subscriptions. */
export const APOLLO_ACCEPT = 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0", application/json';

/** Sends an operation that is to be answered in parts, by Apollo's protocol for subscriptions. */
export async function readParts(
  url: string,
  operation: object,
  headers: Record<string, string> = {},
): Promise<PartsReader> {
  const abort = new AbortController();
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    signal: abort.signal,
    headers: { 'content-type': 'application/json', accept: APOLLO_ACCEPT, ...headers },
    body: JSON.stringify(operation),
  });
  return createPartsReader(response, () => abort.abort());
}

export function createPartsReader(response: Response, cancel: () => void = () => undefined): PartsReader {
  const parts = splitParts(response);
  const nextPart = async () => (await parts.next()).value;
  return {
    response,
    nextPart,
    cancel,
    async next() {
      for (;;) {
        const part = await nextPart();
        if (part === null || Object.keys(Object(part)).length > 0) return part;
      }
    },
  };
}

/** By RFC 2046, 5.1.1: parts between delimiters that begin a line, headers before an empty line. A part is given once its delimiter is there. */
async function* splitParts(response: Response): AsyncGenerator<unknown, null> {
  const boundary = /;\s*boundary="([^"]+)"/.exec(response.headers.get('content-type') ?? '')?.[1];
  assert.ok(boundary, 'the content type names no boundary');
  const delimiter = `\r\n--${boundary}`;
  let rest = '';
  let isPreamble = true;
  for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const pieces = (rest + text).split(delimiter);
    rest = pieces.pop() ?? '';
    for (const piece of pieces) {
      if (!isPreamble) yield bodyOf(piece);
      isPreamble = false;
    }
    if (!isPreamble && rest.startsWith('--')) return null;
  }
  throw new Error(`The response ended without a closing delimiter, after ${JSON.stringify(rest)}.`);
}

function bodyOf(part: string): unknown {
  const [head = '', body = ''] = part.split('\r\n\r\n');
  assert.match(head, /^\r\ncontent-type: application\/json$/i);
  return JSON.parse(body);
}
