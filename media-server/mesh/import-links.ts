import type { StreamUse } from '../routing/shared-streams.ts';
import { ImportLink, type ImportLinkOptions } from './import-link.ts';
import type { RemoteHost } from './remote-seats.ts';

export interface ImportLinksOptions extends Omit<ImportLinkOptions, 'url' | 'onUnanswered'> {
  /** The server of that id did not answer. */
  readonly onUnanswered: (serverId: string) => void;
}

/** The ways on which a room's audio comes in from other servers: one for each that something was heard of. */
export class ImportLinks {
  readonly #options: ImportLinksOptions;
  readonly #links = new Map<string, ImportLink>();

  constructor(options: ImportLinksOptions) {
    this.#options = options;
  }

  /** Streams that come in now. */
  get streams(): number {
    return [...this.#links.values()].reduce((sum, { streams }) => sum + streams, 0);
  }

  /** Rejects as ImportLink. */
  use({ serverId, url }: RemoteHost, producerId: string, participantId: string): Promise<StreamUse> {
    const onUnanswered = () => this.#options.onUnanswered(serverId);
    const link = this.#links.get(serverId) ?? new ImportLink({ ...this.#options, url, onUnanswered });
    this.#links.set(serverId, link);
    return link.use(producerId, participantId);
  }

  /** Rejects where a worker is gone. */
  async setPaused(producerId: string, paused: boolean): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link.setPaused(producerId, paused)));
  }

  drop(producerId: string): void {
    for (const link of this.#links.values()) link.drop(producerId);
  }

  /** What comes from that server, or from all, has to be had anew. */
  restart(serverId?: string): void {
    for (const [id, link] of this.#links) if (serverId === undefined || serverId === id) link.restart();
  }

  close(serverId: string): void {
    this.#links.get(serverId)?.close();
    this.#links.delete(serverId);
  }

  closeAll(): void {
    for (const serverId of [...this.#links.keys()]) this.close(serverId);
  }
}
