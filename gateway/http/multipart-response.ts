import type { ServerResponse } from 'node:http';
import type { SubsequentResult } from '../engine/engine.ts';
import { drained } from './drained.ts';

/** The first proposal for incremental delivery, which Apollo Client, urql and Relay read. */
export const DEFER_SPEC = '20220824';

// As Apollo Router has it. Apollo iOS looks for the delimiter within the data, too, where three dashes are nothing unusual.
const BOUNDARY = 'graphql';
const CONTENT_TYPE = `multipart/mixed; boundary="${BOUNDARY}"; deferSpec=${DEFER_SPEC}`;
const PART_HEAD = 'content-type: application/json; charset=utf-8\r\n\r\n';

/**
 * Writes an answer in parts. Each part is followed by the delimiter at once, so that a client need not wait for the next part to know that one
 * is whole. `initial` is the JSON text of an object; stops when the client is gone.
 */
export async function sendMultipart(
  response: ServerResponse,
  initial: string,
  subsequent: AsyncIterable<SubsequentResult> | null,
): Promise<void> {
  response.setHeader('content-type', CONTENT_TYPE);
  response.setHeader('x-accel-buffering', 'no');
  const write = async (json: string, hasNext: boolean) => {
    const end = hasNext ? '' : '--';
    if (!response.write(`${PART_HEAD}${json}\r\n--${BOUNDARY}${end}\r\n`)) await drained(response);
  };
  response.write(`\r\n--${BOUNDARY}\r\n`);
  const more = subsequent !== null;
  await write(initial === '{}' ? `{"hasNext":${more}}` : `${initial.slice(0, -1)},"hasNext":${more}}`, more);
  for await (const result of subsequent ?? []) {
    if (response.destroyed) break;
    await write(JSON.stringify(result), result.hasNext);
  }
  response.end();
}
