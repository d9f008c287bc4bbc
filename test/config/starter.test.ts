import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/parse.ts';
import { schemaReference, starterConfig } from '../../src/config/starter.ts';
import { connectors } from '../../src/connectors/index.ts';
import { PROGRAM } from '../support/build.ts';
import { context } from './fakes.ts';

describe('the starter', () => {
  it('is a configuration once its variables are set', () => {
    const env = { ASAPP_S3_KEY_ID: 'AKIA', ASAPP_S3_SECRET: 'wJalr' };
    expect(parseConfig(starterConfig({ demo: false }), { ...context, env })).toMatchObject({
      config: {
        sources: [
          {
            name: 'messaging',
            options: { bucket: 'asapp-prod-acme-exports-us-east-1', secret_access_key: 'wJalr' },
          },
        ],
        secrets: ['wJalr'],
      },
    });
  });

  it.each([true, false])('is accepted by the real connectors (demo: %s)', (demo) => {
    const env = { ASAPP_S3_KEY_ID: 'AKIA', ASAPP_S3_SECRET: 'wJalr' };
    expect(parseConfig(starterConfig({ demo }), { ...context, env, connectors })).not.toHaveProperty(
      'problems',
    );
  });

  it('is refused with what is to be set, as long as that is not set', () => {
    const result = parseConfig(starterConfig({ demo: false }), context);
    expect('problems' in result && result.problems.map(({ key }) => key)).toEqual([
      'sources.messaging.access_key_id',
      'sources.messaging.secret_access_key',
    ]);
  });

  it('for the demo reads the sample feeds, with nothing to set', () => {
    expect(parseConfig(starterConfig({ demo: true }), context)).toMatchObject({
      config: {
        maxRejectedRows: 10,
        sources: [
          {
            name: 'messaging',
            group: 'messaging',
            connector: 'local',
            options: { path: '/etl|./feeds/messaging' },
          },
          {
            name: 'ai_services',
            group: 'ai_services',
            connector: 'local',
            options: { path: '/etl|./feeds/ai_services' },
          },
        ],
      },
    });
  });

  it.each([
    ['/srv/asapp', '/srv/asapp/node_modules/asapp-warehouse', 'node_modules/asapp-warehouse/schemas/'],
    ['/srv/asapp/etl', '/srv/asapp/node_modules/asapp-warehouse', '../node_modules/asapp-warehouse/schemas/'],
    [
      '/srv/asapp',
      '/usr/lib/node_modules/asapp-warehouse',
      'file:///usr/lib/node_modules/asapp-warehouse/schemas/',
    ],
    ['/srv/asapp', '/srv/asapp-clone', 'file:///srv/asapp-clone/schemas/'],
    ['/srv/a b/demo', '/srv/a b', '../schemas/'],
    ['/srv/x', '/srv/a b', 'file:///srv/a%20b/schemas/'],
  ])('in %s tells editors where the JSON Schema of a program in %s is', (folder, root, schemas) => {
    const text = starterConfig({ demo: true, schema: schemaReference(folder, root) });
    expect(text.split('\n')[0]).toBe(`# yaml-language-server: $schema=${schemas}warehouse.schema.json`);
  });

  it('that the program writes names a schema that is there', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'starter-'));
    await promisify(execFile)(process.execPath, [PROGRAM, 'init'], { cwd: folder });
    const [line = ''] = (await readFile(join(folder, 'warehouse.yaml'), 'utf8')).split('\n');
    expect(JSON.parse(await readFile(new URL(line.split('$schema=')[1] ?? ''), 'utf8'))).toMatchObject({
      title: 'asapp-warehouse configuration',
    });
    await rm(folder, { recursive: true });
  });

  it('holds the other connectors as comments, which are sources once uncommented', () => {
    const text = starterConfig({ demo: false })
      .split('\n')
      .filter((line) => /^ {2}# {1,3}\w+:/.test(line))
      .map((line) => line.replace('# ', ''))
      .join('\n');
    const env = { ASAPP_API_ID: 'id', ASAPP_API_SECRET: 'secret' };
    // With no connector known, a source can only be wrong in its connector's name; nothing else may be.
    const result = parseConfig(`sources:\n${text}`, { ...context, env, connectors: {} });
    expect(
      'problems' in result && result.problems.map(({ key, message }) => [key, message.split(' ').at(-1)]),
    ).toEqual([
      ['sources.messaging_sftp.connector', '"sftp"'],
      ['sources.ai_services.connector', '"file-exporter"'],
      ['sources.archive.connector', '"local"'],
    ]);
  });
});
