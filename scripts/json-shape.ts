import { z } from 'zod';

/** What is used of a JSON Schema, as zod writes it. */
export interface JsonShape {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonShape>>;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonShape[];
  readonly items?: JsonShape;
  readonly properties?: Readonly<Record<string, JsonShape>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonShape | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
}

const jsonShape: z.ZodType<JsonShape> = z.lazy(() =>
  z.looseObject({
    $ref: z.string().optional(),
    $defs: z.record(z.string(), jsonShape).optional(),
    type: z.union([z.string(), z.array(z.string())]).optional(),
    description: z.string().optional(),
    default: z.unknown().optional(),
    const: z.unknown().optional(),
    enum: z.array(z.unknown()).optional(),
    anyOf: z.array(jsonShape).optional(),
    items: jsonShape.optional(),
    properties: z.record(z.string(), jsonShape).optional(),
    required: z.array(z.string()).optional(),
    additionalProperties: z.union([jsonShape, z.boolean()]).optional(),
    minimum: z.number().optional(),
    maximum: z.number().optional(),
    exclusiveMinimum: z.number().optional(),
    minItems: z.number().optional(),
    maxItems: z.number().optional(),
    minLength: z.number().optional(),
    maxLength: z.number().optional(),
    pattern: z.string().optional(),
  }),
);

/** The shape of what is sent (`input`: what has a default may be left out) or received (`output`). */
export const shapeOf = (type: z.ZodType, io: 'input' | 'output'): JsonShape =>
  jsonShape.parse(z.toJSONSchema(type, { io }));

/** The shape in the notation of TypeScript, limits and descriptions as comments. */
export function printShape(shape: JsonShape, indent = ''): string {
  if (shape.$ref !== undefined) return nameOf(shape.$ref);
  if (shape.anyOf) return shape.anyOf.map((one) => printShape(one, indent)).join(' | ');
  if (shape.enum) return shape.enum.map((one) => JSON.stringify(one)).join(' | ');
  if (shape.const !== undefined) return JSON.stringify(shape.const);
  if (shape.items) return printList(shape.items, indent);
  if (shape.properties) return printObject(shape, shape.properties, indent);
  if (typeof shape.additionalProperties === 'object')
    return `Record<string, ${printShape(shape.additionalProperties, indent)}>`;
  return [shape.type ?? 'unknown']
    .flat()
    .map((one) => (one === 'integer' ? 'number' : one))
    .join(' | ');
}

export const nameOf = (ref: string): string => ref.slice(ref.lastIndexOf('/') + 1);

function printList(items: JsonShape, indent: string): string {
  const item = printShape(items, indent);
  return item.includes(' | ') ? `(${item})[]` : `${item}[]`;
}

function printObject(
  shape: JsonShape,
  properties: Readonly<Record<string, JsonShape>>,
  indent: string,
): string {
  const inner = `${indent}  `;
  const lines = Object.entries(properties).map(([name, property]) => {
    const isOptional = !shape.required?.includes(name);
    const notes = remarksOn(property);
    const comment = notes.length > 0 ? ` // ${notes.join('; ')}` : '';
    return `${inner}${name}${isOptional ? '?' : ''}: ${printShape(property, inner)};${comment}`;
  });
  return lines.length === 0 ? '{}' : `{\n${lines.join('\n')}\n${indent}}`;
}

function remarksOn(shape: JsonShape): string[] {
  const { minItems, maxItems, minLength, maxLength, pattern } = shape;
  const inside = shape.items && !shape.items.$ref ? limitsOf(shape.items).map((one) => `each ${one}`) : [];
  const description = shape.$ref === undefined ? shape.description : undefined;
  return [
    ...(description === undefined ? [] : [description.replace(/\.$/, '')]),
    ...limitsOf(shape),
    ...bounds(minItems, maxItems, 'of them'),
    ...bounds(minLength, maxLength, 'characters'),
    ...(pattern === undefined ? [] : [`matches ${pattern}`]),
    ...inside,
    ...(shape.default === undefined ? [] : [`default ${JSON.stringify(shape.default)}`]),
  ];
}

function limitsOf({ type, minimum, maximum, exclusiveMinimum }: JsonShape): string[] {
  if (type !== 'integer') return [];
  const least = exclusiveMinimum === undefined ? minimum : exclusiveMinimum + 1;
  return ['integer', ...bounds(safe(least), safe(maximum), '')];
}

// Every integer has the bounds of safe integers, which say nothing.
const safe = (bound: number | undefined): number | undefined =>
  bound === undefined || Math.abs(bound) === Number.MAX_SAFE_INTEGER ? undefined : bound;

function bounds(least: number | undefined, most: number | undefined, unit: string): string[] {
  const of = unit === '' ? '' : ` ${unit}`;
  if (least !== undefined && most !== undefined) return [`${least} to ${most}${of}`];
  if (most !== undefined) return [`at most ${most}${of}`];
  return least === undefined ? [] : [`at least ${least}${of}`];
}
