/** Where a supergraph comes from. */
export interface SupergraphSource {
  /** Rejects with a message that says what is wrong with the source. */
  read(): Promise<string>;
  /**
   * Calls `onChange` with the SDL whenever it may be another one, and `onFailure` where it cannot be read. One call at a time: the
   * next one comes when the promise of the last one is settled. Returns the function that ends it.
   */
  watch(handlers: SourceHandlers): () => void;
}

export interface SourceHandlers {
  onChange(sdl: string): Promise<void>;
  onFailure(error: Error): void;
}
