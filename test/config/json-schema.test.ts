// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of warehouse.yaml, not of this file
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { configJsonSchema } from '../../src/config/json-schema.ts';
import { connectors } from '../../src/connectors/index.ts';
import { fakes } from './fakes.ts';

type Schema = z.core.JSONSchema.BaseSchema;

/** Judges values by a JSON Schema, as an editor would. */
const judge = (schema: Schema) => (value: unknown) => z.fromJSONSchema(schema).safeParse(value).success;

/** The schema of the key `sources`. */
function sourcesOf(schema: Schema): Schema {
  return schema.properties?.sources as Schema;
}

/** The schema of a source of one connector. */
function branch(schema: Schema, connector: string): Schema {
  const source = sourcesOf(schema).additionalProperties as Schema;
  const branches = source.allOf as unknown as {
    if: { properties: { connector: { const: string } } };
    then: Schema;
  }[];
  const found = branches.find((each) => each.if.properties.connector.const === connector);
  if (!found) throw new Error(`no branch for ${connector}`);
  return found.then;
}

/** The schema of everything but what sources hold. */
function withoutSources(schema: Schema): Schema {
  const sources = { ...sourcesOf(schema), additionalProperties: true };
  return { ...schema, properties: { ...schema.properties, sources } };
}

describe('the JSON Schema', () => {
  it('in the repository is that of the code (`npm run config-schema` writes it)', async () => {
    const committed = await readFile(new URL('../../schemas/warehouse.schema.json', import.meta.url), 'utf8');
    expect(JSON.parse(committed)).toEqual(JSON.parse(JSON.stringify(configJsonSchema(connectors))));
  });

  it('describes every key', () => {
    const schema = configJsonSchema(connectors);
    const objects = [schema, ...Object.keys(connectors).map((name) => branch(schema, name))];
    for (const { properties } of objects)
      for (const [key, property] of Object.entries(properties ?? {}))
        expect((property as Schema).description, key).toMatch(/\w/);
  });

  it('has a branch for each connector, which only allows its keys', () => {
    const schema = configJsonSchema(fakes);
    const local = judge(branch(schema, 'local'));
    expect(local({ connector: 'local', path: './feeds', feeds: ['a'], group: 'messaging' })).toBe(true);
    expect(local({ connector: 'local' })).toBe(false);
    expect(local({ connector: 'local', path: './feeds', region: 'r' })).toBe(false);
    expect(judge(branch(schema, 's3'))({ connector: 's3', region: 'r' })).toBe(true);
    expect(sourcesOf(schema).additionalProperties).toMatchObject({
      required: ['connector'],
      properties: { connector: { enum: ['local', 's3', 'sftp'] } },
    });
  });

  it('allows a variable for any value, but not for a connector', () => {
    const schema = configJsonSchema(fakes);
    const root = judge(withoutSources(schema));
    const sftp = judge(branch(schema, 'sftp'));
    expect(root({ threads: '${N}', memory_limit: '${M:-1GB}', look_back_days: 3, sources: { a: {} } })).toBe(
      true,
    );
    expect(root({ threads: 'four', sources: { a: {} } })).toBe(false);
    expect(root({ memory_limit: 'lots', sources: { a: {} } })).toBe(false);
    expect(
      sftp({ connector: 'sftp', host: 'h', port: '${PORT}', strict: '${STRICT}', feeds: ['${F}'] }),
    ).toBe(true);
    expect(sftp({ connector: 'sftp', host: 'h', port: '22' })).toBe(false);
    expect(sftp({ connector: '${KIND}', host: 'h' })).toBe(false);
  });

  it('holds the rules that do not need the rest of the file', () => {
    const schema = configJsonSchema(fakes);
    const root = judge(withoutSources(schema));
    const local = judge(branch(schema, 'local'));
    const source = { connector: 'local', path: 'x' };
    expect(root({ sources: {} })).toBe(false);
    expect(root({ sources: { 'My-Feeds': {} } })).toBe(false);
    expect(root({ compny: 'a', sources: { a: {} } })).toBe(false);
    expect(local({ ...source, group: 'staging_x' })).toBe(false);
    expect(local({ ...source, group: 'stagings' })).toBe(true);
    expect(local({ ...source, feeds: [] })).toBe(false);
    expect(local({ ...source, feeds: ['a', 'a'] })).toBe(false);
  });

  it('requires nothing that has a default', () => {
    const schema = configJsonSchema(fakes);
    expect(schema.required).toEqual(['sources']);
    expect(branch(schema, 'sftp').required).toEqual(['connector', 'host']);
    expect(schema.properties?.look_back_days).toMatchObject({ default: 7, description: expect.any(String) });
  });
});
