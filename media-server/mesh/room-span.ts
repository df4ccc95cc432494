import type { LiveBus, LiveSubscription } from '#platform/events/ports.ts';
import type { Log } from '#platform/log.ts';
import type { SpeakersReport } from '#schema/media-bus.ts';
import {
  roomMessage,
  roomTopic,
  type LinkAnswer,
  type LinkRequest,
  type RemoteSeat,
  type RoomMessage,
  type ShareMessage,
} from '#schema/media-mesh.ts';
import type { MediaListen } from '../deps.ts';
import type { StreamUse } from '../routing/shared-streams.ts';
import { SignallingError } from '../signalling/signalling-error.ts';
import { ExportLinks, type ExportingRoom } from './export-links.ts';
import { ImportLinks } from './import-links.ts';
import type { AskForStreams } from './link-http.ts';
import { RemoteSeats } from './remote-seats.ts';
import type { HeldPlaces, RoomDirectory } from './room-directory.ts';
import { RoomEntry } from './room-entry.ts';
import { SpeakersElsewhere } from './speakers-elsewhere.ts';
import type { VitalSigns } from './vital-signs.ts';

/** A room's own part of what it shares with the same room on other servers. */
export interface SpanningRoom extends ExportingRoom {
  readonly id: string;
  /** Participants that have joined here. */
  readonly seats: readonly RemoteSeat[];
  /** The same of one participant; null where they are not here. */
  seatOf(participantId: string): RemoteSeat | null;
  /** Places of people here. */
  readonly held: HeldPlaces;
  /** Whoever that is came to another server, left it, or is another there than before. */
  onRemoteChanged(participantId: string): void;
  /** The server of that participant is gone, and said nothing of where they are now. */
  onRemoteLost(seat: RemoteSeat): void;
  /** Another server measures levels from now on, or this one. */
  onWatchMoved(): void;
  onSpeakersElsewhere(report: SpeakersReport): void;
}

export interface RoomSpanOptions {
  readonly serverId: string;
  /** Where other media servers reach this one. */
  readonly url: string;
  readonly directory: RoomDirectory;
  readonly liveBus: LiveBus;
  readonly listen: MediaListen;
  readonly ask: AskForStreams;
  readonly vitalSigns: VitalSigns;
  /** A host that has not renewed its entry for this long is forgotten. */
  readonly ttlMs: number;
  readonly log: Log;
}

/** Who opens a room waits this long for what other servers have to tell of it. */
const INTRODUCTION_DEADLINE_MS = 1_000;

/** What makes one room of those that several servers host under its id: everybody's presence, and the ways of audio between them. */
export class RoomSpan {
  readonly remote = new RemoteSeats();
  readonly entry: RoomEntry;
  readonly #room: SpanningRoom;
  readonly #options: RoomSpanOptions;
  readonly #onClosed: () => void;
  readonly #exports: ExportLinks;
  readonly #imports: ImportLinks;
  readonly #speakers: SpeakersElsewhere;
  readonly #changed = new Set<string>();
  readonly #introduced = Promise.withResolvers<void>();
  #hosts: readonly string[] = [];
  #version = 0;
  #isTelling = false;
  #hearing: LiveSubscription | null = null;
  #closed = false;

