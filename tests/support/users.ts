import type { UserSubgraph } from '../../subgraphs/user/subgraph.ts';
import type { Viewer } from '#platform/viewer.ts';
import type { TestSubgraph } from './subgraphs.ts';

export const PASSWORD = 'a good password';

const REGISTER = `mutation ($input: RegisterInput!) {
  register(input: $input) {
    tokens { accessToken refreshToken session { id } viewer { id } }
    userErrors { message }
  }
}`;

export interface RegisteredUser {
  readonly id: string;
  readonly email: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  /** The caller of the session that registering opened. */
  readonly viewer: Viewer;
}

/** Registers `handle` and returns what its owner holds. */
export async function registerUser(
  user: TestSubgraph<UserSubgraph>,
  handle: string,
): Promise<RegisteredUser> {
  const email = `${handle}@example.org`;
  const { register } = await user.data(null, REGISTER, { input: { email, handle, password: PASSWORD } });
  const { accessToken, refreshToken, session, viewer } = register.tokens;
  return {
    id: viewer.id,
    email,
    accessToken,
    refreshToken,
    viewer: { userId: viewer.id, sessionId: session.id, roles: ['USER'] },
  };
}
