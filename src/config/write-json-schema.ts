import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectors } from '../connectors/index.ts';
import { INSTALLATION } from '../installation.ts';
import { configJsonSchema } from './json-schema.ts';

// Run this after a change to the definition or to a connector's keys; a test fails until then.
const target = join(INSTALLATION, 'schemas/warehouse.schema.json');
await writeFile(target, `${JSON.stringify(configJsonSchema(connectors), null, 2)}\n`);
