import { conflict, forbidden, invalid, Refusal, refuseIfAny, type UserErrorData } from '#platform/errors.ts';
import { checkOptionalText, checkText } from '#platform/rules.ts';

const PLATFORM_ROLES = ['USER', 'ARTIST', 'MODERATOR', 'ADMIN'] as const;
export type PlatformRole = (typeof PLATFORM_ROLES)[number];

/** An account with its public face. `email` is for its owner only. */
export interface User {
  readonly id: string;
  readonly handle: string;
  readonly displayName: string;
  readonly bio: string | null;
  readonly links: readonly string[];
  /** Key of the picture in the file store. */
  readonly avatarKey: string | null;
  readonly email: string;
  readonly roles: readonly PlatformRole[];
  readonly followerCount: number;
  readonly followingCount: number;
  readonly createdAt: Date;
}

export interface Registration {
  readonly email: string;
  readonly handle: string;
  readonly password: string;
  readonly displayName: string;
}

export interface ProfileChanges {
  readonly displayName?: string | null;
  readonly bio?: string | null;
  readonly links?: readonly string[] | null;
}

export type Profile = Pick<User, 'displayName' | 'bio' | 'links'>;

const HANDLE = /^[a-z][a-z0-9_]{2,29}$/;
// The shape only: whether an address exists is known once a message has arrived there.
const EMAIL = /^[^\s@]{1,64}@[^\s@.]+(\.[^\s@.]+)+$/;
const MAX_EMAIL_CHARS = 254;
const MAX_NAME_CHARS = 60;
const MAX_BIO_CHARS = 500;
const MAX_LINKS = 5;
const MIN_PASSWORD_CHARS = 8;
const MAX_PASSWORD_CHARS = 200;

export const normaliseHandle = (handle: string): string => handle.trim().toLowerCase();

/** Whether an account can have this handle, as `normaliseHandle` leaves it. */
export const isHandle = (handle: string): boolean => HANDLE.test(handle);
export const normaliseEmail = (email: string): string => email.trim().toLowerCase();

/** The registration with normal forms filled in. Refuses with every broken rule at once. */
export function acceptRegistration(input: {
  email: string;
  handle: string;
  password: string;
  displayName?: string | null;
}): Registration {
  const handle = normaliseHandle(input.handle);
  const email = normaliseEmail(input.email);
  const displayName = input.displayName?.trim() || handle;
  refuseIfAny([
    ...checkEmail(email),
    ...checkHandle(handle),
    ...checkPassword('input.password', input.password),
    ...checkText('input.displayName', displayName, { minChars: 1, maxChars: MAX_NAME_CHARS }),
  ]);
  return { email, handle, password: input.password, displayName };
}

function checkEmail(email: string): UserErrorData[] {
  const fits = EMAIL.test(email) && email.length <= MAX_EMAIL_CHARS;
  return fits ? [] : [invalid('input.email', 'INVALID_EMAIL', 'This is not an e-mail address.')];
}

function checkHandle(handle: string): UserErrorData[] {
  if (isHandle(handle)) return [];
  return [
    invalid('input.handle', 'INVALID_HANDLE', 'Use 3 to 30 letters, digits or underscores, a letter first.'),
  ];
}

export function checkPassword(field: string, password: string): UserErrorData[] {
  return checkText(field, password, { minChars: MIN_PASSWORD_CHARS, maxChars: MAX_PASSWORD_CHARS });
}

/** The profile after `changes`: what is left out stays, null clears. Refuses with every broken rule at once. */
export function changeProfile(profile: Profile, changes: ProfileChanges): Profile {
  const links = changes.links === undefined ? profile.links : (changes.links ?? []);
  refuseIfAny([
    ...(changes.displayName === null
      ? [invalid('input.displayName', 'REQUIRED', 'A name cannot be cleared.')]
      : []),
    ...checkOptionalText('input.displayName', changes.displayName, { minChars: 1, maxChars: MAX_NAME_CHARS }),
    ...checkOptionalText('input.bio', changes.bio, { maxChars: MAX_BIO_CHARS }),
    ...(links.length > MAX_LINKS ? [invalid('input.links', 'TOO_MANY', `At most ${MAX_LINKS} links.`)] : []),
  ]);
  return {
    displayName: changes.displayName?.trim() ?? profile.displayName,
    bio: changes.bio === undefined ? profile.bio : changes.bio?.trim() || null,
    links: [...links],
  };
}

/** Everyone is a USER; the last administrator cannot step down. */
export function acceptRoles(
  target: User,
  roles: readonly PlatformRole[],
  otherAdmins: number,
): readonly PlatformRole[] {
  const next = PLATFORM_ROLES.filter((role) => role === 'USER' || roles.includes(role));
  if (target.roles.includes('ADMIN') && !next.includes('ADMIN') && otherAdmins === 0) {
    throw new Refusal(conflict('The platform needs at least one administrator.', null, 'roles'));
  }
  return next;
}

/** What keeps `actor` from following or blocking `target`. */
export function requireOther(actorId: string, targetId: string): void {
  if (actorId === targetId) throw new Refusal(invalid('userId', 'SELF', 'This cannot be done to yourself.'));
}

export function requireNotBlocked(blocked: boolean): void {
  if (blocked) throw new Refusal(forbidden('One of you has blocked the other.', null, 'userId'));
}
