import type { SubgraphFetch } from '../engine/client/subgraph-client.ts';

/**
 * What a subgraph sees of a request besides its operation, as one text: all headers but those that are ignored, and `rest`. Header values hold
 * no line feed: none can pass for another one or for `rest`.
 */
export function requestKey(
  headers: SubgraphFetch['headers'],
  ignored: ReadonlySet<string>,
  rest: string,
): string {
  let key = '';
  for (const name of Object.keys(headers)) if (!ignored.has(name)) key += `${name}:${headers[name]}\n`;
  return `${key}\n${rest}`;
}
