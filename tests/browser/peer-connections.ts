import type { Page } from 'playwright-core';

/** Looks into the WebRTC connections of a live-room page. */

declare global {
  /** Every connection that the page has made. */
  var peerConnections: RTCPeerConnection[];
  /** Codes of TURN and STUN servers that refused the page. */
  var iceErrors: number[];
}

/** A microphone that no speech processing touches, whatever the page asks for: the tests' tone is none. Call it before the page is opened. */
export async function openRawMicrophone(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = () =>
      open({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
  });
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

/** Has all connections go through TURN servers. Call it before the page is opened, and before `watchPeerConnections`. */
export async function relayOnly(page: Page): Promise<void> {
  await page.addInitScript(() => {
    globalThis.iceErrors = [];
    globalThis.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super({ ...configuration, iceTransportPolicy: 'relay' });
        this.addEventListener('icecandidateerror', ({ errorCode }) => globalThis.iceErrors.push(errorCode));
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

/** What a page has received so far, of the stream that came last. */
export interface Reception {
  readonly packetsReceived: number;
  readonly packetsLost: number;
  readonly nackCount: number;
  readonly totalSamplesReceived: number;
  /** Samples that had to be made up. */
  readonly concealedSamples: number;
}

/** Resolves with the state of the reception once at least so many packets came. */
export const received = (page: Page, packets: number): Promise<Reception> =>
  page.evaluate(async (packets) => {
    for (;;) {
      const reports = await Promise.all(globalThis.peerConnections.map((one) => one.getStats()));
      const streams = reports.flatMap((report) => [...report.values()]);
      const last = streams.findLast(({ type }) => type === 'inbound-rtp');
      if (last?.packetsReceived >= packets) return last;
      await new Promise(requestAnimationFrame);
    }
  }, packets);

/** One end of the pairs of candidates that carry data now. */
const carrying = (page: Page, end: 'localCandidateId' | 'remoteCandidateId'): Promise<Candidate[]> =>
  page.evaluate(async (end) => {
    const open = globalThis.peerConnections.filter(({ connectionState }) => connectionState === 'connected');
    const reports = await Promise.all(open.map((one) => one.getStats()));
    return reports.map((report) => {
      const all = [...report.values()];
      const { selectedCandidatePairId } = all.find(({ type }) => type === 'transport') ?? {};
      return report.get(report.get(selectedCandidatePairId)?.[end]) ?? {};
    });
  }, end);

interface Candidate {
  readonly protocol?: string;
  /** How the TURN server is reached. */
  readonly relayProtocol?: string;
}

/** How ICE goes: protocols of the pairs that carry data now. */
export const carriedBy = async (page: Page): Promise<string[]> =>
  (await carrying(page, 'remoteCandidateId')).map(({ protocol = 'none' }) => protocol);

/** How the TURN servers are reached that carry data now; `none` where there is none in between. */
export const relayedBy = async (page: Page): Promise<string[]> =>
  (await carrying(page, 'localCandidateId')).map(({ relayProtocol = 'none' }) => relayProtocol);

/** Resolves once further checks of ICE were answered over each of the page's connections: browsers check every 2.5 s or so where little else comes. */
export const checked = (page: Page, answers: number): Promise<void> =>
  page.evaluate(async (answers) => {
    const count = async (one: RTCPeerConnection): Promise<number> => {
      const report = await one.getStats();
      const pairs = [...report.values()].filter(({ type }) => type === 'candidate-pair');
      return pairs.reduce((sum, { responsesReceived }) => sum + responsesReceived, 0);
    };
    const watch = async (one: RTCPeerConnection) => {
      const former = await count(one);
      while ((await count(one)) < former + answers) await new Promise((resolve) => setTimeout(resolve, 50));
    };
    const open = globalThis.peerConnections.filter(({ connectionState }) => connectionState === 'connected');
    await Promise.all(open.map(watch));
  }, answers);

/** Resolves once every connection of the page that stands now has noticed that nothing comes any more. */
export const cutOff = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    const noticed = (one: RTCPeerConnection) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (one.connectionState === 'disconnected' || one.connectionState === 'failed') resolve();
        };
        one.addEventListener('connectionstatechange', look);
        look();
      });
    const isOpen = ({ connectionState }: RTCPeerConnection) =>
      connectionState !== 'closed' && connectionState !== 'new';
    await Promise.all(globalThis.peerConnections.filter(isOpen).map(noticed));
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
