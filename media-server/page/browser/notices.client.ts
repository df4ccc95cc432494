import { nameOf, type Names, type Person } from './people.client.ts';
import { moderates } from './permissions.client.ts';
import type { Stage } from './stage.client.ts';

/** What the visitor is told of, between two moments in the room. */
export interface Moment {
  /** Null while not connected. */
  readonly self: Person | null;
  readonly stage: Stage | null;
}

const ROLE_NOTICES: Readonly<Record<Person['role'], string>> = {
  HOST: 'You are the host now.',
  MODERATOR: 'You are a moderator now.',
  SPEAKER: 'You may speak now. Turn your microphone on when you are ready.',
  LISTENER: 'You are a listener now.',
};

/** In words; nothing of what was so before the visitor came. */
export function noticesBetween(before: Moment, after: Moment, names: Names): string[] {
  return [...ownNotices(before.self, after.self), ...stageNotices(before, after, names)];
}

function ownNotices(before: Person | null, after: Person | null): string[] {
  if (!before || !after) return [];
  const notices = before.role === after.role ? [] : [ROLE_NOTICES[after.role]];
  if (before.muted === after.muted) return notices;
  return [...notices, after.muted ? 'A moderator has muted you.' : 'You may turn your microphone on again.'];
}

function stageNotices(before: Moment, { self, stage }: Moment, names: Names): string[] {
  if (!before.stage || !stage || !self) return [];
  const { hands, recording } = before.stage;
  const fresh = stage.hands.filter((id) => !hands.includes(id) && id !== self.participantId);
  const asking = moderates(self.role) ? fresh.map((id) => `${nameOf(names, id)} asks to speak.`) : [];
  return recording && !stage.recording ? [...asking, 'The recording has ended.'] : asking;
}
