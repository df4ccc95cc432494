import { messageOf } from '#platform/errors.ts';
import { signMediaGrant } from '#platform/media-grant.ts';
import { maySpeak, type LiveRole } from '#schema/live-role.ts';
import type { RtpCapabilities } from '#schema/rtp.ts';
import { NOTIFICATIONS, type NotificationData, type NotificationEvent } from '#schema/signalling.ts';
import { grantFor, SECRET } from '../../../media/media-kit.ts';
import { Refused, SignallingClient } from '../../../media/signalling-client.ts';
import { readHeader, streamOf } from '../rtp.ts';
import { connectTransport, type ClientTransport } from '../webrtc/client-transport.ts';
import type { Identity } from '../webrtc/dtls.ts';
import { Ears } from './ears.ts';
import type { Tally } from './tally.ts';
import type { Voice, Voices } from './voices.ts';

export interface Venue {
  /** Of the media server's WebSocket. */
  readonly url: string;
  readonly identity: Identity;
  readonly voices: Voices;
  readonly tally: Tally;
  /** Writes the packets of a new voice. */
  readonly createWriter: (ssrc: number) => (sentAtNs: bigint) => Buffer;
  /** Throws where a payload is of none of those. */
  readonly compare: (payload: Buffer) => void;
}

export interface Seat {
  readonly liveRoomId: string;
  readonly participantId: string;
  readonly role: LiveRole;
  /** Whether it decrypts what it hears, or only counts. */
  readonly decrypts: boolean;
}

interface Mouth {
  readonly transport: ClientTransport;
  readonly producerId: string;
  paused: boolean;
}

let lastSsrc = 100_000;

/** One connection to a live room, as a browser has it: hears everybody who speaks, and speaks if its role allows. */
export class Participant {
  seat: Seat;
  readonly #venue: Venue;
  readonly #client: SignallingClient;
  readonly #ears: Ears;
  /** Participants by what they send. */
  readonly #producers = new Map<string, string>();
  #listening: ClientTransport | null = null;
  #mouth: Mouth | null = null;
  #expectedEnd: string | null = null;
  #ended = false;
  /** One thing after the other, as in a browser. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(venue: Venue, seat: Seat, client: SignallingClient) {
    this.#venue = venue;
    this.seat = seat;
    this.#client = client;
    this.#ears = new Ears({ ...venue, decrypts: seat.decrypts });
    client.socket.on('message', () => this.#readNotifications());
    void client.closed.then(({ reason }) => this.#end(reason));
  }

  /** Authenticates, joins, and hears; speaks where its role allows. Rejects where any of it is refused. */
  static async enter(venue: Venue, seat: Seat): Promise<Participant> {
    const { liveRoomId, participantId, role } = seat;
    const client = new SignallingClient(venue.url);
    const one = new Participant(venue, seat, client);
    const token = signMediaGrant(grantFor({ liveRoomId, participantId, role }), SECRET);
    const { routerRtpCapabilities } = await client.request('authenticate', { token });
    const rtpCapabilities = withoutFeedback(routerRtpCapabilities);
    const { participants } = await client.request('join', { rtpCapabilities });
    for (const other of participants)
      for (const { producerId } of other.producers) one.#producers.set(producerId, other.participantId);
    await one.listen();
    if (maySpeak(role)) await one.speak();
    venue.tally.joins += 1;
    return one;
  }

