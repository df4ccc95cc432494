import { CodedError } from '#platform/errors.ts';
import type { SubgraphClient } from '../subgraph-client.ts';
import { AnnouncedSubscription, type AnnouncementOptions } from './announced-subscription.ts';
import { entityOperation } from './entity-operation.ts';
import { parseTopicTemplate, topicOf } from './topic-template.ts';

export interface AnnouncedSubscriptionsOptions extends Omit<AnnouncementOptions, 'giveUpMs'> {
  /** Field of Subscription → template of its topic. */
  readonly topics: Readonly<Record<string, string>>;
  readonly giveUpMs?: number;
}

const GIVE_UP_MS = 60_000;

/**
 * Subscriptions of a subgraph that only publishes, to a topic, which entity an event is about. It is not asked whether somebody may subscribe:
 * it decides that with every event, by the entity that it gives to this caller. Messages that are lost while the live bus is away are lost. The
 * live bus stays the caller's. Throws for a template that is none.
 */
export function createAnnouncedSubscriptions(
  options: AnnouncedSubscriptionsOptions,
): Pick<SubgraphClient, 'subscribe' | 'close'> {
  const { topics, giveUpMs = GIVE_UP_MS, name } = options;
  const templates = new Map(Object.entries(topics).map(([field, text]) => [field, parseTopicTemplate(text)]));
  const open = new Set<AnnouncedSubscription>();
  return {
    async subscribe(request) {
      if (request.signal.aborted) throw new CodedError('SUBGRAPH_UNAVAILABLE', 'The caller is gone.');
      const entity = entityOperation(request.operation);
      const { fieldName, argumentOf } = entity;
      const template = templates.get(fieldName);
      if (!template)
        throw new CodedError('SUBGRAPH_UNAVAILABLE', `The subgraph ${name} has no topic for ${fieldName}.`);
      const topic = topicOf(template, (argument) => argumentOf(argument, request.variables));
      const subscription: AnnouncedSubscription = new AnnouncedSubscription(
        request,
        entity,
        { ...options, giveUpMs },
        () => open.delete(subscription),
      );
      open.add(subscription);
      return subscription.open(topic);
    },
    async close() {
      for (const subscription of open) subscription.end();
    },
  };
}
