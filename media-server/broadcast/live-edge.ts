import { CodedError } from '#platform/errors.ts';
import { MAX_BLOCKING_MS } from '../domain/broadcast-window.ts';

interface Awaited extends PromiseWithResolvers<void> {
  readonly timer: NodeJS.Timeout;
}

/** Lets requests wait for parts: one promise and one timer for each part, however many wait for it. */
export class LiveEdge {
  readonly #awaited = new Map<number, Awaited>();
  #next: number;
  #failure: CodedError | null = null;

  /** `next` is the number of the part that comes next. */
  constructor(next: number) {
    this.#next = next;
  }

  /** Resolves once the part is there. Rejects with SERVICE_UNAVAILABLE where it does not come, or not within MAX_BLOCKING_MS of the first who wanted it. */
  async reach(part: number): Promise<void> {
    if (part < this.#next) return;
    if (this.#failure) throw this.#failure;
    await (this.#awaited.get(part) ?? this.#await(part)).promise;
  }

  /** All parts before `next` are there. */
  advance(next: number): void {
    this.#next = next;
    for (const part of this.#awaited.keys()) if (part < next) this.#take(part)?.resolve();
  }

  /** Nothing comes any more. */
  fail(message: string): void {
    this.#failure = unavailable(message);
    for (const part of this.#awaited.keys()) this.#take(part)?.reject(this.#failure);
  }

  #await(part: number): Awaited {
    const late = () => this.#take(part)?.reject(unavailable('The broadcast stands still.'));
    const awaited = {
      ...Promise.withResolvers<void>(),
      timer: setTimeout(late, MAX_BLOCKING_MS),
    };
    this.#awaited.set(part, awaited);
    return awaited;
  }

  #take(part: number): Awaited | null {
    const awaited = this.#awaited.get(part);
    if (!awaited) return null;
    clearTimeout(awaited.timer);
    this.#awaited.delete(part);
    return awaited;
  }
}

const unavailable = (message: string) => new CodedError('SERVICE_UNAVAILABLE', message);
