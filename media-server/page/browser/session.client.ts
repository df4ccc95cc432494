import { z } from 'zod';

/** The session is over: the visitor has to sign in again. */
export class SignInNeeded extends Error {}

const ACCESS_TOKEN = 'veza.accessToken';
const REFRESH_TOKEN = 'veza.refreshToken';
/** A connection that was kept for the next request may be dead without the browser knowing it, after a change of networks. */
const ANSWER_DEADLINE_MS = 5_000;

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
const refusal = z.object({ message: z.string() });

/**
 * Over what a request goes. A browser keeps connections for the next request, and may hold several that died without its knowing; what is asked without
 * cookies, of which nothing here needs any, it keeps apart: `fresh` is for the few requests that cannot wait for that to be found out.
 */
type Connection = 'kept' | 'fresh';

export type Answer = Readonly<Record<string, unknown>>;

/** Who the visitor is to the platform. The tokens live in sessionStorage: they end with the tab. */
export class Session {
  readonly #url: string;
  #refreshing: Promise<void> | null = null;

  constructor(graphqlPath: string) {
    this.#url = graphqlPath;
  }

  get signedIn(): boolean {
    return sessionStorage.getItem(ACCESS_TOKEN) !== null;
  }

  /** Throws an error with the platform's words where the credentials are wrong. */
  async signIn(email: string, password: string): Promise<void> {
    const { login } = await this.#ask(LOGIN, { input: { email, password } }, null, 'kept');
    this.#keep(login);
  }

  /** What a connection that lasts is opened with, or goes on with; null where nobody is signed in. */
  async token(reason: 'connect' | 'renew'): Promise<string | null> {
    if (reason === 'renew') await this.#refresh();
    return sessionStorage.getItem(ACCESS_TOKEN);
  }

  /** Data of an operation, in part where fields have failed. Throws SignInNeeded where only a visitor who signs in gets it. */
  async ask(query: string, variables: object, connection: Connection = 'kept'): Promise<Answer> {
    const ask = () => this.#ask(query, variables, sessionStorage.getItem(ACCESS_TOKEN), connection);
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof SignInNeeded)) throw error;
      await this.#refresh();
      return ask();
    }
  }

  // One at a time: a refresh token that is traded twice ends the session.
  #refresh(): Promise<void> {
    this.#refreshing ??= this.#trade().finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  async #trade(): Promise<void> {
    const refreshToken = sessionStorage.getItem(REFRESH_TOKEN);
    if (refreshToken === null) throw new SignInNeeded('Please sign in.');
    try {
      const { refreshTokens } = await this.#ask(REFRESH, { refreshToken }, null, 'fresh');
      this.#keep(refreshTokens);
    } catch {
      sessionStorage.removeItem(ACCESS_TOKEN);
      sessionStorage.removeItem(REFRESH_TOKEN);
      throw new SignInNeeded('Your session is over. Please sign in again.');
    }
  }

  #keep(result: unknown): void {
    const tokens = tokenPair.safeParse(result);
    if (!tokens.success) throw new Error(refusal.parse(result).message);
    sessionStorage.setItem(ACCESS_TOKEN, tokens.data.accessToken);
    sessionStorage.setItem(REFRESH_TOKEN, tokens.data.refreshToken);
  }

  async #ask(
    query: string,
    variables: object,
    accessToken: string | null,
    connection: Connection,
  ): Promise<Answer> {
    const response = await fetch(this.#url, {
      method: 'POST',
      credentials: connection === 'fresh' ? 'omit' : 'same-origin',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json',
        ...(accessToken === null ? {} : { authorization: `Bearer ${accessToken}` }),
      },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(ANSWER_DEADLINE_MS),
    });
    const { data, errors = [] } = answerShape.parse(await response.json());
    if (errors.some((error) => error.extensions?.code === 'UNAUTHENTICATED'))
      throw new SignInNeeded('Please sign in.');
    const [first] = errors;
    const isEmpty = Object.values(data ?? {}).every((value) => value === null);
    if (first && isEmpty) throw new Error(first.message);
    return data ?? {};
  }
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
