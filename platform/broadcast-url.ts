import { isSignature, signText } from './signing.ts';

/** Path under which a live room's audio is served to those who only listen; below that of its page, which the gateway hands on. */
export const BROADCAST_PATH = '/live/broadcast/';

const PURPOSE = 'broadcast';
const HOUR_MS = 3_600_000;
const TTL_MS = 6 * HOUR_MS;

/** Address of the room's HLS playlist, `<publicUrl>/live/broadcast/<id>/<expiry>.<signature>/index.m3u8`; it changes once an hour. */
export function signBroadcastUrl(
  publicUrl: string,
  liveRoomId: string,
  secret: string,
  nowMs: number = Date.now(),
): string {
  const expiresAtMs = Math.ceil((nowMs + TTL_MS) / HOUR_MS) * HOUR_MS;
  const signature = signText(PURPOSE, `${liveRoomId}:${expiresAtMs}`, secret);
  return new URL(`${BROADCAST_PATH}${liveRoomId}/${expiresAtMs}.${signature}/index.m3u8`, publicUrl).href;
}

/** The room and the file that a request may read, or null where the address was forged or its time is over. */
export function verifyBroadcastPath(
  path: string,
  secret: string,
  nowMs: number = Date.now(),
): { readonly liveRoomId: string; readonly file: string } | null {
  const [liveRoomId = '', token = '', file = '', ...rest] = path.slice(BROADCAST_PATH.length).split('/');
  const [expiry = '', signature = ''] = token.split('.');
  if (rest.length > 0 || !(Number(expiry) > nowMs)) return null;
  return isSignature(signature, PURPOSE, `${liveRoomId}:${expiry}`, secret) ? { liveRoomId, file } : null;
}
