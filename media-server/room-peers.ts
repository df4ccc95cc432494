import type { ParticipantConnection } from '#schema/connection-quality.ts';
import type { SpeakersReport } from '#schema/media-bus.ts';
import type { NotificationData, NotificationEvent } from '#schema/signalling.ts';
import type { Peer } from './peer.ts';

/** The peers of a room on this server, by participant, and what all of them are told. */
export class RoomPeers {
  readonly #peers = new Map<string, Peer>();

  get size(): number {
    return this.#peers.size;
  }

  get all(): readonly Peer[] {
    return [...this.#peers.values()];
  }

  get joined(): readonly Peer[] {
    return this.all.filter(({ joined }) => joined);
  }

  find(participantId: string): Peer | null {
    return this.#peers.get(participantId) ?? null;
  }

  /** Only where it has joined. */
  findJoined(participantId: string): Peer | null {
    const peer = this.find(participantId);
    return peer?.joined ? peer : null;
  }

  set(peer: Peer): void {
    this.#peers.set(peer.participantId, peer);
  }

  /** Whether it was there; one that was replaced is not. */
  remove(peer: Peer): boolean {
    return this.find(peer.participantId) === peer && this.#peers.delete(peer.participantId);
  }

  /** How well they are connected, where it was measured. */
  get connections(): ParticipantConnection[] {
    return this.joined.flatMap(({ measured }) => (measured ? [measured] : []));
  }

  /** Whether its quality is another one, which it is told itself. */
  setConnection(peer: Peer, measured: ParticipantConnection): boolean {
    const { participantId, quality } = measured;
    const isOther = peer.measured?.quality !== quality;
    peer.measured = measured;
    if (isOther) peer.connection.notify('connectionChanged', { participantId, quality });
    return isOther;
  }

  tellBut<E extends NotificationEvent>(participantId: string, event: E, data: NotificationData<E>): void {
    const frame = frameOf(event, data);
    for (const peer of this.joined) if (peer.participantId !== participantId) peer.connection.forward(frame);
  }

  tellAll<E extends NotificationEvent>(event: E, data: NotificationData<E>): void {
    const frame = frameOf(event, data);
    for (const { connection } of this.joined) connection.forward(frame);
  }

  hintLevels(levels: SpeakersReport['levels']): void {
    const frame = frameOf('audioLevels', { levels });
    for (const { connection } of this.joined) connection.hint(frame);
  }
}

/** Written once, however many are told. */
const frameOf = <E extends NotificationEvent>(event: E, data: NotificationData<E>): string =>
  JSON.stringify({ event, data });
