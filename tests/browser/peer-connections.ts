import type { Page } from 'playwright-core';

/** Looks into the WebRTC connections of a live-room page. */

declare global {
  /** Every connection that the page has made. */
  var peerConnections: RTCPeerConnection[];
}

/** Call it before the page is opened. */
export async function watchPeerConnections(page: Page): Promise<void> {
  await page.addInitScript(() => {
    globalThis.peerConnections = [];
    globalThis.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        globalThis.peerConnections.push(this);
      }
    };
  });
}

export type Way = 'send' | 'receive';

export interface NegotiatedOpus {
  /** Format parameters that the encoder or decoder goes by. */
  readonly fmtp: Readonly<Record<string, string>>;
  readonly nack: boolean;
}

/**
 * What the server asked the page for, and for a decoder what the page goes by itself. Chromium never lists `nack` for Opus, and sends it where the
 * server's description has it.
 */
export async function negotiatedOpus(page: Page, way: Way): Promise<NegotiatedOpus> {
  const { local, remote } = await page.evaluate((way) => {
    const direction = way === 'send' ? 'sendonly' : 'recvonly';
    const connection = globalThis.peerConnections.findLast((one) =>
      one.getTransceivers().some(({ currentDirection }) => currentDirection === direction),
    );
    const { localDescription, remoteDescription } = connection ?? {};
    return { local: localDescription?.sdp ?? '', remote: remoteDescription?.sdp ?? '' };
  }, way);
  const payloadType = /^a=rtpmap:(\d+) opus\/48000\/2/m.exec(remote)?.[1];
  const fmtp =
    new RegExp(`^a=fmtp:${payloadType} (.*)$`, 'm').exec(way === 'send' ? remote : local)?.[1] ?? '';
  return {
    fmtp: Object.fromEntries(fmtp.split(';').map((pair) => pair.split('='))),
    nack: new RegExp(`^a=rtcp-fb:${payloadType} nack\\s*$`, 'm').test(remote),
  };
}

/** Resolves once a stream is received. */
export async function receiving(page: Page): Promise<void> {
  await page.waitForFunction(() =>
    globalThis.peerConnections.some(
      (one) =>
        one.signalingState === 'stable' &&
        one.getTransceivers().some(({ currentDirection }) => currentDirection === 'recvonly'),
    ),
  );
}

/** Settings of the microphone that is sent. */
export const microphoneSettings = (page: Page): Promise<MediaTrackSettings> =>
  page.evaluate(() => {
    const senders = globalThis.peerConnections.flatMap((one) => one.getSenders());
    return senders.findLast(({ track }) => track !== null)?.track?.getSettings() ?? {};
  });

/** Root mean squares of the received audio's channels, first and second, once anything is heard. */
export const channelLevels = (page: Page): Promise<[number, number]> =>
  page.evaluate(async () => {
    const receivers = globalThis.peerConnections.flatMap((one) => one.getReceivers());
    const track = receivers.findLast((one) => one.track.readyState === 'live')?.track;
    if (!track) throw new Error('nothing is received');
    const context = new AudioContext();
    const splitter = context.createChannelSplitter(2);
    context.createMediaStreamSource(new MediaStream([track])).connect(splitter);
    const levelOf = (channel: number) => {
      const analyser = context.createAnalyser();
      splitter.connect(analyser, channel);
      const samples = new Float32Array(analyser.fftSize);
      return () => {
        analyser.getFloatTimeDomainData(samples);
        return Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length);
      };
    };
    const [left, right] = [levelOf(0), levelOf(1)];
    while (Math.max(left(), right()) < 0.02) await new Promise(requestAnimationFrame);
    const levels: [number, number] = [left(), right()];
    await context.close();
    return levels;
  });

/** Bits per second that a page sends as audio, measured over a second. */
export const sentBitrateBps = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    const sent = async () => {
      const reports = await Promise.all(globalThis.peerConnections.map((one) => one.getStats()));
      const all = reports.flatMap((report) => [...report.values()]);
      return all.findLast(({ type }) => type === 'outbound-rtp') ?? { bytesSent: 0, timestamp: 0 };
    };
    const first = await sent();
    let last = first;
    while (last.timestamp - first.timestamp < 1_000) {
      await new Promise(requestAnimationFrame);
      last = await sent();
    }
    return ((last.bytesSent - first.bytesSent) * 8_000) / (last.timestamp - first.timestamp);
  });
