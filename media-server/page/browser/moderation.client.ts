import { chooseAction, confirmed } from './dialogs.client.ts';
import type { Person } from './people.client.ts';
import { actionsOn, mayStepDown, type PersonAction } from './permissions.client.ts';
import type { LiveAction, LiveActions } from './platform-api.client.ts';
import { ACTION_WORDS, noteOf } from './words.client.ts';

const REMOVE_WORDS = 'They are disconnected. They can come back.';
const BAN_WORDS =
  'They are disconnected, and cannot come back unless they are unbanned, under Banned people. Without signing in they can hear the broadcast, unless it is for signed-in people only.';

/** Asks the platform, and tells the visitor where it refuses. */
export type Act = <A extends LiveAction>(action: A, variables: LiveActions[A]) => Promise<void>;

/** What `self` can do about somebody; about themselves, it is to speak no more. */
export function optionsFor(self: Person | null, person: Person): PersonAction[] {
  if (!self) return [];
  if (person.isSelf) return mayStepDown(person.role) ? ['MAKE_LISTENER'] : [];
  return actionsOn(self.role, person);
}

/** Lets the visitor choose what to do about somebody, and does it. */
export async function manage(self: Person, person: Person, act: Act): Promise<void> {
  const choices = optionsFor(self, person).map((action) => ({
    action,
    words: person.isSelf ? 'Stop speaking' : ACTION_WORDS[action],
    isGrave: action === 'REMOVE' || action === 'BAN',
  }));
  const action = await chooseAction(person.name, noteOf(person), choices);
  if (action !== null) await perform(action, person, act);
}

async function perform(
  action: PersonAction,
  { participantId, name, isSelf }: Person,
  act: Act,
): Promise<void> {
  switch (action) {
    case 'INVITE':
      return act('inviteToSpeak', { participantId });
    case 'MUTE':
    case 'UNMUTE':
      return act('muteParticipant', { participantId, muted: action === 'MUTE' });
    case 'MAKE_SPEAKER':
      return act('setLiveRole', { participantId, role: 'SPEAKER' });
    case 'MAKE_MODERATOR':
      return act('setLiveRole', { participantId, role: 'MODERATOR' });
    case 'MAKE_LISTENER': {
      const question = 'Stop speaking?';
      if (
        isSelf &&
        !(await confirmed(question, 'To speak again you have to be asked again.', 'Stop speaking'))
      )
        return undefined;
      return act('setLiveRole', { participantId, role: 'LISTENER' });
    }
    case 'REMOVE':
    case 'BAN': {
      const ban = action === 'BAN';
      const word = ban ? 'Ban' : 'Remove';
      if (!(await confirmed(`${word} ${name}?`, ban ? BAN_WORDS : REMOVE_WORDS, word))) return undefined;
      return act('removeParticipant', { participantId, ban });
    }
    default:
      return undefined;
  }
}
