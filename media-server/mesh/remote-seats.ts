import type { RemoteSeat, ShareMessage } from '#schema/media-mesh.ts';

/** A server that hosts the room too, as far as it has told of itself. */
export interface RemoteHost {
  readonly serverId: string;
  readonly url: string;
  readonly entry: string | null;
  readonly version: number;
  readonly seats: Map<string, RemoteSeat>;
}

/** A participant of another server. */
export interface LocatedSeat extends RemoteSeat {
  readonly serverId: string;
}

/** Whether a connection counts more than another one of the same participant: the later grant, and one of both where they used the same. */
export const outranks = (
  one: Pick<LocatedSeat, 'grantExpiresAtMs' | 'serverId'>,
  other: Pick<LocatedSeat, 'grantExpiresAtMs' | 'serverId'>,
): boolean =>
  one.grantExpiresAtMs === other.grantExpiresAtMs
    ? one.serverId > other.serverId
    : one.grantExpiresAtMs > other.grantExpiresAtMs;

/** Who is connected to the other servers of a room. */
export class RemoteSeats {
  readonly #hosts = new Map<string, RemoteHost>();

  get hosts(): readonly RemoteHost[] {
    return [...this.#hosts.values()];
  }

  host(serverId: string): RemoteHost | null {
    return this.#hosts.get(serverId) ?? null;
  }

  /** The connection that counts of somebody who has one to another server. */
  find(participantId: string): LocatedSeat | null {
    let best: LocatedSeat | null = null;
    for (const { serverId, seats } of this.#hosts.values()) {
      const seat = seats.get(participantId);
      const located = seat && { ...seat, serverId };
      if (located && (!best || outranks(located, best))) best = located;
    }
    return best;
  }

  /** Takes note of what a server tells; the participants that it is about, or null where something before it is missing. */
  apply(message: ShareMessage): readonly string[] | null {
    const { serverId, url, entry, base, version, seats, gone } = message;
    const known = this.#hosts.get(serverId);
    if (base !== null && known?.version !== base) return null;
    const current = (base === null ? null : known?.seats) ?? new Map<string, RemoteSeat>();
    for (const seat of seats) current.set(seat.info.participantId, seat);
    for (const participantId of gone) current.delete(participantId);
    this.#hosts.set(serverId, { serverId, url, entry, version, seats: current });
    const former = base === null ? [...(known?.seats.keys() ?? [])] : [];
    return [...new Set([...former, ...seats.map(({ info }) => info.participantId), ...gone])];
  }

  /** Forgets a server; the participants that were connected to it. */
  drop(serverId: string): readonly RemoteSeat[] {
    const seats = this.#hosts.get(serverId)?.seats;
    this.#hosts.delete(serverId);
    return [...(seats?.values() ?? [])];
  }
}
