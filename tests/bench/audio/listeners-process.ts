/** Sockets of the listeners, in a process of its own: tells their ports, then what arrived at them. Ends with its parent. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { Listener, Listeners } from './listener.ts';
import { listenersOrder } from './orders.ts';
import { createSrtpReader } from './srtp.ts';

/** As much as Linux allows by default: a turn of this process that comes late must not lose what the worker has sent. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 ** 2;

const listeners = new Listeners();

async function open(count: number): Promise<number[]> {
  const sockets = Array.from({ length: count }, () => createSocket('udp4'));
  for (const socket of sockets) {
    socket.on('message', (packet) => listeners.receive(packet, process.hrtime.bigint()));
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  }
  return sockets.map((socket) => socket.address().port);
}

async function obey(message: unknown): Promise<object> {
  const order = listenersOrder.parse(message);
  if (order.kind === 'open') return { ports: await open(order.sockets) };
  if (order.kind === 'report') return listeners.report();
  if (order.kind === 'reset') listeners.reset();
  else
    for (const { ssrc, key } of order.listeners)
      listeners.add(ssrc, new Listener(key && createSrtpReader(key.suite, key.keyBase64)));
  return {};
}

process.on('message', async (message) => process.send?.(await obey(message)));
process.on('disconnect', () => process.exit(0));
