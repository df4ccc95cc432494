import { parseMessage, type Message } from 'graphql-ws';
import { z } from 'zod';

const subscribeByHash = z.looseObject({
  type: z.literal('subscribe'),
  payload: z.looseObject({
    query: z.null().optional(),
    extensions: z.looseObject({ persistedQuery: z.looseObject({}) }),
  }),
});

/**
 * A message of graphql-transport-ws. An operation may be named by the hash of its text alone, as clients with persisted queries do on every
 * transport; its text is empty then. Throws for anything else that the protocol does not know.
 */
export function readMessage(text: string): Message {
  const given: unknown = JSON.parse(text);
  try {
    return parseMessage(given);
  } catch (error) {
    const { data } = subscribeByHash.safeParse(given);
    if (!data) throw error;
    return parseMessage({ ...data, payload: { ...data.payload, query: '' } });
  }
}
