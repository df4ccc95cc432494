import assert from 'node:assert/strict';
import { checkUpdate, hasHinted, nextPart, readPlaylist, type HlsPlaylist } from './hls-playlist.ts';

/** Listens to a broadcast as a player with low latency does, and checks every playlist. */
export class HlsListener {
  readonly #url: string;
  #playlist: HlsPlaylist;

  private constructor(url: string, playlist: HlsPlaylist) {
    this.#url = url;
    this.#playlist = playlist;
  }

  static async tuneIn(url: string): Promise<HlsListener> {
    return new HlsListener(url, readPlaylist(await textOf(await fetch(url))));
  }

  get playlist(): HlsPlaylist {
    return this.#playlist;
  }

  /** Address of the playlist once it has the next part, or that many parts behind it. */
  reloadUrl(further = 0): string {
    const { msn, part } = nextPart(this.#playlist);
    return `${this.#url}?_HLS_msn=${msn}&_HLS_part=${part + further}`;
  }

  /** Asks for the playlist with the next part, and gets it. */
  async reload(): Promise<HlsPlaylist> {
    const answer = await fetch(this.reloadUrl());
    const next = readPlaylist(await textOf(answer));
    checkUpdate(this.#playlist, next);
    assert.ok(next.ended || hasHinted(this.#playlist, next), 'the answer came before the part');
    return (this.#playlist = next);
  }

  urlOf(uri: string | null): string {
    assert.ok(uri !== null, 'there is no such file yet');
    return new URL(uri, this.#url).href;
  }

  async bytes(uri: string | null): Promise<Buffer> {
    const answer = await fetch(this.urlOf(uri));
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'audio/mp4');
    return Buffer.from(await answer.arrayBuffer());
  }

  /** A file that can be played, of that many segments from the next one on. */
  async record(count: number): Promise<Buffer> {
    const from = this.#playlist.mediaSequence + this.#playlist.segments.length;
    const isWhole = () => this.#playlist.segments.some(({ msn, uri }) => msn === from + count - 1 && uri);
    while (!isWhole()) await this.reload();
    const segments = this.#playlist.segments.filter(({ msn }) => msn >= from && msn < from + count);
    const pieces = [this.#playlist.map, ...segments.map(({ uri }) => uri)];
    return Buffer.concat(await Promise.all(pieces.map((uri) => this.bytes(uri))));
  }
}

async function textOf(answer: Response): Promise<string> {
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  assert.equal(answer.headers.get('content-type'), 'application/vnd.apple.mpegurl');
  return text;
}
