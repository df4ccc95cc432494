import { CLOSE_CODES, NORMAL_CLOSURE } from '#schema/signalling.ts';
import type { ConnectionQuality } from '#schema/connection-quality.ts';
import { maySpeak, type LiveRole } from '#schema/live-role.ts';
import type { LiveRoomState } from '../../../clients/live/browser/live-state.client.ts';
import type { Person } from './people.client.ts';
import type { PersonAction } from './permissions.client.ts';
import type { RoomOverview } from './platform-api.client.ts';

const CLOSED: Readonly<Record<number, string>> = {
  [NORMAL_CLOSURE]: 'You have left the room.',
  [CLOSE_CODES.REMOVED]: 'A moderator has removed you from the room.',
  [CLOSE_CODES.DUPLICATE_IDENTITY]: 'You joined this room in another window, which goes on there.',
  [CLOSE_CODES.ROOM_ENDED]: 'The room has ended.',
  [CLOSE_CODES.ROOM_FULL]: 'The room is full.',
  [CLOSE_CODES.VERSION_UNSUPPORTED]:
    'This page is of another version than the media server. Please load it again.',
  [CLOSE_CODES.GRANT_INVALID]: 'The media server did not accept this invitation. Please join again.',
};

/** The state of the connection in plain words. */
export function connectionWords({
  connection,
  closeCode,
  problem,
}: Pick<LiveRoomState, 'connection' | 'closeCode' | 'problem'>): string {
  if (connection === 'connecting') return 'Connecting …';
  if (connection === 'connected') return 'Connected';
  if (connection === 'reconnecting') return `${problem ?? 'The room is being moved.'} Connecting again …`;
  const reason = closeCode === null ? problem : CLOSED[closeCode];
  return reason ?? 'The connection was closed. Please join again.';
}

const ROLES: Readonly<Record<LiveRole, string>> = {
  HOST: 'Host',
  MODERATOR: 'Moderator',
  SPEAKER: 'Speaker',
  LISTENER: 'Listener',
};
export const roleWord = (role: LiveRole): string => ROLES[role];

/** Why the microphone cannot be had. */
export function microphoneWords(error: unknown): string {
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError') return 'Your browser does not allow this page to use the microphone.';
  if (name === 'NotFoundError') return 'No microphone was found.';
  if (name === 'NotReadableError') return 'Another program is using the microphone.';
  return messageOf(error);
}

const QUALITIES: Readonly<Record<ConnectionQuality, string>> = {
  EXCELLENT: 'Excellent connection',
  GOOD: 'Good connection',
  POOR: 'Poor connection',
  LOST: 'Connection lost',
};
export const qualityWords = (quality: ConnectionQuality | null): string =>
  quality === null ? 'Connection not measured yet' : QUALITIES[quality];

/** How somebody is at this moment, in words. */
export function noteOf({ role, muted, sending, asks, invited, quality, dominant }: Person): string {
  const isOff = sending ? 'microphone on' : 'microphone off';
  const parts = [
    maySpeak(role) && (muted ? 'muted by a moderator' : isOff),
    dominant && 'speaking',
    asks && 'asks to speak',
    invited && 'invited to speak',
    (quality === 'POOR' || quality === 'LOST') && QUALITIES[quality].toLowerCase(),
  ];
  return parts.filter((part) => part !== false).join(' · ');
}

/** One or two letters that stand for a name. */
export function initialsOf(name: string): string {
  const words = name.split(/[\s_-]+/u).filter((word) => word !== '');
  const letters = [words.at(0), words.length > 1 ? words.at(-1) : ''].map(
    (word) => [...(word ?? '')].at(0) ?? '',
  );
  return letters.join('').toUpperCase();
}

export const ACTION_WORDS: Readonly<Record<PersonAction, string>> = {
  INVITE: 'Invite to speak',
  MAKE_SPEAKER: 'Make a speaker',
  MAKE_MODERATOR: 'Make a moderator',
  MAKE_LISTENER: 'Move to the listeners',
  MUTE: 'Mute',
  UNMUTE: 'Allow to unmute',
  REMOVE: 'Remove from the room',
  BAN: 'Ban from the room',
};

/** What a visitor reads before joining. */
export function lobbyWords({ state, scheduledFor }: RoomOverview): string {
  if (state === 'ENDED') return 'This room has ended.';
  if (state === 'LIVE') return 'This room is live. Whoever may speak is asked for the microphone on joining.';
  if (!scheduledFor) return 'This room has not started yet. Stay here: you can join as soon as it does.';
  const when = new Date(scheduledFor).toLocaleString([], { dateStyle: 'full', timeStyle: 'short' });
  return `This room is to start on ${when}. You can join as soon as it does.`;
}

export const timeWords = (instant: string): string =>
  new Date(instant).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });

export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : 'Something went wrong.';
