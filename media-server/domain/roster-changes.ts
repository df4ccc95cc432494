import type { NotificationData, NotificationEvent, ParticipantInfo } from '#schema/signalling.ts';

/** A notification with the data of its event. */
export type RosterChange = {
  [E in NotificationEvent]: { readonly event: E; readonly data: NotificationData<E> };
}[NotificationEvent];

/**
 * What is to be told of a participant that was `before` and is `after`; null where it is not in the room. In the order that clients rely on: somebody
 * comes before their streams, and streams close before their sender leaves.
 */
export function rosterChanges(
  before: ParticipantInfo | null,
  after: ParticipantInfo | null,
): readonly RosterChange[] {
  if (before && after) return [...floorChanges(before, after), ...streamChanges(before, after)];
  if (after) {
    const arrived = { ...after, producers: [] };
    return [{ event: 'peerJoined', data: arrived }, ...streamChanges(arrived, after)];
  }
  if (!before) return [];
  const { participantId } = before;
  return [
    ...streamChanges(before, { ...before, producers: [] }),
    { event: 'peerLeft', data: { participantId } },
  ];
}

function floorChanges(before: ParticipantInfo, after: ParticipantInfo): RosterChange[] {
  const { participantId, role, muted, quality } = after;
  const changes: RosterChange[] = [];
  if (before.role !== role) changes.push({ event: 'roleChanged', data: { participantId, role } });
  if (before.muted !== muted) changes.push({ event: 'muteChanged', data: { participantId, muted } });
  if (quality && before.quality !== quality)
    changes.push({ event: 'connectionChanged', data: { participantId, quality } });
  return changes;
}

function streamChanges(before: ParticipantInfo, after: ParticipantInfo): RosterChange[] {
  const { participantId } = after;
  const remaining = new Set(after.producers.map(({ producerId }) => producerId));
  const former = new Map(before.producers.map((one) => [one.producerId, one]));
  const closed = before.producers
    .filter(({ producerId }) => !remaining.has(producerId))
    .map(({ producerId }) => ({ event: 'producerClosed', data: { participantId, producerId } }) as const);
  const others = after.producers.flatMap(({ producerId, paused }): RosterChange[] => {
    const known = former.get(producerId);
    if (!known) return [{ event: 'producerOpened', data: { participantId, producerId, paused } }];
    if (known.paused === paused) return [];
    return [{ event: paused ? 'producerPaused' : 'producerResumed', data: { participantId, producerId } }];
  });
  return [...closed, ...others];
}
