import { Device, type types } from 'mediasoup-client';
import { rtpCapabilities, rtpParameters as rtpParametersSchema, type RtpCapabilities } from '#schema/rtp.ts';
import type { RequestAnswer, RequestData, RequestMethod, SignallingErrorCode } from '#schema/signalling.ts';
import { PathWatch, type PathSigns } from './path-signs.client.ts';
import { SignallingRefusal, type SignallingSocket } from './signalling.client.ts';

export type OpusSettings = RequestAnswer<'authenticate'>['opus'];

/** Audio of one participant. */
export interface RemoteTrack {
  readonly participantId: string;
  readonly consumerId: string;
  readonly track: MediaStreamTrack;
}

export interface MediaLinkOptions {
  readonly socket: SignallingSocket;
  readonly iceServers: readonly RTCIceServer[];
  readonly opus: OpusSettings;
  readonly onTrack: (track: RemoteTrack) => void;
  /** The track has ended; its owner stopped, left or lost the connection. */
  readonly onTrackEnded: (consumerId: string) => void;
}

type Direction = RequestData<'createTransport'>['direction'];

interface Path {
  readonly transport: types.Transport;
  readonly watch: PathWatch;
}

interface Hearing {
  readonly participantId: string;
  readonly sinceMs: number;
}

/** Paths of the transports; null where there is none yet. */
export interface LinkPaths {
  readonly receive: PathSigns | null;
  readonly send: PathSigns | null;
  /** The browser itself says that one is lost. */
  readonly isDown: boolean;
}

const PASSING: readonly SignallingErrorCode[] = ['NOT_FOUND', 'MEDIA_UNAVAILABLE'];

/** Transports, what is sent and what is received, on one router. When the router is lost, close it and make another. */
export class MediaLink {
  readonly #options: MediaLinkOptions;
  readonly #device: Device;
  #receive: Promise<types.Transport> | null = null;
  #send: types.Transport | null = null;
  readonly #paths = new Map<Direction, Path>();
  #producer: types.Producer | null = null;
  readonly #consumers = new Map<string, types.Consumer>();
  readonly #heard = new Map<string, Hearing>();
  #closed = false;

  private constructor(options: MediaLinkOptions, device: Device) {
    this.#options = options;
    this.#device = device;
  }

  static async create(options: MediaLinkOptions, routerRtpCapabilities: RtpCapabilities): Promise<MediaLink> {
    const device = await Device.factory();
    await device.load({ routerRtpCapabilities });
    return new MediaLink(options, device);
  }

  /** What this browser can receive from that router. */
  get rtpCapabilities(): RtpCapabilities {
    return rtpCapabilities.parse(this.#device.recvRtpCapabilities);
  }

  get producer(): types.Producer | null {
    return this.#producer;
  }

  /** Starts to hear one producer. One that was closed meanwhile is passed over, and one that does not come now: then the server tells of it again. */
  async consume(producerId: string): Promise<void> {
    const { socket, onTrack } = this.#options;
    const transport = await (this.#receive ??= this.#createTransport('recv'));
    try {
      const { consumerId, participantId, rtpParameters } = await socket.request('consume', { producerId });
      const consumer = await transport.consume({ id: consumerId, producerId, kind: 'audio', rtpParameters });
      if (this.#closed) return consumer.close();
      this.#consumers.set(consumerId, consumer);
      onTrack({ participantId, consumerId, track: consumer.track });
      await socket.request('resumeConsumer', { consumerId });
      if (this.#consumers.has(consumerId))
        this.#heard.set(consumerId, { participantId, sinceMs: performance.now() });
    } catch (error) {
      if (!(error instanceof SignallingRefusal) || !PASSING.includes(error.code)) throw error;
    }
  }

  dropConsumer(consumerId: string): void {
    const consumer = this.#consumers.get(consumerId);
    if (!consumer) return;
    consumer.close();
    this.#consumers.delete(consumerId);
    this.#heard.delete(consumerId);
    this.#options.onTrackEnded(consumerId);
  }

  /** Sends the track instead of what was sent before; the track stays the caller's. */
  async send(track: MediaStreamTrack): Promise<void> {
    if (!this.#producer) return this.#produce(track);
    await this.#producer.replaceTrack({ track });
    await this.setPaused(false);
  }

  async #produce(track: MediaStreamTrack): Promise<void> {
    const { stereo, fec, dtx, maxAverageBitrateBps } = this.#options.opus;
    this.#send ??= await this.#createTransport('send');
    this.#producer = await this.#send.produce({
      track,
      stopTracks: false,
      codecOptions: {
        opusStereo: stereo,
        opusFec: fec,
        opusDtx: dtx,
        opusMaxAverageBitrate: maxAverageBitrateBps,
        // Without it a router is sent nothing again: FEC alone mends single packets only.
        opusNack: true,
      },
    });
  }

  /** Pauses at both ends: here nothing is encoded, and the server tells the others. */
  async setPaused(paused: boolean): Promise<void> {
    const producer = this.#producer;
    if (!producer) return;
    await this.#options.socket.request(paused ? 'pauseProducer' : 'resumeProducer', {
      producerId: producer.id,
    });
    if (paused) producer.pause();
    else producer.resume();
  }

