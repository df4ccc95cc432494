import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(argon2);

/** OWASP's first choice for argon2id: 19 MiB, two passes, one lane. */
const COST = { memory: 19_456, passes: 2, parallelism: 1 } as const;
const SALT_BYTES = 16;
const TAG_BYTES = 32;
const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

const encode = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');

/** argon2id in PHC string format, so that a stored hash says how it was made. */
export async function hashPassword(password: string): Promise<string> {
  const nonce = randomBytes(SALT_BYTES);
  const tag = await derive('argon2id', { message: password, nonce, tagLength: TAG_BYTES, ...COST });
  return `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$${encode(nonce)}$${encode(tag)}`;
}

/** `stale`: the password is right, but the hash was made with other costs and should be made anew. */
export async function verifyPassword(password: string, hash: string): Promise<'right' | 'stale' | 'wrong'> {
  const [, memory, passes, parallelism, salt, expected] = PHC.exec(hash) ?? [];
  if (!salt || !expected) return 'wrong';
  const cost = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) };
  const tag = Buffer.from(expected, 'base64');
  const nonce = Buffer.from(salt, 'base64');
  const actual = await derive('argon2id', { message: password, nonce, tagLength: tag.length, ...cost });
  if (!timingSafeEqual(actual, tag)) return 'wrong';
  const current =
    cost.memory === COST.memory && cost.passes === COST.passes && cost.parallelism === COST.parallelism;
  return current ? 'right' : 'stale';
}

let decoy: Promise<string> | undefined;

/** Takes as long as a real check, so that the time of an answer does not tell whether an account exists. */
export async function verifyAgainstNothing(password: string): Promise<void> {
  decoy ??= hashPassword(randomBytes(SALT_BYTES).toString('hex'));
  await verifyPassword(password, await decoy);
}
