import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** Opens a connection and sends what a real client would not. */
export async function openRaw(port: number, bytes = ''): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  // What the server does to the connection is for the test to see, not for the process to fall over.
  socket.on('error', () => undefined);
  if (bytes) socket.write(bytes);
  return socket;
}

/** Sends `bytes` and returns everything that comes back until the server closes. */
export async function rawAnswer(
  port: number,
  bytes: string | Buffer,
  encoding: BufferEncoding = 'utf8',
): Promise<string> {
  const socket = await openRaw(port);
  socket.write(bytes);
  return (await buffer(socket)).toString(encoding);
}

/** What has come back once `marker` is among it. */
export async function readUntil(socket: Socket, marker: string): Promise<string> {
  let seen = '';
  while (!seen.includes(marker)) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    seen += chunk.toString('latin1');
  }
  return seen;
}
