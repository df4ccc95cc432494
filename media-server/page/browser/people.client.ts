import type { ConnectionQuality } from '#schema/connection-quality.ts';
import { maySpeak, type LiveRole } from '#schema/live-role.ts';
import type { LiveRoomState } from '../../../clients/live/browser/live-state.client.ts';
import type { Stage } from './stage.client.ts';

/** Somebody in the room, as the page shows them. */
export interface Person {
  readonly participantId: string;
  readonly name: string;
  readonly isSelf: boolean;
  readonly role: LiveRole;
  readonly muted: boolean;
  readonly sending: boolean;
  readonly asks: boolean;
  readonly invited: boolean;
  readonly quality: ConnectionQuality | null;
  readonly dominant: boolean;
}

export type Names = ReadonlyMap<string, string>;

/** Who has no name, or none yet. */
export const UNKNOWN = 'Somebody';

export const nameOf = (names: Names, participantId: string): string => names.get(participantId) ?? UNKNOWN;

/** The visitor first, then everybody else in order of joining. */
export function peopleOf(state: LiveRoomState, stage: Stage | null, names: Names): Person[] {
  const { self, others, microphone } = state;
  const own = self ? [{ ...self, sending: microphone === 'on' }] : [];
  return [...own, ...others].map(({ participantId, role, muted, sending, quality }) => ({
    participantId,
    name: nameOf(names, participantId),
    isSelf: participantId === self?.participantId,
    role,
    muted,
    sending,
    asks: stage?.hands.includes(participantId) ?? false,
    invited: stage?.invited.includes(participantId) ?? false,
    quality,
    dominant: participantId === state.dominant,
  }));
}

/** Listeners who are in the room and not among those people: of very many, a media server tells the number alone. */
export function unlistedListeners({ listenerCount }: LiveRoomState, people: readonly Person[]): number {
  if (listenerCount === null) return 0;
  return Math.max(0, listenerCount - people.filter((person) => !isOnStage(person)).length);
}

export const isOnStage = ({ role }: Person): boolean => maySpeak(role);
