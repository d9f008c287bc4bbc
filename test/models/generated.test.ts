import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bundledCatalogue } from '../../src/feeds/bundled.ts';
import { modelledFeeds } from '../../src/feeds/catalogue.ts';
import { readProjectFiles } from '../../src/models/files.ts';
import { generatedModel, parseGenerated } from '../../src/models/generated.ts';
import { type ParsedSql, parseSql } from '../../src/models/model.ts';
import { ALL_ROWS } from '../../src/models/relations.ts';
import type { FeedRule } from '../../src/models/rule.ts';
import { BUNDLED_MODELS } from '../../src/workspace/workspace.ts';

const SETTINGS = { vars: {}, env: {}, secrets: [], targetName: 'default' };
const FILE = 'models/messaging/calls.sql';
const CALLS: FeedRule = { group: 'messaging', feed: 'calls', key: ['id'], orderBy: ['started_ts'] };

/** All that can be told of a file of SQL. */
function told({ render, config, ...rest }: ParsedSql) {
  const { sql, sourceLine, messages } = render(ALL_ROWS, new Map());
  const lines = Array.from({ length: sql.split('\n').length + 3 }, (_, index) => sourceLine(index));
  return { ...rest, config: [...config], sql, lines, messages };
}

const asTemplate = (text: string, { group, feed }: FeedRule) =>
  told(parseSql(FILE, text, { id: `${group}.${feed}`, schema: group, name: feed }, SETTINGS, []));

describe('a dedup model as its feed has it', () => {
  test('reads as its template does, whatever comment stands above it', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9_'\\ ]{0,8}$/);
    const rule = fc.record({
      group: name,
      feed: name,
      version: fc.constantFrom('1', '2'),
      key: fc.array(name, { minLength: 1, maxLength: 3 }),
      orderBy: fc.array(name, { maxLength: 2 }),
    });
    const comment = fc.oneof(
      fc.constant(''),
      fc.string().map((words) => `-- ${words}\n`),
      fc.string(),
    );
    fc.assert(
      fc.property(rule, comment, (own, above) => {
        const text = `${above}${generatedModel(own).text}`;
        const read = parseGenerated(FILE, text, own);
        if (read) expect(told(read)).toEqual(asTemplate(text, own));
        else expect(above).toMatch(/[{\r\uFEFF]/);
      }),
    );
  });

  test.each([
    ['that is not alone in its file', `${generatedModel(CALLS).text}where id > 1`],
    ['of another key', generatedModel({ ...CALLS, key: ['other'] }).text],
    ['below a template', `{% set x = 1 %}${generatedModel(CALLS).text}`],
  ])('%s is left to be parsed', (_, text) => {
    expect(parseGenerated(FILE, text, CALLS)).toBeUndefined();
  });

  test('is what nearly all bundled models are', async () => {
    const rules = modelledFeeds(await bundledCatalogue());
    const files = (await readProjectFiles([BUNDLED_MODELS])).filter(({ kind }) => kind === 'model');
    const known = files.filter(({ path, text }) => {
      const rule = rules.find(({ group, feed }) => path === `${group}/${feed}.sql`);
      const read = rule && parseGenerated(FILE, text, rule);
      if (read) expect(told(read)).toEqual(asTemplate(text, rule));
      return read !== undefined;
    });
    expect(known.length).toBeGreaterThan(files.length * 0.8);
  });
});
