import { z } from 'zod';
import { messageOf } from '#platform/errors.ts';
import {
  mayCoincide,
  parseTopicTemplate,
  type TopicTemplate,
} from './engine/client/event-driven/topic-template.ts';

const MAX_TIMER_MS = 2 ** 31 - 1;

const pace = {
  pollMs: z.number().int().min(100).max(MAX_TIMER_MS),
  maxConcurrent: z.number().int().min(1),
};

/** How events come from every subgraph that does not say otherwise itself. */
export const subscriptionsOfAll = z
  .strictObject({
    upstream: z.enum(['socket', 'polls'], {
      error: 'must be socket or polls; topics belong to one subgraph',
    }),
    ...pace,
  })
  .partial();

const fieldName = z.string().regex(/^[_A-Za-z][_0-9A-Za-z]*$/, 'is no field name');
const topicTemplate = z.string().superRefine((text, context) => {
  try {
    parseTopicTemplate(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error) });
  }
});

/** How events come from one subgraph. */
export const subscriptionsOfOne = z
  .strictObject({
    upstream: z.enum(['socket', 'polls', 'topics'], { error: 'must be socket, polls or topics' }),
    ...pace,
    topics: z.record(fieldName, topicTemplate),
  })
  .partial()
  .superRefine(({ upstream, topics }, context) => {
    const add = (message: string) => context.addIssue({ code: 'custom', path: ['topics'], message });
    if (topics && upstream !== 'topics') add('says nothing without upstream: topics');
    if (upstream === 'topics' && Object.keys(topics ?? {}).length === 0)
      add('is required by upstream: topics');
  });

/** Null for a text that is refused elsewhere. */
function templateOf(text: string): TopicTemplate | null {
  try {
    return parseTopicTemplate(text);
  } catch {
    return null;
  }
}

interface Announcing {
  readonly subscriptions?: { readonly topics?: Readonly<Record<string, string>> | undefined } | undefined;
}

/** Two templates by which a client of one field could choose its arguments so that it hears what is announced for another one. */
export function coincidingTopics(
  subgraphs: Readonly<Record<string, Announcing>>,
): { readonly path: readonly string[]; readonly message: string }[] {
  const all = Object.entries(subgraphs).flatMap(([name, { subscriptions }]) =>
    Object.entries(subscriptions?.topics ?? {}).flatMap(([field, text]) => {
      const template = templateOf(text);
      return template ? [{ path: ['subgraphs', name, 'subscriptions', 'topics', field], template }] : [];
    }),
  );
  return all.flatMap(({ path, template }, index) =>
    all
      .slice(0, index)
      .filter((before) => mayCoincide(before.template, template))
      .map((before) => ({ path, message: `can mean a topic of ${before.path.join('.')}` })),
  );
}
