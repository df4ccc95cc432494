import assert from 'node:assert/strict';
import type { FormattedExecutionResult } from 'graphql';
import type { Engine, EngineScope } from '../../../gateway/engine/engine.ts';
import { isFollowing, type Following } from '../../../gateway/engine/live/subscriber.ts';
import { testScope } from '../../support/federation/supergraph.ts';

export interface TestSubscriber {
  /** `data.log` of each event so far. */
  readonly events: Record<string, unknown>[];
  readonly following: Following;
  /** Resolves once so many events have come. */
  has(count: number): Promise<void>;
  /** Resolves with the last result, or null where it was completed. */
  readonly ended: Promise<FormattedExecutionResult | null>;
  /** With so many events it can take no more: what comes nevertheless is lost to it. */
  isBusyFrom: number;
  /** It can take everything again. */
  relieve(): void;
}

/** Follows a subscription as a transport does, and keeps what it gets. */
export async function subscribeTo(
  engine: Engine,
  query: string,
  variables: Record<string, unknown> = {},
  scope: Partial<EngineScope> = {},
): Promise<TestSubscriber> {
  const events: Record<string, unknown>[] = [];
  const ended = Promise.withResolvers<FormattedExecutionResult | null>();
  let arrival = Promise.withResolvers<void>();
  let relief = Promise.withResolvers<void>();
  const state = {
    events,
    ended: ended.promise,
    isBusyFrom: Infinity,
    async has(count: number) {
      while (events.length < count) await arrival.promise;
    },
    relieve() {
      state.isBusyFrom = Infinity;
      relief.resolve();
      relief = Promise.withResolvers();
    },
  };
  const following = await engine.follow(
    { query, variables },
    { ...testScope(), ...scope },
    {
      next(event) {
        if (events.length >= state.isBusyFrom) return;
        const [value] = Object.values(event.result.data ?? {});
        events.push(Object(value));
        arrival.resolve();
        arrival = Promise.withResolvers();
      },
      busy: () => (events.length >= state.isBusyFrom ? relief.promise : null),
      end: ended.resolve,
    },
  );
  assert.ok(isFollowing(following), JSON.stringify(following));
  return Object.assign(state, { following });
}
