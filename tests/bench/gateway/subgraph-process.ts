/**
 * The four subgraphs in one process. A request that was answered before is answered from memory: the gateway is what is measured. The
 * parent gets the ports once all listen, and the counts whenever it sends a message.
 */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { execute, parse } from 'graphql';
import { z } from 'zod';
import { messageOf } from '#platform/errors.ts';
import { SUBGRAPHS, subgraphSchema, VIEWERS, type SubgraphName } from './graph.ts';
import { MessageReader } from './http-message.ts';

const MAX_REMEMBERED = 20_000;
const TOKEN = /\r\nauthorization: Bearer bench-(\d+)/i;
const requestBody = z.object({
  query: z.string(),
  variables: z.record(z.string(), z.unknown()).nullish(),
  operationName: z.string().nullish(),
});
const counts = { requests: 0, authorized: 0 };

function answerer(name: SubgraphName): (head: string, body: Buffer) => Promise<Buffer> {
  const schema = subgraphSchema(name);
  const remembered = new Map<string, Promise<Buffer>>();
  const compute = async (text: string, viewer: number) => {
    const { query, variables, operationName } = requestBody.parse(JSON.parse(text));
    const document = parse(query);
    const contextValue = { viewer };
    return ok(
      JSON.stringify(
        await execute({ schema, document, variableValues: variables, operationName, contextValue }),
      ),
    );
  };
  return (head, body) => {
    const token = TOKEN.exec(head)?.[1];
    counts.requests++;
    if (token !== undefined) counts.authorized++;
    const viewer = Number(token ?? 1) % VIEWERS;
    const text = body.toString('latin1');
    const key = name === 'users' ? `${viewer}${text}` : text;
    let answer = remembered.get(key);
    if (!answer) {
      if (remembered.size >= MAX_REMEMBERED) remembered.clear();
      remembered.set(key, (answer = compute(body.toString(), viewer)));
    }
    return answer;
  };
}

function ok(json: string): Buffer {
  const length = Buffer.byteLength(json);
  return Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: keep-alive\r\nkeep-alive: timeout=600\r\ncontent-length: ${length}\r\n\r\n${json}`,
  );
}

function serve(name: SubgraphName): Promise<number> {
  const answer = answerer(name);
  const onConnection = (socket: Socket) => {
    // Answers leave in the order of their requests, also where a client does not wait for one before it sends the next.
    let last: Promise<unknown> = Promise.resolve();
    const fail = (error: unknown) => socket.destroy(new Error(messageOf(error)));
    const reader = new MessageReader((head, body) => {
      last = Promise.all([answer(head, body), last]).then(([bytes]) => socket.write(bytes), fail);
    });
    socket.on('data', (bytes) => reader.push(bytes));
    // A gateway that is stopped leaves its connections open-ended.
    socket.on('error', (error) => {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET')
        process.stderr.write(`${name}: ${error.message}\n`);
    });
  };
  const server = createServer({ noDelay: true }, onConnection);
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

process.on('message', () => process.send?.({ counts }));
process.on('disconnect', () => process.exit(0));
const ports: [string, number][] = [];
for (const name of SUBGRAPHS) ports.push([name, await serve(name)]);
process.send?.({ ports: Object.fromEntries(ports) });
