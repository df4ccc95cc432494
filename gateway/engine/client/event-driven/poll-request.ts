import type { FormattedExecutionResult } from 'graphql';
import { CodedError } from '#platform/errors.ts';
import { INTERNAL_HEADER, signInternal } from '#platform/internal-auth.ts';
import {
  POLL_EXTENSION,
  pollAnswer,
  type LiveMessage,
  type PollAnswer,
} from '#platform/polling/poll-protocol.ts';
import type { SubgraphClient, SubgraphFetch } from '../subgraph-client.ts';
import { untracedHeaders } from './untraced-headers.ts';

export interface PollSender {
  /** Of the subgraph, for errors. */
  readonly name: string;
  readonly client: Pick<SubgraphClient, 'fetch'>;
  /** Tells the subgraph that it is the platform which polls. */
  readonly secret: string;
}

export interface PollState {
  /** Undefined for the first poll. */
  readonly position: unknown;
  readonly messages: readonly LiveMessage[];
}

export type PollOutcome =
  { readonly answer: PollAnswer } | { readonly refusal: Pick<FormattedExecutionResult, 'errors'> };

/** Sends one poll. Rejects as SubgraphClient.fetch, and with SUBGRAPH_ERROR for an answer that is none to a poll. */
export async function sendPoll(
  { name, client, secret }: PollSender,
  request: SubgraphFetch,
  { position, messages }: PollState,
): Promise<PollOutcome> {
  const isFirst = position === undefined;
  const headers = isFirst ? { ...request.headers } : untracedHeaders(request.headers);
  headers[INTERNAL_HEADER] = signInternal(secret);
  const extensions = { [POLL_EXTENSION]: isFirst ? { messages } : { position, messages } };
  const result = await client.fetch({ ...request, headers, extensions });
  const parsed = pollAnswer.safeParse(result.extensions?.[POLL_EXTENSION]);
  if (parsed.success) return { answer: parsed.data };
  if (result.errors) return { refusal: { errors: result.errors } };
  throw new CodedError('SUBGRAPH_ERROR', `The subgraph ${name} does not know how to be polled.`);
}
