import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/parse.ts';
import { starterConfig } from '../../src/config/starter.ts';
import { connectors } from '../../src/connectors/index.ts';
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

  it.each([true, false])('is one that the real connectors take (demo: %s)', (demo) => {
    const env = { ASAPP_S3_KEY_ID: 'AKIA', ASAPP_S3_SECRET: 'wJalr' };
    expect(parseConfig(starterConfig({ demo }), { ...context, env, connectors })).not.toHaveProperty(
      'problems',
    );
  });

  it('names what is to be set, before it is', () => {
    const result = parseConfig(starterConfig({ demo: false }), context);
    expect('problems' in result && result.problems.map(({ key }) => key)).toEqual([
      'sources.messaging.access_key_id',
      'sources.messaging.secret_access_key',
    ]);
  });

  it('of the demo reads the sample feeds, with nothing to set', () => {
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

  it.each([true, false])('tells editors where the JSON Schema is (demo: %s)', (demo) => {
    expect(starterConfig({ demo }).split('\n')[0]).toBe(
      '# yaml-language-server: $schema=node_modules/asapp-warehouse/schemas/warehouse.schema.json',
    );
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
