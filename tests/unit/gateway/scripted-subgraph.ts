import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';
import { createHttpClient, type HttpClientOptions } from '../../../gateway/engine/client/http.ts';
import type { SubgraphClient, SubgraphFetch } from '../../../gateway/engine/client/subgraph-client.ts';

export type Script = (request: IncomingMessage, response: ServerResponse) => unknown;

export interface ScriptedSubgraph {
  readonly url: string;
  readonly client: SubgraphClient;
  /** What it was asked so far. */
  readonly requests: IncomingMessage[];
  /** Answers from now on. */
  answerWith(script: Script): void;
  /** Resolves with the next request that arrives, before it is answered. */
  nextRequest(): Promise<IncomingMessage>;
}

/** A real listener that does what a test says, and a real client for it; both end with the tests of the file. */
export async function startScriptedSubgraph(
  options: Partial<HttpClientOptions> = {},
): Promise<ScriptedSubgraph> {
  let script: Script = sends('{"data":{"a":1}}');
  let arrival = Promise.withResolvers<IncomingMessage>();
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    arrival.resolve(request);
    void script(request, response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  const client = createHttpClient({ name: 'goods', url, ...options });
  after(async () => {
    server.closeAllConnections();
    server.close();
    await client.close();
  });
  return {
    url,
    client,
    requests,
    answerWith: (given) => void (script = given),
    nextRequest() {
      arrival = Promise.withResolvers();
      return arrival.promise;
    },
  };
}

export const sends =
  (text: string, status = 200, headers: Record<string, string> = {}): Script =>
  (_request, response) =>
    response.writeHead(status, headers).end(text);

/** Holds every answer back until it is released, in the order of arrival. */
export function heldAnswers(text = '{"data":{"a":1}}') {
  const held: ServerResponse[] = [];
  return {
    script: (_request: IncomingMessage, response: ServerResponse) => void held.push(response),
    release: () => void held.shift()?.end(text),
  };
}

export function fetchOf(extra: Partial<SubgraphFetch> = {}): SubgraphFetch {
  return {
    operation: {
      query: '{ a }',
      operationName: undefined,
      kind: 'query',
      bodyPrefix: '{"query":"{ a }","variables":{',
    },
    variables: {},
    representations: null,
    headers: {},
    signal: new AbortController().signal,
    ...extra,
  };
}

export const MUTATION = fetchOf({
  operation: {
    query: 'mutation { a }',
    operationName: undefined,
    kind: 'mutation',
    bodyPrefix: '{"query":"mutation { a }","variables":{',
  },
});
