/** `node relay-process.ts PORT TARGET_PORT`: copies bytes between two connections and does nothing else, as the least that a hop costs. */
import { connect, createServer, type Socket } from 'node:net';

const [port, targetPort] = process.argv.slice(2);
if (!port || !targetPort) throw new Error('Usage: node relay-process.ts PORT TARGET_PORT');

function copy(from: Socket, to: Socket): void {
  from.on('data', (bytes) => to.write(bytes));
  from.on('error', () => from.destroy()).on('close', () => to.destroy());
}

createServer({ noDelay: true }, (client) => {
  const server = connect({ port: Number(targetPort), host: '127.0.0.1', noDelay: true });
  copy(client, server);
  copy(server, client);
}).listen(Number(port), '127.0.0.1');
