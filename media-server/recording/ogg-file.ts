import { open, type FileHandle } from 'node:fs/promises';
import { randomInt } from 'node:crypto';
import { dirname } from 'node:path';
import {
  extend,
  fitsPage,
  NOTHING,
  oggHeaders,
  oggPage,
  segmentsOf,
  type OggExtent,
} from '../domain/ogg-opus.ts';
import { opusSamples, SILENT_FRAME } from '../domain/opus-packet.ts';
import { syncFolder } from './sync-folder.ts';

/** An Ogg file of Opus packets. It is good to play at any time, up to the last call of `write` that was carried out. */
export interface OggFile {
  /** Appends whole pages with these packets. Calls must not overlap. */
  write(packets: readonly Buffer[]): Promise<void>;
  /** Resolves once what was written outlives a loss of power. May be called while a `write` is carried out, but not behind `end`. */
  sync(): Promise<void>;
  /** Ends the stream and closes the file. */
  end(): Promise<void>;
  /** Closes it as it is. */
  abandon(): Promise<void>;
}

/** What a file holds after it was mended. */
export interface MendedFile {
  readonly samples: number;
  readonly bytes: number;
}

const MAX_SERIAL = 2 ** 32;
const READ_BYTES = 1024 * 1024;

export async function createOggFile(path: string): Promise<OggFile> {
  const file = await open(path, 'wx');
  const serial = randomInt(MAX_SERIAL);
  let sequence = 2;
  let granule = 0;
  const abandon = () => file.close();
  let unsynced = false;
  try {
    await file.appendFile(oggHeaders(serial));
    await file.sync();
    await syncFolder(dirname(path));
  } catch (error) {
    await abandon();
    throw error;
  }

  const page = (packets: readonly Buffer[]): Buffer => {
    for (const packet of packets) granule += opusSamples(packet);
    return oggPage({ serial, sequence: sequence++, granule, packets });
  };
  return {
    write: async (packets) => {
      if (packets.length === 0) return;
      await file.appendFile(Buffer.concat(pagesOf(packets).map(page)));
      unsynced = true;
    },
    async sync() {
      if (!unsynced) return;
      unsynced = false;
      await file.datasync();
    },
    async end() {
      await file.appendFile(lastPage({ serial, pages: sequence, granule }));
      await file.sync();
      await file.close();
    },
    abandon,
  };
}

// Its packet only carries the flag: that the stream ends where it begins, the number of samples says (RFC 7845, section 4.4).
const lastPage = ({ serial, pages, granule }: Pick<OggExtent, 'serial' | 'pages' | 'granule'>): Buffer =>
  oggPage({ serial, sequence: pages, granule, packets: [SILENT_FRAME], kind: 'last' });

function pagesOf(packets: readonly Buffer[]): Buffer[][] {
  const pages: Buffer[][] = [];
  let segments = Number.POSITIVE_INFINITY;
  for (const packet of packets) {
    segments += segmentsOf(packet);
    if (!fitsPage(segments)) {
      pages.push([]);
      segments = segmentsOf(packet);
    }
    pages.at(-1)?.push(packet);
  }
  return pages;
}

/** Cuts off a page that was torn and ends the stream; null where the file holds no sound. What is whole already stays as it is. */
export async function mendOggFile(path: string): Promise<MendedFile | null> {
  const file = await open(path, 'r+');
  try {
    const extent = await measure(file);
    if (extent.granule === 0) return null;
    if (extent.ended) return { samples: extent.granule, bytes: extent.bytes };
    await file.truncate(extent.bytes);
    const ending = lastPage(extent);
    await file.write(ending, 0, ending.length, extent.bytes);
    await file.sync();
    return { samples: extent.granule, bytes: extent.bytes + ending.length };
  } finally {
    await file.close();
  }
}

async function measure(file: FileHandle): Promise<OggExtent> {
  const buffer = Buffer.alloc(READ_BYTES);
  for (let extent = NOTHING; ;) {
    const { bytesRead } = await file.read(buffer, 0, READ_BYTES, extent.bytes);
    const longer = extend(extent, buffer.subarray(0, bytesRead));
    if (longer.bytes === extent.bytes) return extent;
    extent = longer;
  }
}
