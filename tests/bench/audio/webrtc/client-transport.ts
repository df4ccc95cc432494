import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { RequestAnswer } from '#schema/signalling.ts';
import type { SignallingClient } from '../../../media/signalling-client.ts';
import { createSrtpWriter } from '../srtp.ts';
import type { Identity } from './dtls.ts';
import { openPath, type IcePath } from './ice-path.ts';
import type { IceCredentials } from './stun.ts';

/** What Chromium and the worker agree on as well. */
export const NEGOTIATED = 'AEAD_AES_256_GCM';
/** What the worker has sent to the former address of a client is still taken in for so long, in ms. */
const FORMER_PATH_MS = 1_000;

type Offer = RequestAnswer<'createTransport'>;
export type OnMedia = (packet: Buffer) => void;

/** The client's end of a WebRTC transport: ICE, DTLS and SRTP over a UDP socket. */
export interface ClientTransport {
  readonly transportId: string;
  /** Master key and salt of what comes from the worker, base64. */
  readonly readerKey: string;
  /** Ports of its sockets. */
  readonly ports: readonly number[];
  /** Encrypts a packet of one stream and sends it. */
  send(packet: Buffer, headerBytes: number): void;
  /** Goes on from another address, as after a change of networks. Resolves once the worker has accepted it. */
  restart(credentials: IceCredentials): Promise<void>;
  close(): void;
}

/** Opens a transport through signalling. `onMedia` gets RTP and RTCP, encrypted. */
export async function connectTransport(
  client: SignallingClient,
  direction: 'send' | 'recv',
  identity: Identity,
  onMedia: OnMedia,
): Promise<ClientTransport> {
  const offer = await client.request('createTransport', { direction });
  const { transportId } = offer;
  await client.request('connectTransport', { transportId, dtlsParameters: identity.parameters });
  return openClientTransport(offer, identity, onMedia);
}

async function openClientTransport(
  { transportId, iceParameters, iceCandidates }: Offer,
  identity: Identity,
  onMedia: OnMedia,
): Promise<ClientTransport> {
  const candidate = iceCandidates.find(({ protocol }) => protocol === 'udp');
  const [address, port] = [candidate?.address ?? candidate?.ip, candidate?.port];
  if (address === undefined || port === undefined) throw new Error('the transport has no address');
  let onHandshake: (packet: Buffer) => void = () => undefined;
  const onDtls = (packet: Buffer) => onHandshake(packet);
  const open = (credentials: IceCredentials) =>
    openPath({ remote: { address, port }, credentials, onDtls, onMedia });

  let path: IcePath = await open(iceParameters);
  const former = new Set<IcePath>();
  const send = (packet: Buffer) => path.send(packet);
  const keys = await identity
    .shakeHands({ send, listen: (onPacket) => (onHandshake = onPacket) })
    .catch((error: unknown) => {
      path.close();
      throw error;
    });
  const protect = createSrtpWriter(NEGOTIATED, keys.ours);
  let closed = false;
  const retire = (one: IcePath) => {
    former.delete(one);
    one.close();
  };
  return {
    transportId,
    readerKey: keys.theirs,
    get ports() {
      return [path, ...former].map((one) => one.port);
    },
    send: (packet, headerBytes) => path.send(protect(packet, headerBytes)),
    async restart(credentials) {
      const next = await open(credentials);
      if (closed) return next.close();
      const last = path;
      path = next;
      former.add(last);
      void readOut(last).then(() => former.has(last) && retire(last));
    },
    close() {
      if (closed) return;
      closed = true;
      for (const one of [path, ...former]) retire(one);
    },
  };
}

/** Resolves once nothing more waits in the socket, also where this process had no turn for a while. */
async function readOut(path: IcePath): Promise<void> {
  await delay(FORMER_PATH_MS);
  for (let seen = -1; seen !== path.received; await nextTurn()) seen = path.received;
}
