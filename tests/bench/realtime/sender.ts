import { Connection, unexpectedAnswer } from '../gateway/client.ts';
import type { RunningChat } from './chat.ts';

const SEND = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } userErrors { message } } }`;
const SENT = /^\{"data":\{"sendMessage":\{"message":\{"id":"msg_\w+"\},"userErrors":\[\]\}\}\}$/;
/** Half of what a viewer header lasts. */
const HEADERS_MS = 30_000;

/** Posts messages over kept-alive connections, one on each at a time, at a cost that leaves the machine to the subgraph. */
export class Sender {
  readonly #chat: RunningChat;
  readonly #onAnswer: () => void;
  readonly #onFailure: (error: Error) => void;
  readonly #idle: Connection[] = [];
  readonly #all = new Set<Connection>();
  readonly #heads = new Map<string, { readonly text: string; readonly untilMs: number }>();
  #closed = false;

  /** `onFailure` gets whatever is no stored message. */
  constructor(chat: RunningChat, onAnswer: () => void, onFailure: (error: Error) => void) {
    this.#chat = chat;
    this.#onAnswer = onAnswer;
    this.#onFailure = onFailure;
  }

  send(authorId: string, input: object, number: number): void {
    const body = JSON.stringify({ query: SEND, variables: { input } });
    const request = `${this.#headOf(authorId)}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
    // The one that has been idle longest: the subgraph closes those that nothing is sent on.
    (this.#idle.shift() ?? this.#connect()).send(request, number);
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#all) connection.close();
  }

  #headOf(authorId: string): string {
    const known = this.#heads.get(authorId);
    if (known && known.untilMs > performance.now()) return known.text;
    const headers = Object.entries(this.#chat.headersOf(authorId)).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    const text = `POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\ncontent-type: application/json\r\n${headers.join('')}`;
    this.#heads.set(authorId, { text, untilMs: performance.now() + HEADERS_MS });
    return text;
  }

  #connect(): Connection {
    const fail = (error: Error) => {
      if (!this.#closed) this.#onFailure(error);
    };
    const connection = new Connection(this.#chat.port, {
      answer: (answered, head, body) => {
        this.#idle.push(answered);
        if (SENT.test(body.toString())) this.#onAnswer();
        else fail(unexpectedAnswer(head, body));
      },
      fail,
    });
    this.#all.add(connection);
    return connection;
  }
}