  dropProducer(): void {
    this.#producer?.close();
    this.#producer = null;
  }

  /** Whose audio is to come, by participant, and since when, by `performance.now()`. */
  get heardSinceMs(): ReadonlyMap<string, number> {
    return new Map(
      [...this.#heard.values()].map(({ participantId, sinceMs }) => [participantId, sinceMs] as const),
    );
  }

  /** What the counters of the transports say now. Rejects where one is closed meanwhile. */
  async look(): Promise<LinkPaths> {
    const signsOf = async (direction: Direction) => {
      const path = this.#paths.get(direction);
      return path ? path.watch.look(await path.transport.getStats(), performance.now()) : null;
    };
    const [receive, send] = await Promise.all([signsOf('recv'), signsOf('send')]);
    const states = [...this.#paths.values()].map(({ transport }) => transport.connectionState);
    return { receive, send, isDown: states.includes('disconnected') || states.includes('failed') };
  }

  /** New ICE credentials for every transport, after the network changed or a path died. */
  async restartIce(): Promise<void> {
    const open = [...this.#paths.values()].filter(({ transport }) => !transport.closed);
    await Promise.all(open.map(({ transport }) => this.#restartIceOf(transport)));
  }

  async #restartIceOf(transport: types.Transport): Promise<void> {
    const { iceParameters } = await this.#options.socket.request('restartIce', { transportId: transport.id });
    await transport.restartIce({ iceParameters });
  }

  async #createTransport(direction: Direction): Promise<types.Transport> {
    const { socket, iceServers } = this.#options;
    const { transportId: id, ...remote } = await socket.request('createTransport', { direction });
    const options = { id, ...remote, iceServers: [...iceServers] };
    const transport =
      direction === 'send'
        ? this.#device.createSendTransport(options)
        : this.#device.createRecvTransport(options);
    if (this.#closed) transport.close();
    else this.#paths.set(direction, { transport, watch: new PathWatch() });
    this.#bind(transport);
    return transport;
  }

  #bind(transport: types.Transport): void {
    const { socket } = this.#options;
    const transportId = transport.id;
    transport.on('connect', ({ dtlsParameters }, done, failed) => {
      void forward(socket.request('connectTransport', { transportId, dtlsParameters }), done, failed);
    });
    transport.on('produce', ({ rtpParameters }, done, failed) => {
      const sent = socket.request('produce', {
        transportId,
        rtpParameters: rtpParametersSchema.parse(rtpParameters),
      });
      void forward(sent, ({ producerId }) => done({ id: producerId }), failed);
    });
  }

  close(): void {
    this.#closed = true;
    for (const { transport } of this.#paths.values()) transport.close();
    this.#paths.clear();
    for (const consumerId of this.#consumers.keys()) this.dropConsumer(consumerId);
    this.#producer = null;
  }
}

type Answer = RequestAnswer<RequestMethod>;

async function forward<T extends Answer>(
  answer: Promise<T>,
  done: (answer: T) => void,
  failed: (error: Error) => void,
): Promise<void> {
  try {
    done(await answer);
  } catch (error) {
    failed(error instanceof Error ? error : new Error(String(error)));
  }
}
