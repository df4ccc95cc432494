import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { Upload, type FileUpload } from 'graphql-upload-ts';
import { bodyText, type SubgraphFetch } from './subgraph-client.ts';

/** A file among the variables. `path` leads to it, for example `variables.input.files.0`. */
export interface FileAt {
  readonly path: string;
  readonly file: FileUpload;
}

/** The files that variables hold; waits until each has begun to arrive. Rejects where the client broke off. */
export async function uploadsIn(variables: Readonly<Record<string, unknown>>): Promise<FileAt[]> {
  const found: { path: string; upload: Upload }[] = [];
  collect(variables, 'variables', found);
  if (found.length === 0) return [];
  return Promise.all(found.map(async ({ path, upload }) => ({ path, file: await upload.promise })));
}

/** Whether there is a file among the variables. */
export function holdsUploads(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return value instanceof Upload || Object.values(value).some(holdsUploads);
}

function collect(value: unknown, path: string, found: { path: string; upload: Upload }[]): void {
  if (value instanceof Upload) found.push({ path, upload: value });
  else if (typeof value === 'object' && value !== null) {
    for (const [key, child] of Object.entries(value)) collect(child, `${path}.${key}`, found);
  }
}

/** A request by the GraphQL multipart request specification: operations, map, then the files, streamed one after the other. */
export function multipartRequest(request: SubgraphFetch, files: readonly FileAt[], accept: string) {
  const boundary = `veza-${randomUUID()}`;
  const map = Object.fromEntries(files.map(({ path }, index) => [String(index), [path]]));
  const operations = bodyText({ ...request, variables: withoutFiles(request.variables) });
  const parts = [field('operations', operations), field('map', JSON.stringify(map))];
  return {
    headers: {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      accept,
      // Subgraphs of Apollo Server refuse multipart without it, lest a form of another site sends it.
      'apollo-require-preflight': 'true',
    },
    body: Readable.from(content(boundary, parts, files)),
  };
}

const field = (name: string, text: string) => `content-disposition: form-data; name="${name}"\r\n\r\n${text}`;

async function* content(boundary: string, parts: readonly string[], files: readonly FileAt[]) {
  for (const part of parts) yield Buffer.from(`--${boundary}\r\n${part}\r\n`);
  for (const [index, { file }] of files.entries()) {
    const name = `name="${index}"; filename="${quoted(file.filename)}"`;
    const type = file.mimetype.replace(/[\r\n]/g, '');
    yield Buffer.from(
      `--${boundary}\r\ncontent-disposition: form-data; ${name}\r\ncontent-type: ${type}\r\n\r\n`,
    );
    yield* file.createReadStream();
    yield Buffer.from('\r\n');
  }
  yield Buffer.from(`--${boundary}--\r\n`);
}

/** As browsers write file names in multipart/form-data (WHATWG): a name must not end its header early. */
const quoted = (name: string) => name.replace(/\r/g, '%0D').replace(/\n/g, '%0A').replace(/"/g, '%22');

function withoutFiles(variables: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const text = JSON.stringify(variables, (_key, value: unknown) => (value instanceof Upload ? null : value));
  return JSON.parse(text);
}
