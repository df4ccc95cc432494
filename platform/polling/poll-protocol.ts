import type { FormattedExecutionResult } from 'graphql';
import { z } from 'zod';

/**
 * A subscription without a connection. Whoever follows it posts the operation again and again to the subgraph's ordinary endpoint, each time with
 * `extensions.subscription`: where it stands, and what it has heard on the live bus since. The answer says in its own
 * `extensions.subscription` what is to be told now and which topics are worth listening to, and the subgraph forgets all of it. Every poll may
 * reach another instance, and one that failed may be sent again as it is.
 */
export const POLL_EXTENSION = 'subscription';

/** Messages in one poll. */
export const MAX_POLL_MESSAGES = 100;
/** Results in one answer; what is left comes with the next poll. */
export const MAX_POLL_RESULTS = 100;

const liveMessage = z.object({ topic: z.string(), payload: z.unknown() });
export type LiveMessage = z.infer<typeof liveMessage>;

export const pollRequest = z.object({
  /** What the answer before said; left out by the first poll. Its form is the subgraph's own affair. */
  position: z.unknown().optional(),
  /** What came on the topics of the answer before, in order of arrival. */
  messages: z.array(liveMessage).max(MAX_POLL_MESSAGES).default([]),
});
export type PollRequest = z.infer<typeof pollRequest>;

const isObject = (value: unknown) => typeof value === 'object' && value !== null;

export const pollAnswer = z.object({
  /** Events, in order. */
  results: z.array(z.custom<FormattedExecutionResult>(isObject)),
  /** A message on any of them is a reason to poll. */
  topics: z.array(z.string()),
  position: z.unknown(),
  /** Whether there is more to tell already. */
  isMore: z.boolean(),
  /** Whether the subscription is complete behind these results. */
  isOver: z.boolean(),
  /** No poll is wanted sooner than this. */
  pauseMs: z.number().min(0).default(0),
  /** A poll is wanted after this time at the latest, whatever is heard. */
  againMs: z.number().min(0).optional(),
});
export type PollAnswer = z.infer<typeof pollAnswer>;
