/** A lock between processes of one machine. It is released by `release()` or by the death of its holder, kill -9 included. */
export interface FileLock {
  /**
   * Names a child process that works under this lock and leads its own process group. Whoever takes the lock over
   * from a dead holder kills that group first.
   */
  addChild(pid: number): void;
  release(): void;
}

export interface AcquireOptions {
  /** Called once, when the lock is held by someone else; null when that process could not be told. */
  readonly onWait?: (holderPid: number | null) => void;
  /** Gives up waiting: rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Waits until the lock is free. `path` is the prefix of the files that make up the lock; its folder is created. */
export function acquireLock(path: string, options?: AcquireOptions): Promise<FileLock>;

/** One attempt, without waiting. */
export function tryLock(
  path: string,
): { readonly lock: FileLock } | { readonly lock?: undefined; readonly holderPid: number | null };
