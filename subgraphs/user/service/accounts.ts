import type { Em } from '#platform/database.ts';
import { conflict, invalid, notFound, rateLimited, Refusal, refuseIfAny } from '#platform/errors.ts';
import type { Events } from '#platform/events/events.ts';
import { newId } from '#platform/ids.ts';
import type { Viewer } from '#platform/viewer.ts';
import {
  findTaken,
  findUsersById,
  insertAccount,
  lockCredentials,
  saveFailures,
  savePassword,
  type Credentials,
} from '../data/user.repository.ts';
import { afterFailure, lockedForMs, NO_FAILURES } from '../domain/session.ts';
import {
  acceptRegistration,
  checkPassword,
  normaliseEmail,
  type PlatformRole,
  type User,
} from '../domain/user.ts';
import type { KeyRing } from './key-ring.ts';
import { hashPassword, verifyAgainstNothing, verifyPassword } from './passwords.ts';
import type { Sessions } from './sessions.ts';
import { openSession, type ClientFacts, type IssuedTokens } from './tokens.ts';

export interface RegisterInput {
  readonly email: string;
  readonly handle: string;
  readonly password: string;
  readonly displayName?: string | null;
}

interface Preset {
  readonly id?: string;
  readonly roles?: readonly PlatformRole[];
}

export interface Accounts {
  /** `preset` is for demo data: an id and roles that a caller could never choose. */
  register(input: RegisterInput, client: ClientFacts, preset?: Preset): Promise<IssuedTokens>;
  login(input: { email: string; password: string }, client: ClientFacts): Promise<IssuedTokens>;
  changePassword(viewer: Viewer, currentPassword: string, newPassword: string): Promise<User>;
}

export interface AccountsDeps {
  readonly events: Events;
  readonly keys: KeyRing;
  readonly sessions: Sessions;
  readonly now: () => Date;
}

export function createAccounts(deps: AccountsDeps): Accounts {
  return {
    register: (input, client, preset = {}) => register(deps, input, client, preset),
    login: (input, client) => login(deps, input, client),
    changePassword: (viewer, current, next) => changePassword(deps, viewer, current, next),
  };
}

async function register(
  { events, keys, now }: AccountsDeps,
  input: RegisterInput,
  client: ClientFacts,
  { id = newId('User'), roles = ['USER'] }: Preset,
): Promise<IssuedTokens> {
  const { email, handle, displayName, password } = acceptRegistration(input);
  const passwordHash = await hashPassword(password);
  const createdAt = now();
  return events.transact(async (tx) => {
    const made = await insertAccount(tx.em, {
      id,
      handle,
      email,
      displayName,
      passwordHash,
      roles,
      createdAt,
    });
    if (!made) await refuseTaken(tx.em, handle, email);
    const stream = `user:${id}`;
    await tx.append({
      stream,
      name: 'user.registered',
      payload: { userId: id, handle, displayName },
      actorId: id,
    });
    const [user] = await findUsersById(tx.em, [id]);
    return openSession(tx.em, keys, user!, client, createdAt);
  });
}

async function refuseTaken(em: Em, handle: string, email: string): Promise<never> {
  const taken = await findTaken(em, handle, email);
  refuseIfAny([
    ...(taken.handle ? [invalid('input.handle', 'TAKEN', 'This handle is taken.')] : []),
    ...(taken.email ? [invalid('input.email', 'TAKEN', 'This address has an account.')] : []),
  ]);
  throw new Refusal(conflict('Someone else took this meanwhile. Try again.'));
}

type Attempt = { readonly tokens: IssuedTokens } | { readonly refusal: Refusal };

async function login(
  deps: AccountsDeps,
  { email, password }: { email: string; password: string },
  client: ClientFacts,
): Promise<IssuedTokens> {
  // A refusal must not roll back the failure that it counts, so it is thrown behind the transaction.
  const attempt = await deps.events.transact(async (tx): Promise<Attempt> => {
    const credentials = await lockCredentials(tx.em, { email: normaliseEmail(email) });
    if (!credentials) {
      await verifyAgainstNothing(password);
      return { refusal: wrongCredentials() };
    }
    const lockedMs = lockedForMs(credentials.failures, deps.now());
    if (lockedMs > 0) return { refusal: new Refusal(rateLimited('Too many failures. Try later.', lockedMs)) };
    const right = await checkAgainst(deps, tx.em, credentials, password);
    if (!right) return { refusal: wrongCredentials() };
    const tokens = await openSession(tx.em, deps.keys, credentials.user, client, deps.now());
    const { id: userId } = credentials.user;
    const payload = { userId, sessionId: tokens.session.id };
    await tx.append({ stream: `user:${userId}`, name: 'session.started', payload, actorId: userId });
    return { tokens };
  });
  if ('refusal' in attempt) throw attempt.refusal;
  return attempt.tokens;
}

/** Whether the password is right; counts a failure, forgets earlier ones on success, and renews a hash made with old costs. */
async function checkAgainst(
  deps: AccountsDeps,
  em: Em,
  credentials: Credentials,
  password: string,
): Promise<boolean> {
  const { user, passwordHash, failures } = credentials;
  const verdict = await verifyPassword(password, passwordHash);
  if (verdict === 'wrong') {
    await saveFailures(em, user.id, afterFailure(failures, deps.now()));
    return false;
  }
  if (failures.count > 0) await saveFailures(em, user.id, NO_FAILURES);
  if (verdict === 'stale') await savePassword(em, user.id, await hashPassword(password));
  return true;
}

const wrongCredentials = () =>
  new Refusal({
    __typename: 'InvalidCredentialsError',
    message: 'E-mail address and password do not belong together.',
    field: null,
  });

async function changePassword(
  { events, sessions, now }: AccountsDeps,
  viewer: Viewer,
  currentPassword: string,
  newPassword: string,
): Promise<User> {
  refuseIfAny(checkPassword('newPassword', newPassword));
  const passwordHash = await hashPassword(newPassword);
  const { user, ended } = await events.transact(async (tx) => {
    const credentials = await lockCredentials(tx.em, { id: viewer.userId });
    if (!credentials)
      throw new Refusal(notFound(null, viewer.userId, 'The account does not exist any more.'));
    if ((await verifyPassword(currentPassword, credentials.passwordHash)) === 'wrong') {
      throw new Refusal(invalid('currentPassword', 'WRONG_PASSWORD', 'This is not the current password.'));
    }
    await savePassword(tx.em, viewer.userId, passwordHash);
    const which = { exceptId: viewer.sessionId };
    const ended = await sessions.revokeWithin(tx, viewer.userId, which, 'PASSWORD_CHANGED', now());
    return { user: credentials.user, ended };
  });
  await sessions.announce(ended);
  return user;
}
