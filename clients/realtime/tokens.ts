/** Why a token is asked for: for a new connection, or in place of one that ends soon, has ended or was refused. */
export type TokenReason = 'connect' | 'renew';

/**
 * Resolves with an access token, or null to go on signed out. For `connect` one that is kept will do, for `renew` only a fresh one. Never
 * asked twice at once. Where it rejects it is asked again later, as after a lost connection.
 */
export type GetToken = (reason: TokenReason) => string | null | Promise<string | null>;

/** What a connection says about its user; empty where there is none. */
export interface Credentials {
  readonly authorization?: string;
}

export interface Tokens {
  /** For a new connection. */
  current(): Promise<Credentials>;
  /** For one whose token ends soon. */
  renewed(): Promise<Credentials>;
  /** They are good no more. Does nothing where others were given since: connections learn of it one after the other. */
  refuse(credentials: Credentials): void;
}

export function createTokens(getToken: GetToken): Tokens {
  let last: Credentials | null = null;
  let isLastRefused = false;
  let question: { readonly reason: TokenReason; readonly answer: Promise<Credentials> } | null = null;

  const ask = async (reason: TokenReason): Promise<Credentials> => {
    try {
      const token = await getToken(reason);
      last = token === null ? {} : { authorization: `Bearer ${token}` };
      if (reason === 'renew') isLastRefused = false;
      return last;
    } finally {
      question = null;
    }
  };
  // One question at a time: a refresh token that is traded twice may end the session.
  const answerTo = async (reason: TokenReason): Promise<Credentials> => {
    if (question?.reason === 'connect' && reason === 'renew') {
      await question.answer.catch(() => null);
      return answerTo(reason);
    }
    question ??= { reason, answer: Promise.resolve().then(() => ask(reason)) };
    return question.answer;
  };
  return {
    current: () => answerTo(isLastRefused ? 'renew' : 'connect'),
    renewed: () => answerTo('renew'),
    refuse({ authorization }) {
      if (authorization === last?.authorization) isLastRefused = true;
    },
  };
}
