import { maySpeak, type LiveRole } from '#schema/live-role.ts';

/** What somebody who decides about another one can do. The platform has the last word: these are the buttons that are worth showing. */
export type PersonAction =
  'INVITE' | 'MAKE_SPEAKER' | 'MAKE_MODERATOR' | 'MAKE_LISTENER' | 'MUTE' | 'UNMUTE' | 'REMOVE' | 'BAN';

interface Target {
  readonly role: LiveRole;
  readonly muted: boolean;
  readonly invited: boolean;
}

const RANK: Readonly<Record<LiveRole, number>> = { HOST: 3, MODERATOR: 2, SPEAKER: 1, LISTENER: 0 };

/** Whether somebody of that role decides about speakers and listeners. */
export const moderates = (role: LiveRole): boolean => RANK[role] >= RANK.MODERATOR;

/** Whether one of role `actor` decides about one of role `target`. */
export const decidesAbout = (actor: LiveRole, target: LiveRole): boolean =>
  moderates(actor) && RANK[actor] > RANK[target];

/** What one of role `actor` can do to somebody else, in the order in which it is offered. */
export function actionsOn(actor: LiveRole, { role, muted, invited }: Target): PersonAction[] {
  if (!decidesAbout(actor, role)) return [];
  const actions: PersonAction[] = [];
  if (maySpeak(role)) actions.push(muted ? 'UNMUTE' : 'MUTE');
  else if (!invited) actions.push('INVITE');
  if (role !== 'SPEAKER') actions.push('MAKE_SPEAKER');
  if (role !== 'MODERATOR' && actor === 'HOST') actions.push('MAKE_MODERATOR');
  if (role !== 'LISTENER') actions.push('MAKE_LISTENER');
  return [...actions, 'REMOVE', 'BAN'];
}

/** The host cannot: without one there is no room. */
export const mayStepDown = (role: LiveRole): boolean => role === 'MODERATOR' || role === 'SPEAKER';
