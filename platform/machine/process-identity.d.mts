/** A process, told apart from a later one that got the same id. `birth` is null when the process was gone already. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly birth: string | null;
}

export function identify(pid: number): ProcessIdentity;

/** Whether exactly this process still runs; a zombie does not. */
export function isAlive(identity: ProcessIdentity): boolean;

/** Kills a process group at once, with -9; a group that is gone already is fine. */
export function killGroup(pid: number): void;
