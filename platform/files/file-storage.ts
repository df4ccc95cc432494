import type { Readable } from 'node:stream';

/** Where the bytes of a FileStore are kept. Keys have been checked. */
export interface FileStorage {
  /** Stores the content whole or not at all, and rejects where it breaks off. Never writes over what is there. */
  write(key: string, content: Readable, contentType: string): Promise<void>;
  read(key: string): Promise<Readable>;
  delete(key: string): Promise<void>;
  urlOf(key: string, ttlMs: number): Promise<string>;
}
