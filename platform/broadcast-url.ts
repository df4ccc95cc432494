import type { Listener } from '#schema/listening.ts';
import { isSignature, signText } from './signing.ts';

/** Path under which a live room's audio is served to those who only listen; below that of its page, which the gateway hands on. */
export const BROADCAST_PATH = '/live/broadcast/';

const PURPOSE = 'broadcast';
const HOUR_MS = 3_600_000;
const TTL_MS = 6 * HOUR_MS;
const NOBODY = '-';

/**
 * Address of the room's HLS playlist for one listener, `<publicUrl>/live/broadcast/<room>/<expiry>.<user>.<signature>/index.m3u8`; it changes once an
 * hour. It says who listens and not that they may: media servers ask for that.
 */
export function signBroadcastUrl(
  publicUrl: string,
  listener: Listener,
  secret: string,
  nowMs: number = Date.now(),
): string {
  const expiry = String(Math.ceil((nowMs + TTL_MS) / HOUR_MS) * HOUR_MS);
  const { liveRoomId, userId } = listener;
  const token = `${expiry}.${userId ?? NOBODY}.${signText(PURPOSE, textOf(listener, expiry), secret)}`;
  return new URL(`${BROADCAST_PATH}${liveRoomId}/${token}/index.m3u8`, publicUrl).href;
}

/** The listener and the file that a request asks for, or null where the address was forged or its time is over. */
export function verifyBroadcastPath(
  path: string,
  secret: string,
  nowMs: number = Date.now(),
): { readonly listener: Listener; readonly file: string } | null {
  const [liveRoomId = '', token = '', file = '', ...rest] = path.slice(BROADCAST_PATH.length).split('/');
  const [expiry = '', user = '', signature = ''] = token.split('.');
  if (rest.length > 0 || !(Number(expiry) > nowMs)) return null;
  const listener = { liveRoomId, userId: user === NOBODY ? null : user };
  return isSignature(signature, PURPOSE, textOf(listener, expiry), secret) ? { listener, file } : null;
}

const textOf = ({ liveRoomId, userId }: Listener, expiry: string): string =>
  `${liveRoomId}:${userId ?? NOBODY}:${expiry}`;
