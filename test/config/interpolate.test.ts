// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of warehouse.yaml, not of this file
import { describe, expect, it } from 'vitest';
import { interpolate } from '../../src/config/interpolate.ts';

const env = { A: 'alpha', B: 'beta', EMPTY: '', REF: '${A}' };
const run = (text: string) => interpolate(text, env, '.env');

describe('interpolate', () => {
  it.each([
    ['plain', 'plain'],
    ['${A}', 'alpha'],
    ['x-${A}-${B}.y', 'x-alpha-beta.y'],
    ['${A:-other}', 'alpha'],
    ['${NONE:-other}', 'other'],
    ['${NONE:-http://a:1/?b=c-d}', 'http://a:1/?b=c-d'],
    ['${NONE:-}', ''],
    ['${EMPTY:-other}', 'other'],
    ['${EMPTY:-}', ''],
    ['$${A}', '${A}'],
    ['$$${A}', '$${A}'],
    ['$${A}${A}', '${A}alpha'],
    ['$A $ {A} $$ 5$', '$A $ {A} $$ 5$'],
    ['a}b', 'a}b'],
  ])('%s gives %s', (text, expected) => {
    expect(run(text)).toMatchObject({ text: expected, problems: [] });
  });

  it('does not interpolate what a variable holds', () => {
    expect(run('${REF}').text).toBe('${A}');
  });

  it('says which variables it used', () => {
    expect(run('${A} ${NONE:-x} $${B}').variables).toEqual(['A', 'NONE']);
  });

  it('refuses an unset variable and an empty one', () => {
    expect(run('${NONE}').problems).toEqual(['${NONE} is not set: set it in the environment, or in .env']);
    expect(run('${EMPTY}').problems).toEqual([
      '${EMPTY} is empty: set it in the environment, or in .env; ${EMPTY:-} allows an empty text',
    ]);
  });

  it('takes only variables, not the properties that every object has', () => {
    expect(run('${constructor}').problems).toHaveLength(1);
  });

  it.each(['${', '${}', '${A', '${1A}', '${A-x}', '${A:x}', '${A B}', '${A:-${B}}', 'pw${d'])(
    'refuses %s, without showing it',
    (text) => {
      expect(run(text).problems).toEqual([expect.stringMatching(/^a variable is written \$\{NAME\} or /)]);
    },
  );
});
