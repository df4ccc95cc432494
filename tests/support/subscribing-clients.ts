import { ApolloClient, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { createClient as createStreamClient, NetworkError } from 'graphql-sse';
import { createClient as createSocketClient } from 'graphql-ws';

/** What a client of a subscription is told. `codes` are those of the errors in it. */
export type Signal =
  | { readonly kind: 'event'; readonly data: unknown; readonly codes: readonly string[] }
  | { readonly kind: 'failed'; readonly codes: readonly string[]; readonly reason: string }
  | { readonly kind: 'complete' };

export interface Listening {
  /** The next signal, in the order in which the client gave them. */
  next(): Promise<Signal>;
  /** Unsubscribes. */
  stop(): void;
}

/** One of the published clients, with nothing around it that would hide what it does. None retries. Works in browsers, too. */
export interface SubscribingClient {
  /** Runs a subscription; the clients that can do that run queries and mutations in the same way. */
  listen(query: string, variables?: Record<string, unknown>): Listening;
  dispose(): void;
}

export const CLIENT_NAMES = [
  'graphql-ws',
  'graphql-sse',
  'graphql-sse over a single connection',
  'Apollo Client',
] as const;
export type ClientName = (typeof CLIENT_NAMES)[number];

/** `url`: that of the gateway's GraphQL endpoint. */
export function createSubscribingClient(name: ClientName, url: string): SubscribingClient {
  if (name === 'graphql-ws') return socketClient(url);
  if (name === 'Apollo Client') return apolloClient(url);
  return streamClient(url, name !== 'graphql-sse');
}

function socketClient(url: string): SubscribingClient {
  const client = createSocketClient({ url: url.replace(/^http/, 'ws'), retryAttempts: 0 });
  return {
    listen: (query, variables) =>
      listening(({ next, failed, complete }) =>
        client.subscribe({ query, variables }, { next, error: failed, complete }),
      ),
    dispose: () => void client.dispose(),
  };
}

function streamClient(url: string, singleConnection: boolean): SubscribingClient {
  const client = createStreamClient({ url, retryAttempts: 0, singleConnection });
  return {
    listen: (query, variables) =>
      listening(({ next, failed, complete }) =>
        client.subscribe({ query, variables }, { next, error: failed, complete }),
      ),
    dispose: () => client.dispose(),
  };
}

function apolloClient(uri: string): SubscribingClient {
  const client = new ApolloClient({ link: new HttpLink({ uri }), cache: new InMemoryCache() });
  return {
    listen: (query, variables) =>
      listening(({ next, failed, complete }) => {
        const results = client.subscribe({
          query: gql(query),
          variables,
          errorPolicy: 'all',
          fetchPolicy: 'no-cache',
        });
        const subscription = results.subscribe({
          next({ data, error }) {
            if (error === undefined || CombinedGraphQLErrors.is(error)) next({ data, errors: error?.errors });
            else failed(error);
          },
          error: failed,
          complete,
        });
        return () => subscription.unsubscribe();
      }),
    dispose: () => client.stop(),
  };
}

interface Result {
  readonly data?: unknown;
  readonly errors?: readonly unknown[] | undefined;
}

interface Sink {
  next(result: Result): void;
  failed(error: unknown): void;
  complete(): void;
}

function listening(subscribe: (sink: Sink) => () => void): Listening {
  const signals: Signal[] = [];
  const waiting: ((signal: Signal) => void)[] = [];
  const tell = (signal: Signal) => {
    const taker = waiting.shift();
    if (taker) taker(signal);
    else signals.push(signal);
  };
  const stop = subscribe({
    next: ({ data, errors = [] }) => tell({ kind: 'event', data, codes: errors.map(codeOf) }),
    failed: (error) => tell(failure(error)),
    complete: () => tell({ kind: 'complete' }),
  });
  return {
    stop,
    next: async () => signals.shift() ?? new Promise((resolve) => waiting.push(resolve)),
  };
}

function failure(error: unknown): Signal {
  // Where it refuses a response, graphql-sse lets go of its body, too.
  const response = error instanceof NetworkError ? error.response : undefined;
  const codes =
    response instanceof Response ? [String(response.status)] : errorsOf(error).map((each) => codeOf(each));
  return { kind: 'failed', codes, reason: String(error) };
}

/** Of whatever a client hands out where something has failed: a list of errors, or an object that has one. */
function errorsOf(error: unknown): readonly unknown[] {
  const errors: unknown = Array.isArray(error) ? error : Object(error).errors;
  return Array.isArray(errors) ? errors : [error];
}

const codeOf = (error: unknown) => String(Object(Object(error).extensions).code ?? error);
