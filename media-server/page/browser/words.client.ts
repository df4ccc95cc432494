import { CLOSE_CODES, NORMAL_CLOSURE } from '#schema/signalling.ts';
import type { ConnectionQuality } from '#schema/connection-quality.ts';
import type { LiveRole } from '#schema/live-role.ts';
import type { LiveRoomState } from '../../../clients/live/browser/live-room.client.ts';

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
export function connectionWords({ connection, closeCode, problem }: LiveRoomState): string {
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
  return error instanceof Error ? error.message : 'The microphone could not be opened.';
}

/** What is worth to be said of a connection; empty where all is well. */
export function qualityWord(quality: ConnectionQuality | null): string {
  if (quality === 'LOST') return 'connection lost';
  return quality === 'POOR' ? 'poor connection' : '';
}

export const joinWords = (...words: readonly string[]): string =>
  words.filter((one) => one !== '').join(', ');
