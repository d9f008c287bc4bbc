import { writeFile } from 'node:fs/promises';
import { connectors } from '../connectors/index.ts';
import { configJsonSchema } from './json-schema.ts';

// Run this after a change to the definition or to a connector's keys; a test fails until then.
const target = new URL('../../schemas/warehouse.schema.json', import.meta.url);
await writeFile(target, `${JSON.stringify(configJsonSchema(connectors), null, 2)}\n`);