  get missed(): number {
    return Math.max(0, ...this.#ears.streams.map(({ missed }) => missed));
  }

  /** Of streams that it hears now. */
  get lost(): number {
    return this.#ears.streams.reduce((sum, one) => sum + one.lost, 0);
  }

  /** How many it hears, and how many it should. */
  get hearing(): { readonly streams: number; readonly producers: number } {
    return { streams: this.#ears.streams.length, producers: this.#producers.size };
  }

  get ports(): readonly number[] {
    return this.#transports.flatMap(({ ports }) => ports);
  }

  get #transports(): ClientTransport[] {
    return [this.#listening, this.#mouth?.transport].filter((one) => one !== null && one !== undefined);
  }

  /** Opens a transport to receive, in place of a former one, and asks for everything anew. */
  listen(): Promise<void> {
    return this.#inTurn(async () => {
      this.#listening?.close();
      this.#ears.clear();
      this.#listening = await this.#connect('recv');
      this.#ears.use(this.#listening);
      for (const producerId of [...this.#producers.keys()]) await this.#hear(producerId);
    });
  }

  speak(): Promise<void> {
    return this.#inTurn(async () => {
      const transport = await this.#connect('send');
      const ssrc = (lastSsrc += 1);
      const { transportId } = transport;
      const { producerId } = await this.#client.request('produce', {
        transportId,
        rtpParameters: streamOf(ssrc),
      });
      const mouth = { transport, producerId, paused: false };
      this.#mouth = mouth;
      this.#venue.voices.add(producerId, createVoice(mouth, this.#venue.createWriter(ssrc)));
    });
  }

  /** Its role has changed. */
  async take(role: LiveRole): Promise<void> {
    this.seat = { ...this.seat, role };
    if (maySpeak(role)) await this.speak();
    else this.#fallSilent();
  }

  /** Until `resume`, of one's own will. */
  async pause(): Promise<void> {
    const mouth = this.#requireMouth();
    mouth.paused = true;
    await this.#client.request('pauseProducer', mouth);
  }

  async resume(): Promise<void> {
    const mouth = this.#requireMouth();
    await this.#client.request('resumeProducer', mouth);
    mouth.paused = false;
  }

  /** Every transport goes on from another address. */
  restartIce(): Promise<void> {
    return this.#inTurn(async () => {
      for (const transport of this.#transports) {
        const { transportId } = transport;
        const { iceParameters } = await this.#client.request('restartIce', { transportId });
        await transport.restart(iceParameters);
        this.#venue.tally.iceRestarts += 1;
      }
    });
  }

  notified<E extends NotificationEvent>(event: E, matches: (data: NotificationData<E>) => boolean) {
    return this.#client.notified(event, matches);
  }

  async leave(): Promise<void> {
    const ended = this.expectEnd('LEFT');
    await this.#client.request('leave', {});
    await ended;
  }

  /** As when the network is gone. */
  async drop(): Promise<void> {
    const ended = this.expectEnd('');
    this.#client.socket.terminate();
    await ended;
  }

  /** Resolves once the server has closed the connection; any other reason than this is a fault. */
  async expectEnd(reason: string): Promise<void> {
    this.#expectedEnd = reason;
    await this.#client.closed;
  }

  async #connect(direction: 'send' | 'recv'): Promise<ClientTransport> {
    const { identity } = this.#venue;
    const transport = await connectTransport(this.#client, direction, identity, this.#ears.receive);
    if (this.#ended) transport.close();
    return transport;
  }

  async #hear(producerId: string): Promise<void> {
    if (!this.#listening || !this.#producers.has(producerId)) return;
    try {
      const { consumerId, rtpParameters } = await this.#client.request('consume', { producerId });
      const ssrc = rtpParameters.encodings?.[0]?.ssrc;
      if (ssrc === undefined) throw new Error('a consumer has no SSRC');
      this.#ears.add(producerId, ssrc, () => this.#venue.voices.said(producerId));
      await this.#client.request('resumeConsumer', { consumerId });
    } catch (error) {
      this.#ears.remove(producerId);
      // It has ended meanwhile, and we are about to be told.
      if (!(error instanceof Refused && error.code === 'NOT_FOUND')) throw error;
    }
  }

  #readNotifications(): void {
    for (const { event, data } of this.#client.notifications.all.splice(0)) this.#notice(event, data);
  }

  #notice(event: string, data: unknown): void {
    if (event === 'producerOpened') {
      const { producerId, participantId } = NOTIFICATIONS.producerOpened.parse(data);
      this.#producers.set(producerId, participantId);
      // Who is not here any more needs nothing of what it asked for.
      void this.#inTurn(() => this.#hear(producerId)).catch((error: unknown) => this.#fail(error));
    } else if (event === 'producerClosed') this.#forget(NOTIFICATIONS.producerClosed.parse(data).producerId);
    else if (event === 'producerPaused') {
      const { producerId } = NOTIFICATIONS.producerPaused.parse(data);
      if (this.#mouth?.producerId === producerId) this.#mouth.paused = true;
    } else if (event === 'peerLeft') {
      const { participantId } = NOTIFICATIONS.peerLeft.parse(data);
      for (const [producerId, sender] of this.#producers)
        if (sender === participantId) this.#forget(producerId);
    } else if (event === 'rejoin') this.#fail(new Error('a worker has died'));
  }

  #forget(producerId: string): void {
    this.#producers.delete(producerId);
    this.#ears.remove(producerId);
    if (this.#mouth?.producerId === producerId) this.#fallSilent();
  }

  #fallSilent(): void {
    if (!this.#mouth) return;
    this.#venue.voices.remove(this.#mouth.producerId);
    this.#mouth.transport.close();
    this.#mouth = null;
  }

  #end(reason: string): void {
    this.#ended = true;
    this.#fallSilent();
    this.#listening?.close();
    this.#ears.clear();
    if (reason !== this.#expectedEnd) this.#venue.tally.faults.push(`a connection was closed: ${reason}`);
  }

  #fail(error: unknown): void {
    if (!this.#ended) this.#venue.tally.faults.push(messageOf(error));
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const done = this.#last.then(action);
    this.#last = done.catch(() => undefined);
    return done;
  }

  #requireMouth(): Mouth {
    if (!this.#mouth) throw new Error('a speaker is silent');
    return this.#mouth;
  }
}

function createVoice(mouth: Mouth, next: (sentAtNs: bigint) => Buffer): Voice {
  let said = 0;
  return {
    get said() {
      return said;
    },
    say() {
      if (mouth.paused) return;
      const packet = next(process.hrtime.bigint());
      mouth.transport.send(packet, readHeader(packet)?.bytes ?? 0);
      said += 1;
    },
  };
}

/** A device that gives no feedback for congestion control, which audio of this rate does not need. */
const withoutFeedback = ({ codecs, ...rest }: RtpCapabilities): RtpCapabilities => ({
  ...rest,
  codecs: codecs?.map((codec) => ({ ...codec, rtcpFeedback: [] })),
});
