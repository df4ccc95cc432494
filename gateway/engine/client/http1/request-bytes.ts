import { CodedError } from '#platform/errors.ts';

/** Headers that belong to a connection or to the body that is sent, never to what a client said (RFC 9110, 7.6.1). */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
// A line break would begin a header, or a request, of its own.
const NOT_A_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const NOT_A_NAME = /[^\w!#$%&'*+.^`|~-]/;

/**
 * Writes POSTs to one URL; `fixed` are headers that nobody replaces. The body comes in two parts, the first of which is ASCII. The text that
 * is returned has one character for each byte. Throws a CodedError for a header that cannot be sent.
 */
export function createRequestWriter(url: URL, fixed: Readonly<Record<string, string>>) {
  const start = `POST ${url.pathname}${url.search} HTTP/1.1\r\n`;
  const host = `host: ${url.host}\r\n`;
  const fixedLines = Object.entries(fixed).map(([name, value]) => `${name}: ${value}\r\n`);
  const end = `${fixedLines.join('')}content-length: `;
  return (headers: Readonly<Record<string, string>>, prefix: string, rest: string): string => {
    let lines = start;
    if (headers['host'] === undefined) lines += host;
    for (const name of Object.keys(headers)) {
      if (OWN_HEADERS.has(name) || Object.hasOwn(fixed, name)) continue;
      const value = headers[name] ?? '';
      if (NOT_A_VALUE.test(value) || NOT_A_NAME.test(name))
        throw new CodedError('BAD_REQUEST', `The header ${JSON.stringify(name)} cannot be sent on.`);
      lines += `${name}: ${value}\r\n`;
    }
    const length = Buffer.byteLength(rest);
    const restBytes = length === rest.length ? rest : Buffer.from(rest).toString('latin1');
    return `${lines}${end}${prefix.length + length}\r\n\r\n${prefix}${restBytes}`;
  };
}
