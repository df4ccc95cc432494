import type { Readable } from 'node:stream';

export interface WriteOptions {
  readonly contentType: string;
  /** Gives the writing up. */
  readonly signal?: AbortSignal;
}

/** Where the bytes of a FileStore are kept. Keys have been checked. */
export interface FileStorage {
  /** Stores the content whole or not at all, and rejects where it breaks off. Never writes over what is there. */
  write(key: string, content: Readable, options: WriteOptions): Promise<void>;
  read(key: string): Promise<Readable>;
  /** With what a process has left of it that was killed while it wrote. */
  delete(key: string, signal?: AbortSignal): Promise<void>;
  urlOf(key: string, ttlMs: number): Promise<string>;
}
