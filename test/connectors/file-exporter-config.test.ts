import { describe, expect, it } from 'vitest';
import { fileExporter } from '../../src/connectors/file-exporter.ts';
import { connectors } from '../../src/connectors/index.ts';

const context = { name: 'ai', directory: '/' };
const credentials = { api_id: 'an-id', api_secret: 'a-secret' };

describe('the file-exporter connector', () => {
  it('is known by its name, and delivers to AI services unless told otherwise', () => {
    expect(connectors['file-exporter']).toBe(fileExporter);
    expect(fileExporter.name).toBe('file-exporter');
    expect(fileExporter.defaultGroup).toBe('ai_services');
    expect(fileExporter.secrets).toEqual(['api_id', 'api_secret']);
  });

  it('asks 20 times a second unless told otherwise', () => {
    const input = fileExporter.keys.parse({ base_url: 'https://api.asapp.com/', ...credentials });
    expect(fileExporter.resolve(input as never, context)).toEqual({
      baseUrl: 'https://api.asapp.com',
      apiId: 'an-id',
      apiSecret: 'a-secret',
      requestsPerSecond: 20,
    });
  });

  it.each([
    'https://api.sandbox.asapp.com',
    'https://gateway.example/asapp',
    'http://127.0.0.1:8443',
    'http://localhost:8443',
    'http://[::1]:8443',
  ])('takes %s', (base_url) => {
    expect(fileExporter.keys.safeParse({ base_url, ...credentials }).success).toBe(true);
  });

  it.each([
    ['base_url', 'http://api.asapp.com'],
    ['base_url', 'http://127.0.0.1.example.com'],
    ['base_url', 'http://localhost.example.com'],
    ['base_url', 'ftp://api.asapp.com'],
    ['base_url', 'api.asapp.com'],
    ['base_url', 'https://api.asapp.com/?key=1'],
    ['api_id', ''],
    ['api_secret', 'two\nlines'],
    ['requests_per_second', 0],
    ['requests_per_second', 101],
  ])('refuses the %s %j', (key, value) => {
    const input = { base_url: 'https://api.asapp.com', ...credentials, [key]: value };
    const { error } = fileExporter.keys.safeParse(input);
    expect(error?.issues.map(({ path }) => path)).toEqual([[key]]);
  });

  it('refuses a password in base_url, without repeating it', () => {
    const input = { base_url: 'https://me:hidden@api.asapp.com', ...credentials, requests_per_second: 20 };
    expect(fileExporter.resolve(input, context)).toEqual({
      problems: [{ key: 'base_url', message: 'must not hold a user or a password' }],
    });
  });
});
