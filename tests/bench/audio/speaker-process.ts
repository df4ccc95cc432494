/** The speaker, in a process of its own, so that nothing else delays it. Ends with its parent. */
import { createSocket } from 'node:dgram';
import { setTimeout as delay } from 'node:timers/promises';
import { speakerOrder } from './orders.ts';
import { createPacketWriter, PACKET_MS } from './rtp.ts';

const socket = createSocket('udp4');
const streams = new Map<number, ReturnType<typeof createPacketWriter>>();
let stopping = new AbortController();

/** One packet every 20 ms; one that is late is followed by the next at its own time. */
async function speak(port: number, ssrc: number, packets: number): Promise<object> {
  const next = streams.get(ssrc) ?? createPacketWriter(ssrc);
  streams.set(ssrc, next);
  stopping = new AbortController();
  const { signal } = stopping;
  const startMs = performance.now();
  let latestMs = 0;
  let sent = 0;
  for (; sent < packets && !signal.aborted; sent += 1) {
    const dueMs = startMs + sent * PACKET_MS;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await delay(waitMs);
    latestMs = Math.max(latestMs, performance.now() - dueMs);
    const packet = next(process.hrtime.bigint());
    await new Promise<void>((resolve, reject) =>
      socket.send(packet, port, '127.0.0.1', (error) => (error ? reject(error) : resolve())),
    );
  }
  return { sent, latestMs };
}

process.on('message', async (message) => {
  const order = speakerOrder.parse(message);
  if (order.kind === 'stop') stopping.abort();
  else process.send?.(await speak(order.port, order.ssrc, order.packets));
});
process.on('disconnect', () => process.exit(0));
