import { createSocket, type Socket } from 'node:dgram';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { answerTo, bindingRequest, type IceCredentials } from './stun.ts';

const CHECK_AGAIN_MS = 500;
/** From one port; then another one is taken. */
const CHECKS = 6;
const PORTS = 5;
/** Consent to send (RFC 7675) is asked for this often; the worker withdraws it after 30 s without. */
const CONSENT_MS = 5_000;
/** As much as Linux allows by default: a turn of this process that comes late must not lose what the worker has sent. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 ** 2;

/** RFC 7983: the first byte tells what a packet is. */
const isStun = (first: number) => first < 4;
const isDtls = (first: number) => first >= 20 && first < 64;

export interface PathOptions {
  readonly remote: { readonly address: string; readonly port: number };
  readonly credentials: IceCredentials;
  readonly onDtls: (packet: Buffer) => void;
  readonly onMedia: (packet: Buffer) => void;
}

/** A UDP socket that the other side has accepted for an ICE session. */
export interface IcePath {
  readonly port: number;
  /** Packets so far. */
  readonly received: number;
  send(packet: Buffer): void;
  close(): void;
}

/**
 * Rejects where the other side accepts no port of ours. One it may well refuse: an address that a transport has once come from stays this transport's
 * to the worker (the last eight do, for as long as it lives), and Linux gives the port of a closed socket to the next one.
 */
export async function openPath({ remote, credentials, onDtls, onMedia }: PathOptions): Promise<IcePath> {
  const ownFragment = randomBytes(4).toString('hex');
  const check = () => bindingRequest(ownFragment, credentials);
  const socket = await acceptedSocket(remote, check);
  let received = 0;
  socket.on('message', (packet) => {
    received += 1;
    const first = packet.readUInt8(0);
    if (isDtls(first)) onDtls(packet);
    else if (!isStun(first)) onMedia(packet);
  });
  const send = (packet: Buffer) => socket.send(packet, remote.port, remote.address);
  const consent = setInterval(() => send(check()), CONSENT_MS);
  const close = () => {
    clearInterval(consent);
    socket.close();
  };
  return {
    port: socket.address().port,
    get received() {
      return received;
    },
    send,
    close,
  };
}

async function acceptedSocket(
  { address, port }: PathOptions['remote'],
  check: () => Buffer,
): Promise<Socket> {
  for (let tried = 0; tried < PORTS; tried += 1) {
    const socket = createSocket('udp4');
    socket.bind(0, address);
    await once(socket, 'listening');
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    if (await isAccepted(socket, check(), (packet) => socket.send(packet, port, address))) return socket;
    socket.close();
  }
  throw new Error('the worker does not answer ICE checks');
}

async function isAccepted(socket: Socket, request: Buffer, send: (packet: Buffer) => void): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let left = CHECKS;
  const ask = () => (left-- > 0 ? send(request) : resolve(false));
  const onMessage = (packet: Buffer) => {
    const answer = isStun(packet.readUInt8(0)) ? answerTo(request, packet) : null;
    if (answer) resolve(answer === 'accepted');
  };
  socket.on('message', onMessage);
  const again = setInterval(ask, CHECK_AGAIN_MS);
  ask();
  return promise.finally(() => {
    clearInterval(again);
    socket.off('message', onMessage);
  });
}
