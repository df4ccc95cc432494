// Rewrites the snake_case field names of FlatBuffers schemas to lowerCamelCase.
//   node camel-fields.mjs OUT_DIR SCHEMA...
// mediasoup's sources call the accessors in lowerCamelCase, and the compiler of Debian 12 (flatc 2.0) does not know
// the option that makes them so. The wire format carries no names, so nothing else changes.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const FIELD = /^(\s+)([a-z][a-z0-9]*(?:_[a-z0-9]+)+)(\s*:)/gm;

const camelCase = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());

const [outDir, ...schemas] = process.argv.slice(2);
mkdirSync(outDir, { recursive: true });
for (const schema of schemas) {
  const text = readFileSync(schema, 'utf8');
  const renamed = text.replace(FIELD, (_, indent, name, colon) => indent + camelCase(name) + colon);
  writeFileSync(join(outDir, basename(schema)), renamed);
}
