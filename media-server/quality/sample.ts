import type { types } from 'mediasoup';
import type { ConnectionSample, StreamCount } from '../domain/connection-quality.ts';

/** What goes over one participant's connection. */
export interface PeerMedia {
  readonly transports: readonly types.WebRtcTransport[];
  readonly producers: readonly types.Producer[];
  readonly consumers: readonly types.Consumer[];
}

/**
 * Asks the worker four times at most, however many streams there are: all of a participant's streams in one direction share its network. Rejects
 * where something is closed meanwhile.
 */
export async function sampleConnection(
  { transports, producers, consumers }: PeerMedia,
  nowMs: () => number,
): Promise<ConnectionSample> {
  const producer = producers.find(({ paused }) => !paused);
  const consumer = consumers.find((one) => !one.paused && !one.producerPaused);
  const [stats, fromIt, toIt] = await Promise.all([
    Promise.all(transports.map((one) => one.getStats())),
    producer?.getStats() ?? [],
    consumer?.getStats() ?? [],
  ]);
  // A consumer tells of its producer too.
  const outbound = toIt.filter(({ type }) => type === 'outbound-rtp');
  return {
    atMs: nowMs(),
    isUp: transports.some((one) => isConnected(one.iceState) && one.dtlsState === 'connected'),
    bytesReceived: stats.flat().reduce((sum, one) => sum + one.bytesReceived, 0),
    streams: [...fromIt, ...outbound].map(countOf),
  };
}

/** Ticks of Opus' RTP clock. */
const TICKS_PER_MS = 48;

const countOf = (stat: types.ProducerStat | types.ConsumerStat): StreamCount => ({
  streamId: `${stat.type} ${stat.ssrc}`,
  packets: stat.packetCount,
  lost: stat.packetsLost,
  jitterMs: stat.jitter / TICKS_PER_MS,
  // Zero stands for what was not measured yet.
  roundTripMs: stat.roundTripTime || null,
});

const isConnected = (state: types.IceState) => state === 'connected' || state === 'completed';
