import { createHash } from 'node:crypto';
import { z } from 'zod';
import { CodedError } from '#platform/errors.ts';
import { graphqlRequest } from '#platform/serve-subgraph.ts';
import type { GraphQLRequest } from '#platform/subgraph-endpoint.ts';
import type { Engine } from '../engine/engine.ts';

/** Automatic persisted queries, of which all transports have the same. */
export interface PersistedQueries {
  /** For Apollo Server, which sees to them in what it answers. */
  readonly cache: QueryTexts;
  /**
   * The request with the text that it names by its hash. A text that comes along is kept, where it is valid. Throws PERSISTED_QUERY_NOT_FOUND,
   * and BAD_REQUEST where text and hash do not fit.
   */
  complete(request: GraphQLRequest): GraphQLRequest;
}

interface QueryTexts {
  get(key: string): Promise<string | undefined>;
  set(key: string, text: string): Promise<void>;
  delete(key: string): Promise<boolean>;
}

const persistedQuery = z.object({ version: z.literal(1), sha256Hash: z.string() });

const namedByHash = graphqlRequest.extend({
  query: z
    .null()
    .optional()
    .transform(() => ''),
  extensions: z.looseObject({ persistedQuery: z.looseObject({}) }),
});
const clientRequest = z.union([graphqlRequest, namedByHash]);

/** A client's operation, of which the text is empty where only its hash is given; null where it is none. */
export const readClientRequest = (body: unknown): GraphQLRequest | null =>
  clientRequest.safeParse(body).data ?? null;

/** Of all texts together. */
const MAX_CHARS = 10_000_000;
/** Apollo Server's own. */
const KEY_PREFIX = 'apq:';

export function createPersistedQueries({ operationKind }: Pick<Engine, 'operationKind'>): PersistedQueries {
  const texts = createTexts();
  return {
    cache: {
      get: async (key) => texts.find(key),
      set: async (key, text) => texts.keep(key, text),
      delete: async (key) => texts.forget(key),
    },
    complete(request) {
      const { persistedQuery: given, ...extensions } = request.extensions ?? {};
      if (given === undefined || given === null) return request;
      const { data } = persistedQuery.safeParse(given);
      if (!data) throw new CodedError('BAD_REQUEST', 'Unsupported persisted query version');
      const key = KEY_PREFIX + data.sha256Hash;
      const query = request.query === '' ? texts.find(key) : request.query;
      if (query === undefined) throw new CodedError('PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound');
      const completed = { ...request, query, extensions };
      if (request.query === '') return completed;
      if (createHash('sha256').update(query).digest('hex') !== data.sha256Hash)
        throw new CodedError('BAD_REQUEST', 'provided sha does not match query');
      if (operationKind(completed) !== null) texts.keep(key, query);
      return completed;
    },
  };
}

/** The last ones that were used. */
function createTexts() {
  const texts = new Map<string, string>();
  let chars = 0;
  const forget = (key: string) => {
    chars -= texts.get(key)?.length ?? 0;
    return texts.delete(key);
  };
  const keep = (key: string, text: string) => {
    forget(key);
    texts.set(key, text);
    chars += text.length;
    for (const oldest of texts.keys()) {
      if (chars <= MAX_CHARS) break;
      forget(oldest);
    }
  };
  return {
    keep,
    forget,
    find(key: string): string | undefined {
      const text = texts.get(key);
      if (text !== undefined) keep(key, text);
      return text;
    },
  };
}
