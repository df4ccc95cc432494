/** Writes the table of environment variables between the markers of README.md, from the zod shapes that read them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { gatewayEnvironment } from '../gateway/environment.ts';
import { mediaProcessEnvironment } from '../media-server/environment.ts';
import { analyticsEnvironment } from '../subgraphs/analytics/environment.ts';
import { chatEnvironment } from '../subgraphs/chat/environment.ts';
import { commerceEnvironment } from '../subgraphs/commerce/environment.ts';
import { streamEnvironment } from '../subgraphs/stream/environment.ts';
import { userEnvironment } from '../subgraphs/user/environment.ts';
import { platformEnvironment } from './start/environment.ts';

type Shape = z.ZodObject<Readonly<Record<string, z.ZodType>>>;

const PROCESSES: Readonly<Record<string, Shape>> = {
  'npm start': platformEnvironment,
  gateway: gatewayEnvironment,
  media: mediaProcessEnvironment,
  user: userEnvironment,
  chat: chatEnvironment,
  stream: streamEnvironment,
  commerce: commerceEnvironment,
  analytics: analyticsEnvironment,
};
const BEGIN = '<!-- environment: generated -->';
const END = '<!-- /environment -->';

interface Row {
  readonly processes: string[];
  readonly defaults: Set<string>;
  readonly description: string;
}

/** What a variable is when it is not set, and what it is for; wrappers such as `.default()` and pipes are looked through. */
function describe(type: z.ZodType): { fallback: string; description: string } {
  const schema = z.toJSONSchema(type, { io: 'input', unrepresentable: 'any' });
  const optional = type.safeParse(undefined).success;
  const fallback =
    schema.default === undefined
      ? optional
        ? '–'
        : 'required'
      : schema.default === ''
        ? '–'
        : `\`${String(schema.default)}\``;
  return { fallback, description: schema.description ?? '' };
}

const rows = new Map<string, Row>();
for (const [process, { shape }] of Object.entries(PROCESSES)) {
  for (const [name, type] of Object.entries(shape)) {
    const { fallback, description } = describe(type);
    if (description === '') throw new Error(`${name} of ${process} has no description.`);
    const row = rows.get(name) ?? { processes: [], defaults: new Set(), description };
    row.processes.push(process);
    row.defaults.add(fallback);
    rows.set(name, row);
  }
}

const every = Object.keys(PROCESSES).length;
const lines = [...rows]
  .sort(([a], [b]) => a.localeCompare(b))
  .map(([name, { processes, defaults, description }]) => {
    const users = processes.length === every ? 'all' : processes.join(', ');
    return `| \`${name}\` | ${users} | ${[...defaults].join(' / ')} | ${description.replaceAll('|', '\\|')} |`;
  });
const table = ['| Variable | Read by | Default | What it is |', '|---|---|---|---|', ...lines].join('\n');

const file = new URL('../README.md', import.meta.url);
const readme = readFileSync(file, 'utf8');
const [head, rest = ''] = readme.split(BEGIN);
const tail = rest.slice(rest.indexOf(END));
if (!tail.startsWith(END)) throw new Error(`README.md lacks the markers ${BEGIN} and ${END}.`);
writeFileSync(file, `${head}${BEGIN}\n\n${table}\n\n${tail}`);
