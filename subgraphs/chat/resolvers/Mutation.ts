import { requireViewer } from '#platform/auth-directive.ts';
import { toPayload } from '#platform/payload.ts';
import type { Viewer } from '#platform/viewer.ts';
import type { Context } from '../context.ts';
import type { Membership } from '../domain/membership.ts';
import type { Message } from '../domain/message.ts';
import type { MutationResolvers } from '../generated/resolvers.ts';

export const Mutation: MutationResolvers = {
  createRoom: (_root, { input }, context) =>
    roomAfter(context, (viewer) => context.rooms.create(viewer, input)),
  updateRoom: (_root, { input: { roomId, ...changes } }, context) =>
    roomAfter(context, (viewer) => context.rooms.update(viewer, roomId, changes)),
  leaveRoom: (_root, { roomId }, context) =>
    roomAfter(context, (viewer) => context.members.leave(viewer, roomId)),
  kickMember: (_root, { roomId, userId }, context) =>
    roomAfter(context, (viewer) => context.moderation.kick(viewer, roomId, userId)),
  banMember: (_root, { roomId, userId }, context) =>
    roomAfter(context, (viewer) => context.moderation.ban(viewer, roomId, userId)),
  unbanMember: (_root, { roomId, userId }, context) =>
    roomAfter(context, (viewer) => context.moderation.unban(viewer, roomId, userId)),

  joinRoom: (_root, { roomId }, context) =>
    membershipAfter(context, (viewer) => context.members.join(viewer, roomId)),
  addMember: (_root, { roomId, userId }, context) =>
    membershipAfter(context, (viewer) => context.members.add(viewer, roomId, userId)),
  setMemberRole: (_root, { roomId, userId, role }, context) =>
    membershipAfter(context, (viewer) => context.members.setRole(viewer, roomId, userId, role)),
  markRead: (_root, { roomId, upToSeq }, context) =>
    membershipAfter(context, (viewer) => context.members.markRead(viewer, roomId, upToSeq)),

  sendMessage: (_root, { input }, context) =>
    messageAfter(context, (viewer) => context.messages.send(viewer, input)),
  editMessage: (_root, { messageId, content, expectedRevision }, context) =>
    messageAfter(context, (viewer) =>
      context.messages.edit(viewer, messageId, content, expectedRevision ?? null),
    ),
  deleteMessage: (_root, { messageId }, context) =>
    messageAfter(context, (viewer) => context.messages.delete(viewer, messageId)),
  addReaction: (_root, { messageId, emoji }, context) =>
    messageAfter(context, (viewer) => context.messageReactions.add(viewer, messageId, emoji)),
  removeReaction: (_root, { messageId, emoji }, context) =>
    messageAfter(context, (viewer) => context.messageReactions.remove(viewer, messageId, emoji)),

  setTyping: (_root, { roomId }, context) =>
    toPayload(async () => ({ until: await context.typing.signal(requireViewer(context), roomId) })),
  setPresence: (_root, { status, activity }, context) =>
    toPayload(async () => ({
      presence: await context.presenceBoard.set(requireViewer(context), status, activity),
    })),
  markNotificationsRead: (_root, { upToId }, context) =>
    toPayload(async () => ({
      readUpTo: await context.notifications.markRead(requireViewer(context), upToId),
    })),
};

const roomAfter = (context: Context, run: (viewer: Viewer) => Promise<string>) =>
  toPayload(async () => ({ room: await context.directory.room(await change(context, run)) }));

const membershipAfter = (context: Context, run: (viewer: Viewer) => Promise<Membership>) =>
  toPayload(async () => ({ membership: await change(context, run) }));

const messageAfter = (context: Context, run: (viewer: Viewer) => Promise<Message>) =>
  toPayload(async () => ({ message: await change(context, run) }));

async function change<T>(context: Context, run: (viewer: Viewer) => Promise<T>): Promise<T> {
  const result = await run(requireViewer(context));
  context.directory.forget();
  return result;
}
