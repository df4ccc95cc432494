import type { FormattedExecutionResult } from 'graphql';
import { CodedError } from '#platform/errors.ts';
import type { GraphQLRequest } from '#platform/subgraph-endpoint.ts';
import { MAX_POLL_RESULTS, POLL_EXTENSION, pollRequest, type PollAnswer } from './poll-protocol.ts';
import { Poll } from './poll.ts';

/** Whether a request polls a subscription, whoever it comes from. */
export const isPoll = ({ extensions }: GraphQLRequest): boolean => extensions?.[POLL_EXTENSION] != null;

/** Throws BAD_REQUEST for what is not of the protocol. */
export function readPoll({ extensions }: GraphQLRequest): Poll {
  const parsed = pollRequest.safeParse(extensions?.[POLL_EXTENSION]);
  if (!parsed.success) throw new CodedError('BAD_REQUEST', 'The poll of a subscription is malformed.');
  return new Poll(parsed.data);
}

export interface PollRun {
  readonly poll: Poll;
  /** What the subscription's resolver gave. Belongs to the run. */
  readonly source: AsyncIterable<unknown>;
  readonly map: (event: unknown) => Promise<FormattedExecutionResult>;
}

/** Runs a subscription for as long as it has something to tell. Rejects where it fails before the first result. */
export async function answerPoll({ poll, source, map }: PollRun): Promise<FormattedExecutionResult> {
  const events = source[Symbol.asyncIterator]();
  try {
    // Its source waits for the live bus, and would do so without end.
    if (!poll.isUsed) throw new CodedError('INTERNAL_SERVER_ERROR', 'This subscription cannot be polled.');
    const answer = await collect(poll, events, map);
    return { data: null, extensions: { [POLL_EXTENSION]: answer } };
  } finally {
    await events.return?.();
  }
}

async function collect(poll: Poll, events: AsyncIterator<unknown>, map: PollRun['map']): Promise<PollAnswer> {
  const results: FormattedExecutionResult[] = [];
  let { position } = poll;
  const answer = (isDone: boolean) => ({ results, position, isMore: !isDone, ...poll.outcome(isDone) });
  try {
    while (results.length < MAX_POLL_RESULTS) {
      const { done, value } = await events.next();
      if (done) {
        ({ position } = poll);
        return answer(true);
      }
      results.push(await map(value));
      ({ position } = poll);
    }
  } catch (error) {
    // What came before it is told first; the next poll begins with the failure.
    if (results.length === 0) throw error;
  }
  return answer(false);
}
