export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
  readonly id?: string;
}

export interface EventReader {
  readonly response: Response;
  /** The next event, comments left out; null at the end. */
  next(): Promise<ServerSentEvent | null>;
  /** The next comment or event as raw text. */
  nextBlock(): Promise<string | null>;
  cancel(): void;
}

/** Sends an operation that is to be answered as an event stream. */
export async function readEvents(
  url: string,
  operation: object,
  headers: Record<string, string> = {},
): Promise<EventReader> {
  const abort = new AbortController();
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    signal: abort.signal,
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...headers },
    body: JSON.stringify(operation),
  });
  return createReader(response, () => abort.abort());
}

export function createReader(response: Response, cancel: () => void): EventReader {
  const blocks = splitBlocks(response);
  const nextBlock = async () => (await blocks.next()).value ?? null;
  return {
    response,
    nextBlock,
    cancel,
    async next() {
      for (;;) {
        const block = await nextBlock();
        if (block === null) return null;
        const event = /^event: (.*)$/m.exec(block)?.[1];
        if (!event) continue;
        const id = /^id: (.*)$/m.exec(block)?.[1];
        return { event, data: /^data: (.*)$/m.exec(block)?.[1] ?? '', ...(id !== undefined && { id }) };
      }
    },
  };
}

async function* splitBlocks(response: Response): AsyncGenerator<string, null> {
  let rest = '';
  for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const parts = (rest + text).split('\n\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
  return null;
}
