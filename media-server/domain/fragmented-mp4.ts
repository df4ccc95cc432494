/** What a muxer that writes fragmented MP4 (ISO/IEC 14496-12) has completed: what players need before anything else, or a fragment. */
export type Mp4Piece =
  | { readonly kind: 'init'; readonly bytes: Buffer }
  /** `samples` counts what players decode one by one: for AAC, frames. */
  | { readonly kind: 'fragment'; readonly bytes: Buffer; readonly samples: number };

interface Box {
  readonly type: string;
  /** Its header included. */
  readonly bytes: Buffer;
}

const HEADER_BYTES = 8;
/** What is behind the version and the flags of a box. */
const FIELDS_AT = HEADER_BYTES + 4;
/** A third of a second of sound takes 6 KiB. */
const MAX_PIECE_BYTES = 1024 * 1024;

/** Cuts the output of a muxer into pieces: `moov` ends the init, each `mdat` a fragment. */
export class FragmentedMp4 {
  readonly #startTime: bigint;
  #unread: Buffer = Buffer.alloc(0);
  #boxes: Box[] = [];
  #started = false;

  /** Muxers count time from 0; here it begins with `startTime`, in the time scale of the track. */
  constructor(startTime: bigint) {
    this.#startTime = startTime;
  }

  /** The pieces that `bytes` complete. Throws an Error that names the box where this is no fragmented MP4 of one track. */
  push(bytes: Buffer): Mp4Piece[] {
    this.#unread = Buffer.concat([this.#unread, bytes]);
    const pieces: Mp4Piece[] = [];
    for (let box = readBox(this.#unread); box; box = readBox(this.#unread)) {
      this.#unread = this.#unread.subarray(box.bytes.length);
      this.#boxes.push(box);
      if (box.type === 'moov') pieces.push(this.#endInit());
      if (box.type === 'mdat') pieces.push(this.#endFragment());
    }
    if (this.#pieceBytes() > MAX_PIECE_BYTES)
      throw new Error(`A piece of the MP4 is longer than ${MAX_PIECE_BYTES} bytes.`);
    return pieces;
  }

  #endInit(): Mp4Piece {
    if (this.#started) throw new Error('The MP4 has a second box moov.');
    this.#started = true;
    return { kind: 'init', bytes: this.#take() };
  }

  #endFragment(): Mp4Piece {
    if (!this.#started) throw new Error('The MP4 has a box mdat before moov.');
    const moof = this.#boxes.at(-2);
    if (moof?.type !== 'moof')
      throw new Error(`The MP4 has a box mdat behind ${moof?.type ?? 'nothing'}, where moof belongs.`);
    const traf = child(moof, 'traf');
    const decodeTime = fieldOf(child(traf, 'tfdt'), 8);
    decodeTime.writeBigUInt64BE(decodeTime.readBigUInt64BE() + this.#startTime);
    const samples = fieldOf(child(traf, 'trun'), 4).readUInt32BE();
    return { kind: 'fragment', bytes: this.#take(), samples };
  }

  #take(): Buffer {
    const bytes = Buffer.concat(this.#boxes.map((box) => box.bytes));
    this.#boxes = [];
    return bytes;
  }

  #pieceBytes(): number {
    return this.#boxes.reduce((sum, box) => sum + box.bytes.length, this.#unread.length);
  }
}

/** The first box, or null where it is not all there. */
function readBox(bytes: Buffer): Box | null {
  if (bytes.length < HEADER_BYTES) return null;
  const length = bytes.readUInt32BE(0);
  const type = bytes.toString('latin1', 4, HEADER_BYTES);
  // 0 is a box up to the end of the file and 1 one of more than 4 GiB: neither is for what goes on and on.
  if (length < HEADER_BYTES || length > MAX_PIECE_BYTES)
    throw new Error(`The MP4 has a box ${JSON.stringify(type)} of ${length} bytes.`);
  return bytes.length < length ? null : { type, bytes: bytes.subarray(0, length) };
}

function child(parent: Box, type: string): Box {
  let rest = parent.bytes.subarray(HEADER_BYTES);
  for (let box = readBox(rest); box; box = readBox(rest)) {
    if (box.type === type) return box;
    rest = rest.subarray(box.bytes.length);
  }
  throw new Error(`The MP4 has a box ${parent.type} without ${type}.`);
}

/** Its first field; all that ffmpeg writes of 64 bits is of version 1. */
function fieldOf({ type, bytes }: Box, length: 4 | 8): Buffer {
  const version = bytes[HEADER_BYTES];
  if (bytes.length < FIELDS_AT + length || (length === 8 && version !== 1))
    throw new Error(`The MP4 has a box ${type} of ${bytes.length} bytes and version ${version}.`);
  return bytes.subarray(FIELDS_AT, FIELDS_AT + length);
}
