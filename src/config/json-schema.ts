import { z } from 'zod';
import type { Connectors } from './config.ts';
import { rootKeys, sourceKeys } from './definition.ts';

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** A text with a variable in it, which may stand for any value. */
const REFERENCE: JsonSchema = {
  type: 'string',
  pattern: '\\$\\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\\}',
};

/**
 * The JSON Schema of `warehouse.yaml`, with a branch for each connector. Draft 7: what the YAML language server, and so
 * the editors that use it, supports in full.
 */
export function configJsonSchema(connectors: Connectors): JsonSchema {
  const { $schema, ...root } = toJsonSchema(rootKeys);
  const sources = root.properties?.sources as JsonSchema;
  const branches = Object.values(connectors).map((definition) => {
    const { $schema: _, ...keys } = toJsonSchema(sourceKeys(definition));
    return { name: definition.name, keys };
  });
  // A chain of `if` instead of `anyOf`, so that an editor offers and checks only the keys of the connector that is
  // named.
  sources.additionalProperties = {
    type: 'object',
    required: ['connector'],
    properties: {
      connector: { enum: Object.keys(connectors), description: 'The kind of place that the feeds lie in.' },
    },
    allOf: branches.map(({ name, keys }) => ({
      if: { properties: { connector: { const: name } }, required: ['connector'] },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: keys,
    })),
  };
  return { $schema, title: 'asapp-warehouse configuration', ...root };
}

function toJsonSchema(definition: z.ZodObject): JsonSchema {
  const schema = z.toJSONSchema(definition, { target: 'draft-7', io: 'input' }) as JsonSchema;
  for (const [key, property] of Object.entries(schema.properties ?? {}))
    if (key !== 'connector')
      (schema.properties as Record<string, unknown>)[key] = withReferences(property as JsonSchema);
  return schema;
}

/** The same schema, in which a variable is also allowed where plain text is not. */
function withReferences(schema: JsonSchema): JsonSchema {
  if (schema.type === 'array') return { ...schema, items: withReferences(schema.items as JsonSchema) };
  if (schema.type === 'object') {
    const properties = Object.entries(schema.properties ?? {}).map(([key, property]) => [
      key,
      withReferences(property as JsonSchema),
    ]);
    return schema.properties === undefined
      ? schema
      : { ...schema, properties: Object.fromEntries(properties) };
  }
  const { description, default: standard, ...rest } = schema;
  if (rest.maximum === Number.MAX_SAFE_INTEGER) delete rest.maximum;
  if (rest.minimum === Number.MIN_SAFE_INTEGER) delete rest.minimum;
  const anyText =
    rest.type === 'string' && Object.keys(rest).every((key) => key === 'type' || key === 'minLength');
  return {
    ...(description === undefined ? {} : { description }),
    ...(standard === undefined ? {} : { default: standard }),
    ...(anyText ? rest : { anyOf: [rest, REFERENCE] }),
  };
}
