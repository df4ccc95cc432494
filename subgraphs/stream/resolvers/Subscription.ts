import type { ConnectionsReport, SpeakersReport } from '#schema/media-bus.ts';
import type { Context } from '../context.ts';
import type { SubscriptionResolvers } from '../generated/resolvers.ts';
import type { LiveEvent } from '../service/live-events.ts';
import type { ReactionsReport } from '../service/live-reactions.ts';

export const Subscription: SubscriptionResolvers = {
  liveRoomEvents: {
    subscribe: (_root, { liveRoomId, after }, context) =>
      context.liveFeeds.events(context.viewer?.userId ?? null, liveRoomId, after ?? null, context),
    resolve: (event: LiveEvent) => event,
  },
  activeSpeakers: {
    subscribe: (_root, { liveRoomId }, { liveFeeds, viewer, signal, poll }) =>
      liveFeeds.speakers(viewer?.userId ?? null, liveRoomId, { signal, poll }),
    resolve: (report: SpeakersReport) => report,
  },
  liveConnections: {
    subscribe: (_root, { liveRoomId }, { liveFeeds, viewer, signal, poll }) =>
      liveFeeds.connections(viewer?.userId ?? null, liveRoomId, { signal, poll }),
    resolve: ({ liveRoomId, connections }: ConnectionsReport) => ({
      liveRoomId,
      participants: connections.map((connection) => ({
        participantId: connection.participantId,
        connection,
      })),
    }),
  },
  liveReactions: {
    subscribe: (_root, { liveRoomId }, { liveFeeds, viewer, signal, poll }) =>
      liveFeeds.reactions(viewer?.userId ?? null, liveRoomId, { signal, poll }),
    resolve: ({ liveRoomId, counts }: ReactionsReport) => ({ liveRoomId, counts }),
  },
  trackComments: {
    subscribe: (_root, { trackId }, { commentFeed, viewer, signal, poll }) =>
      commentFeed.follow(viewer?.userId ?? null, trackId, { signal, poll }),
    resolve: (id: string, _args: object, { catalog }: Context) => catalog.comment(id),
  },
};
