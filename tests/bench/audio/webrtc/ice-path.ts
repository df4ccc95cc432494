import { createSocket, type Socket } from 'node:dgram';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { bindingRequest, isSuccess, type IceCredentials } from './stun.ts';

const CHECK_AGAIN_MS = 500;
const CHECKS = 40;
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
  send(packet: Buffer): void;
  close(): void;
}

/** Rejects where the other side does not accept it. */
export async function openPath({ remote, credentials, onDtls, onMedia }: PathOptions): Promise<IcePath> {
  const socket = createSocket('udp4');
  socket.bind(0, remote.address);
  await once(socket, 'listening');
  socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  const ownFragment = randomBytes(4).toString('hex');
  const send = (packet: Buffer) => socket.send(packet, remote.port, remote.address);
  const check = () => bindingRequest(ownFragment, credentials);
  await accepted(socket, check, send).catch((error: unknown) => {
    socket.close();
    throw error;
  });
  socket.on('message', (packet) => {
    const first = packet.readUInt8(0);
    if (isDtls(first)) onDtls(packet);
    else if (!isStun(first)) onMedia(packet);
  });
  const consent = setInterval(() => send(check()), CONSENT_MS);
  const close = () => {
    clearInterval(consent);
    socket.close();
  };
  return { port: socket.address().port, send, close };
}

async function accepted(socket: Socket, check: () => Buffer, send: (packet: Buffer) => void): Promise<void> {
  const request = check();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let left = CHECKS;
  const ask = () => (left-- > 0 ? send(request) : reject(new Error('the worker does not answer ICE checks')));
  const onMessage = (packet: Buffer) => {
    if (isStun(packet.readUInt8(0)) && isSuccess(packet, request)) resolve();
  };
  socket.on('message', onMessage);
  const again = setInterval(ask, CHECK_AGAIN_MS);
  ask();
  await promise.finally(() => {
    clearInterval(again);
    socket.off('message', onMessage);
  });
}
