import { Refusal, type UserErrorData } from './errors.ts';

interface UserErrors {
  readonly userErrors: UserErrorData[];
}

/**
 * Runs a mutation and shapes its payload: what `run` returns with no `userErrors`, or a refusal's errors alone
 * (the payload's other fields are nullable and stay null).
 */
export async function toPayload<T extends object>(
  run: () => Promise<T>,
): Promise<(T & UserErrors) | UserErrors> {
  try {
    return { ...(await run()), userErrors: [] };
  } catch (error) {
    if (error instanceof Refusal) return { userErrors: [...error.errors] };
    throw error;
  }
}

/** For mutations that answer with a union: a refusal's first error is the member of the union. */
export async function toResult<T extends object>(run: () => Promise<T>): Promise<T | UserErrorData> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Refusal) return error.errors[0];
    throw error;
  }
}
