import { conflict, invalid, Refusal, refuseIfAny, type UserErrorData } from '#platform/errors.ts';
import { checkText } from '#platform/rules.ts';
import type { Membership } from './membership.ts';

export interface Message {
  readonly id: string;
  readonly roomId: string;
  readonly authorId: string;
  /** Null once deleted. */
  readonly content: string | null;
  /** 1, 2, 3 … in the room, without a gap. */
  readonly seq: number;
  readonly clientNonce: string;
  readonly revision: number;
  readonly replyToId: string | null;
  readonly trackId: string | null;
  readonly createdAt: Date;
  readonly editedAt: Date | null;
  readonly deletedAt: Date | null;
}

export interface ReactionGroup {
  readonly emoji: string;
  readonly count: number;
  readonly viewerReacted: boolean;
}

const CONTENT = { minChars: 1, maxChars: 4_000 };
const NONCE = { minChars: 1, maxChars: 64 };
/** Different emoji on one message. */
const MAX_EMOJI = 20;

/** The text and the nonce as they are stored. Refuses with every broken rule at once. */
export function acceptMessage(input: { readonly content: string; readonly clientNonce: string }): {
  readonly content: string;
  readonly clientNonce: string;
} {
  refuseIfAny([
    ...checkText('input.content', input.content, CONTENT),
    ...checkText('input.clientNonce', input.clientNonce, NONCE),
  ]);
  return { content: input.content.trim(), clientNonce: input.clientNonce.trim() };
}

/** The message after an edit; the same object where nothing changed. `expectedRevision` null edits whatever is there. */
export function editMessage(
  message: Message,
  content: string,
  expectedRevision: number | null,
  now: Date,
): Message {
  refuseIfAny(checkText('content', content, CONTENT));
  if (message.deletedAt) throw new Refusal(conflict('The message was deleted.', message.revision));
  if (expectedRevision !== null && expectedRevision !== message.revision)
    throw new Refusal(conflict('The message was changed meanwhile.', message.revision, 'expectedRevision'));
  const text = content.trim();
  if (text === message.content) return message;
  return { ...message, content: text, revision: message.revision + 1, editedAt: now };
}

/** In slow mode `membership` waits: refuses with a SlowModeError that says how long. */
export function requireSlowModePassed(slowModeSeconds: number, membership: Membership, now: Date): void {
  if (slowModeSeconds === 0 || !membership.lastSentAt) return;
  const retryAfterMs = membership.lastSentAt.getTime() + slowModeSeconds * 1_000 - now.getTime();
  if (retryAfterMs > 0) throw new Refusal(slowMode(retryAfterMs));
}

const slowMode = (retryAfterMs: number): UserErrorData => ({
  __typename: 'SlowModeError',
  message: 'Slow mode: wait before you write again.',
  field: null,
  retryAfterMs,
});

const EMOJI = /^\p{RGI_Emoji}$/v;
const EMOJI_STYLE = '\ufe0f';

/** One emoji in its normal form: keyboards leave out the variation selector of some, and both must count as one reaction. */
export function acceptEmoji(text: string): string {
  const emoji = [text, text + EMOJI_STYLE].find((candidate) => EMOJI.test(candidate));
  if (emoji === undefined) throw new Refusal(invalid('emoji', 'NOT_AN_EMOJI', 'This is not one emoji.'));
  return emoji;
}

/** `present` are the emoji that the message has so far. */
export function requireEmojiSpace(present: readonly string[], emoji: string): void {
  if (present.length < MAX_EMOJI || present.includes(emoji)) return;
  throw new Refusal(invalid('emoji', 'TOO_MANY', `A message has room for ${MAX_EMOJI} different emoji.`));
}

export function requireNotDeleted(message: Message): void {
  if (message.deletedAt) throw new Refusal(conflict('The message was deleted.', message.revision));
}
