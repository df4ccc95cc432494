/** Clients of the media server's signalling, in a process of their own. Ends with its parent. */
import { signMediaGrant } from '#platform/media-grant.ts';
import type { DtlsParameters } from '#schema/rtp.ts';
import { grantFor, SECRET } from '../../media/media-kit.ts';
import { SignallingClient } from '../../media/signalling-client.ts';
import { percentile } from '../table.ts';
import { joinersOrder } from './orders.ts';

const ENTERING_AT_ONCE = 20;
/** Of nobody: a handshake is never begun, for Node has no DTLS. */
const DTLS: DtlsParameters = {
  role: 'client',
  fingerprints: [{ algorithm: 'sha-256', value: Array.from({ length: 32 }, () => 'AB').join(':') }],
};

const clients: SignallingClient[] = [];
let toldBytes = 0;

async function enter(url: string, liveRoomId: string): Promise<void> {
  const client = new SignallingClient(url);
  client.socket.on('message', (data) => (toldBytes += Buffer.byteLength(data.toString())));
  clients.push(client);
  const token = signMediaGrant(grantFor({ liveRoomId, role: 'LISTENER' }), SECRET);
  const { routerRtpCapabilities } = await client.request('authenticate', { token });
  await client.request('join', { rtpCapabilities: routerRtpCapabilities });
}

async function enterAll(urls: readonly string[], liveRoomId: string, count: number): Promise<object> {
  let left = count;
  const enterSome = async () => {
    while (left-- > 0) await enter(urls[left % urls.length] ?? '', liveRoomId);
  };
  await Promise.all(Array.from({ length: ENTERING_AT_ONCE }, enterSome));
  return {};
}

/** What a browser asks for once it is in. Resolves with the time it took, in ms. */
async function receive(client: SignallingClient, producerId: string): Promise<number> {
  const startMs = performance.now();
  const { transportId } = await client.request('createTransport', { direction: 'recv' });
  await client.request('connectTransport', { transportId, dtlsParameters: DTLS });
  const { consumerId } = await client.request('consume', { producerId });
  await client.request('resumeConsumer', { consumerId });
  return performance.now() - startMs;
}

async function receiveAll(producerId: string): Promise<object> {
  const tookMs = await Promise.all(clients.map((client) => receive(client, producerId)));
  return { p50Ms: percentile(tookMs, 0.5), allMs: Math.max(...tookMs) };
}

function takeTold(): object {
  const bytes = toldBytes;
  toldBytes = 0;
  return { bytes };
}

async function obey(message: unknown): Promise<object> {
  const order = joinersOrder.parse(message);
  if (order.kind === 'enter') return enterAll(order.urls, order.liveRoomId, order.count);
  if (order.kind === 'told') return takeTold();
  return receiveAll(order.producerId);
}

process.on('message', async (message) => process.send?.(await obey(message)));
process.on('disconnect', () => process.exit(0));
