import type { RequestAnswer } from '#schema/signalling.ts';
import { inTime, openDeadlineMs } from './retry.client.ts';
import { SignallingSocket, type NotificationHandlers } from './signalling.client.ts';

/** What a client needs for one connection; its token is good for a minute. */
export interface LiveGrant {
  readonly mediaUrl: string;
  readonly token: string;
  readonly iceServers: readonly RTCIceServer[];
}

/** Thrown by `getGrant` where another try would fail too, for example because the room has ended. */
export class FinalRefusal extends Error {}

export type Welcome = RequestAnswer<'authenticate'>;

/** A socket that the server has let in. */
export interface Admission {
  readonly socket: SignallingSocket;
  readonly grant: LiveGrant;
  readonly welcome: Welcome;
}

export interface AdmissionOptions {
  readonly getGrant: () => Promise<LiveGrant>;
  readonly handlers: NotificationHandlers;
  readonly onClosed: (socket: SignallingSocket, closeCode: number) => void;
  /** The grant is about to be shown, after which the server closes former connections. */
  readonly onShown: () => void;
  /** For how long there has been no connection; 0 for the first one. */
  readonly lostForMs: number;
  /** The former connection died without a word, and others may have. */
  readonly isSilent: boolean;
  /** Ends it, until the grant is shown. */
  readonly signal: AbortSignal;
}

/** Asks for a grant and shows it. Rejects as `getGrant` does, with SocketClosedError, or because `signal` ended it. */
export async function admit(options: AdmissionOptions): Promise<Admission> {
  const { getGrant, handlers, onClosed, onShown, lostForMs, isSilent, signal } = options;
  const grant = await inTime(getGrant, lostForMs, { repeats: isSilent, signal });
  const socket = new SignallingSocket(grant.mediaUrl, openDeadlineMs(lostForMs, isSilent), handlers, (code) =>
    onClosed(socket, code),
  );
  signal.addEventListener('abort', () => socket.close());
  try {
    await socket.opened;
    onShown();
    const welcome = await socket.request('authenticate', { token: grant.token });
    return { socket, grant, welcome };
  } catch (error) {
    socket.close();
    throw error;
  }
}
