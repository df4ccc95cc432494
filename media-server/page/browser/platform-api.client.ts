import { z } from 'zod';
import { FinalRefusal, type LiveGrant } from '../../../clients/live/browser/live-room.client.ts';

/** The session is over: the visitor has to sign in again. */
export class SignInNeeded extends Error {}

const ACCESS_TOKEN = 'veza.accessToken';
const REFRESH_TOKEN = 'veza.refreshToken';

const answerShape = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z
    .array(
      z.object({ message: z.string(), extensions: z.object({ code: z.string().optional() }).optional() }),
    )
    .optional(),
});

const tokenPair = z.object({
  __typename: z.literal('TokenPair'),
  accessToken: z.string(),
  refreshToken: z.string(),
});
const refusal = z.object({ __typename: z.string(), message: z.string() });

const liveJoin = z.object({
  __typename: z.literal('LiveJoin'),
  mediaUrl: z.string(),
  token: z.string(),
  resumeKey: z.string(),
  iceServers: z.array(
    z.object({
      urls: z.array(z.string()),
      username: z.string().nullish(),
      credential: z.string().nullish(),
    }),
  ),
});

const roomShape = z.object({
  liveRoom: z.object({ title: z.string() }),
  users: z.array(z.object({ id: z.string(), displayName: z.string() }).nullable()),
});

export interface RoomNames {
  readonly title: string;
  /** Display names by user. */
  readonly names: ReadonlyMap<string, string>;
}

/** What the page asks of the platform. The tokens live in sessionStorage: they end with the tab. */
export class PlatformApi {
  readonly #url: string;
  /** From the last join: with it, a connection that broke is resumed. */
  #resumeKey: string | null = null;

  constructor(graphqlPath: string) {
    this.#url = graphqlPath;
  }

  get signedIn(): boolean {
    return sessionStorage.getItem(ACCESS_TOKEN) !== null;
  }

  signOut(): void {
    sessionStorage.removeItem(ACCESS_TOKEN);
    sessionStorage.removeItem(REFRESH_TOKEN);
  }

  /** Throws an error with the platform's words where the credentials are wrong. */
  async signIn(email: string, password: string): Promise<void> {
    const { login } = await this.#ask(LOGIN, { input: { email, password } }, null);
    this.#keep(login);
  }

  /** A grant for the room; FinalRefusal where the platform says no, SignInNeeded where the session is over. */
  async joinLiveRoom(id: string): Promise<LiveGrant> {
    const { joinLiveRoom } = await this.#askSignedIn(JOIN, { id, resumeKey: this.#resumeKey });
    const joined = liveJoin.safeParse(joinLiveRoom);
    if (!joined.success) throw refusalOf(joinLiveRoom);
    const { mediaUrl, token, iceServers, resumeKey } = joined.data;
    this.#resumeKey = resumeKey;
    return {
      mediaUrl: new URL(mediaUrl, location.href.replace(/^http/, 'ws')).href,
      token,
      iceServers: iceServers.map(({ urls, username, credential }) => ({
        urls,
        ...(username ? { username } : {}),
        ...(credential ? { credential } : {}),
      })),
    };
  }

  /** The room's title and the names of users, by their ids; one whom the platform does not know is left out. */
  async roomNames(id: string, userIds: readonly string[]): Promise<RoomNames> {
    const answer = roomShape.parse(
      await this.#askSignedIn(NAMES, { id, userIds: userIds.slice(0, MAX_USERS) }),
    );
    const known = answer.users.filter((user) => user !== null);
    return { title: answer.liveRoom.title, names: new Map(known.map((user) => [user.id, user.displayName])) };
  }

  async #askSignedIn(query: string, variables: object): Promise<Record<string, unknown>> {
    try {
      return await this.#ask(query, variables, sessionStorage.getItem(ACCESS_TOKEN));
    } catch (error) {
      if (!(error instanceof SignInNeeded)) throw error;
      await this.#refresh();
      return this.#ask(query, variables, sessionStorage.getItem(ACCESS_TOKEN));
    }
  }

  async #refresh(): Promise<void> {
    const refreshToken = sessionStorage.getItem(REFRESH_TOKEN);
    if (refreshToken === null) throw new SignInNeeded('Please sign in.');
    try {
      const { refreshTokens } = await this.#ask(REFRESH, { refreshToken }, null);
      this.#keep(refreshTokens);
    } catch {
      this.signOut();
      throw new SignInNeeded('Your session is over. Please sign in again.');
    }
  }

  #keep(result: unknown): void {
    const tokens = tokenPair.safeParse(result);
    if (!tokens.success) throw refusalOf(result);
    sessionStorage.setItem(ACCESS_TOKEN, tokens.data.accessToken);
    sessionStorage.setItem(REFRESH_TOKEN, tokens.data.refreshToken);
  }

  async #ask(query: string, variables: object, accessToken: string | null): Promise<Record<string, unknown>> {
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json',
        ...(accessToken === null ? {} : { authorization: `Bearer ${accessToken}` }),
      },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors = [] } = answerShape.parse(await response.json());
    if (errors.some((error) => error.extensions?.code === 'UNAUTHENTICATED'))
      throw new SignInNeeded('Please sign in.');
    const [first] = errors;
    if (first) throw new Error(first.message);
    return data ?? {};
  }
}

// Media that is away may come back; everything else that the platform declines stays declined.
function refusalOf(result: unknown): Error {
  const parsed = refusal.safeParse(result);
  if (!parsed.success) return new Error('The platform gave an answer that this page does not understand.');
  const { __typename, message } = parsed.data;
  const passes = __typename === 'MediaUnavailableError' || __typename === 'RateLimitedError';
  return passes ? new Error(message) : new FinalRefusal(message);
}

const REFUSED = '... on UserError { message }';

const LOGIN = `mutation LiveSignIn($input: LoginInput!) {
  login(input: $input) { __typename ... on TokenPair { accessToken refreshToken } ${REFUSED} }
}`;

const REFRESH = `mutation LiveRefresh($refreshToken: String!) {
  refreshTokens(refreshToken: $refreshToken) {
    __typename ... on TokenPair { accessToken refreshToken } ${REFUSED}
  }
}`;

const JOIN = `mutation LiveJoin($id: ID!, $resumeKey: String) {
  joinLiveRoom(id: $id, resumeKey: $resumeKey) {
    __typename
    ... on LiveJoin { mediaUrl token resumeKey iceServers { urls username credential } }
    ${REFUSED}
  }
}`;

/** As many as one request may ask for. */
const MAX_USERS = 100;

const NAMES = `query LiveNames($id: ID!, $userIds: [ID!]!) {
  liveRoom(id: $id) { title }
  users(ids: $userIds) { id displayName }
}`;
