import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What a process has open. Linux only. */
export interface OpenFiles {
  /** File descriptors, sockets included. */
  readonly files: number;
  readonly udp: number;
  readonly tcp: number;
  /** Packets that came to its UDP sockets and found no space. */
  readonly dropped: number;
}

const INODE_COLUMN = 9;
const TABLES = { udp: ['udp', 'udp6'], tcp: ['tcp', 'tcp6'] } as const;

export function openFilesOf(pid: number): OpenFiles {
  const links = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return []; // It was closed between the two calls.
    }
  });
  const own = new Set(links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]));
  // The tables are those of the network that the process is in, with everybody's sockets.
  const rows = (kind: keyof typeof TABLES) =>
    TABLES[kind]
      .flatMap((table) => readFileSync(`/proc/${pid}/net/${table}`, 'utf8').trim().split('\n').slice(1))
      .map((row) => row.trim().split(/\s+/))
      .filter((columns) => own.has(columns[INODE_COLUMN]));
  const udp = rows('udp');
  const dropped = udp.reduce((sum, columns) => sum + Number(columns.at(-1)), 0);
  return { files: links.length, udp: udp.length, tcp: rows('tcp').length, dropped };
}
