import { invalid, Refusal } from '#platform/errors.ts';

/** A place in a stream: after event number `seq`. `epoch` names the life of the stream; 0 with seq 0 is "before the first event of any life". */
export interface Cursor {
  readonly epoch: number;
  readonly seq: number;
}

const VERSION = '1';
const DECODED = /^1\.(0|[1-9]\d{0,9})\.(0|[1-9]\d{0,14})$/;

/** The opaque `EventCursor` text that clients keep. */
export function encodeCursor(cursor: Cursor): string {
  return Buffer.from(`${VERSION}.${cursor.epoch}.${cursor.seq}`).toString('base64url');
}

/** Throws a Refusal with rule MALFORMED_CURSOR on argument `after` for any text that `encodeCursor` did not make. */
export function decodeCursor(text: string): Cursor {
  const decoded = Buffer.from(text, 'base64url').toString('latin1');
  const [, epoch, seq] = DECODED.exec(decoded) ?? [];
  if (epoch === undefined || seq === undefined)
    throw new Refusal(invalid('after', 'MALFORMED_CURSOR', 'This cursor did not come from this API.'));
  return { epoch: Number(epoch), seq: Number(seq) };
}