  constructor(room: SpanningRoom, options: RoomSpanOptions, onClosed: () => void) {
    this.#room = room;
    this.#options = options;
    this.#onClosed = onClosed;
    this.#exports = new ExportLinks(room, options.listen, options.log);
    const shared = { ...options, liveRoomId: room.id };
    this.entry = new RoomEntry({ ...shared, held: () => room.held });
    this.#speakers = new SpeakersElsewhere(shared, (report) => room.onSpeakersElsewhere(report));
    this.#imports = new ImportLinks({
      ...shared,
      findHome: () => room.audio.home,
      onUnanswered: (serverId) => this.#doubt(serverId),
    });
  }

  get serverId(): string {
    return this.#options.serverId;
  }

  /** Whether levels are measured here: on the server that has hosted the room for longest. */
  get isWatching(): boolean {
    const [first = this.serverId] = this.#hosts;
    return first === this.serverId;
  }

  get links(): { readonly imported: number; readonly exported: number } {
    return { imported: this.#imports.streams, exported: this.#exports.streams };
  }

  /** Resolves once the others are known, or did not answer in time. Never rejects: the room is then alone for a while. */
  async open(): Promise<void> {
    await this.renew();
    if (this.#isAlone) return;
    const timer = setTimeout(() => this.#introduced.resolve(), INTRODUCTION_DEADLINE_MS);
    await this.#introduced.promise;
    clearTimeout(timer);
  }

  /** Says that the room is still here, and looks who else hosts it. To be called again and again. */
  async renew(): Promise<void> {
    const { log } = this.#options;
    try {
      if (!this.#hearing) await this.#hear();
      const hosts = await this.entry.renew();
      if (this.#closed) return this.entry.strike();
      this.#setHosts(hosts);
      for (const host of this.remote.hosts) this.#doubt(host.serverId);
      if (!this.#isAlone) this.#tell({ ...this.#share([], []), base: this.#version });
    } catch (error) {
      log.warn({ err: error }, 'other hosts of the room are not known');
    }
  }

  /** Something about that participant's presence here has changed. */
  touch(participantId: string): void {
    this.#changed.add(participantId);
    const elsewhere = this.remote.find(participantId);
    if (elsewhere) this.#doubt(elsewhere.serverId);
    if (this.#isTelling) return;
    this.#isTelling = true;
    setImmediate(() => this.#tellChanges());
  }

  /** Tells at once what has changed until now. */
  flush(): void {
    if (this.#isTelling) this.#tellChanges();
  }

  /** The room's home is another router now, or there is one again. */
  moveEntry(): void {
    this.touch('');
    this.#imports.restart();
  }

  /** A stream of another server on the room's home. Rejects as ImportLink. */
  async use(serverId: string, producerId: string, participantId: string): Promise<StreamUse> {
    const host = this.remote.host(serverId);
    if (!host || this.#closed) throw new SignallingError('NOT_FOUND', 'Nobody sends this stream any more.');
    return this.#imports.use(host, producerId, participantId);
  }

  setPaused(producerId: string, paused: boolean): void {
    this.#imports
      .setPaused(producerId, paused)
      .catch((error: unknown) => this.#options.log.debug({ err: error }));
  }

  drop(producerId: string): void {
    this.#imports.drop(producerId);
  }

  /** What another server gets of this one. */
  answer(request: LinkRequest): Promise<LinkAnswer | null> {
    return this.#exports.answer(request);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClosed();
    this.#introduced.resolve();
    if (!this.#isAlone) this.#tell({ kind: 'left', serverId: this.serverId });
    this.#imports.closeAll();
    this.#exports.close();
    this.#speakers.follow(false);
    void this.#hearing?.return();
    this.entry.strike();
  }

  get #isAlone(): boolean {
    return this.remote.hosts.length === 0 && this.#hosts.every((host) => host === this.serverId);
  }

  /** A server has ended without a word. */
  bury(goneId: string): void {
    if (!this.#hosts.includes(goneId)) return;
    this.entry.strike(goneId);
    this.#tell({ kind: 'left', serverId: goneId });
    this.#setHosts(this.#hosts.filter((host) => host !== goneId));
  }

  // It may have been killed: people came from there without its having said that they left, or it does not answer.
  #doubt(serverId: string): void {
    const host = this.remote.host(serverId);
    if (host) this.#options.vitalSigns.doubt(serverId, host.url);
  }

  #setHosts(hosts: readonly string[]): void {
    const wasWatching = this.isWatching;
    this.#hosts = hosts;
    for (const { serverId } of this.remote.hosts) if (!hosts.includes(serverId)) this.#forget(serverId);
    const strangers = hosts.filter((host) => host !== this.serverId && !this.remote.host(host));
    if (strangers.length > 0) this.#tell({ kind: 'ask', serverId: this.serverId });
    else this.#introduced.resolve();
    if (wasWatching === this.isWatching) return;
    this.#room.onWatchMoved();
    this.#speakers.follow(!this.isWatching);
  }

  async #hear(): Promise<void> {
    const { liveBus, log } = this.#options;
    const hearing = await liveBus.subscribe(roomTopic(this.#room.id));
    if (this.#closed) return void (await hearing.return());
    this.#hearing = hearing;
    const listen = async () => {
      for await (const message of hearing) {
        const parsed = roomMessage.safeParse(message);
        if (parsed.success && parsed.data.serverId !== this.serverId) this.#receive(parsed.data);
      }
    };
    listen()
      .catch((error: unknown) => log.warn({ err: error }, 'other hosts of the room are not heard'))
      .finally(() => (this.#hearing = null));
  }

  #receive(message: RoomMessage): void {
    if (this.#closed) return;
    if (message.kind === 'ask') return this.#tell(this.#share(this.#room.seats, []));
    if (message.kind === 'left') {
      return this.#setHosts(this.#hosts.filter((host) => host !== message.serverId));
    }
    this.#learn(message);
  }

  #learn(message: ShareMessage): void {
    const { serverId, entry } = message;
    const known = this.remote.host(serverId);
    const changed = this.remote.apply(message);
    if (!changed) return this.#tell({ kind: 'ask', serverId: this.serverId });
    if (known && known.entry !== entry) this.#imports.restart(serverId);
    for (const participantId of changed) this.#room.onRemoteChanged(participantId);
    if (!this.#hosts.includes(serverId)) void this.renew();
    if (this.#hosts.every((host) => host === this.serverId || this.remote.host(host)))
      this.#introduced.resolve();
  }

  #forget(serverId: string): void {
    for (const seat of this.remote.drop(serverId)) this.#room.onRemoteLost(seat);
    this.#imports.close(serverId);
  }

  #tellChanges(): void {
    if (!this.#isTelling) return;
    this.#isTelling = false;
    const ids = [...this.#changed].filter((id) => id !== '');
    this.#changed.clear();
    const base = this.#version++;
    if (this.#isAlone || this.#closed) return;
    const seats = ids.flatMap((id) => this.#room.seatOf(id) ?? []);
    const present = new Set(seats.map(({ info }) => info.participantId));
    this.#tell({
      ...this.#share(
        seats,
        ids.filter((id) => !present.has(id)),
      ),
      base,
    });
  }

  #share(seats: readonly RemoteSeat[], gone: string[]): ShareMessage {
    const { serverId, url } = this.#options;
    const entry = this.#room.audio.home?.router.id ?? null;
    return {
      kind: 'share',
      serverId,
      url,
      entry,
      base: null,
      version: this.#version,
      seats: [...seats],
      gone,
    };
  }

  #tell(message: RoomMessage): void {
    const { liveBus, log } = this.#options;
    liveBus.publish(roomTopic(this.#room.id), message).catch((error: unknown) => {
      log.debug({ err: error }, 'other hosts of the room were not told');
    });
  }
}
