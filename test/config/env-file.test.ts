import { parse } from 'dotenv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { setVariables } from '../../src/config/env-file.ts';

describe('setVariables', () => {
  it.each([
    ['makes a file', '', 'KEY=new\n'],
    ['adds a line', 'OTHER=1\n', 'OTHER=1\nKEY=new\n'],
    ['adds a line behind one without an end', 'OTHER=1', 'OTHER=1\nKEY=new\n'],
    ['replaces a line in its place', '# mine\nKEY=old\nOTHER=1\n', '# mine\nKEY=new\nOTHER=1\n'],
    ['never has a variable twice', 'KEY=1\nOTHER=1\n KEY = 2\n', 'KEY=new\nOTHER=1\n'],
    ['keeps an export', 'export KEY="old"  # why\n', 'export KEY=new\n'],
    ['knows the other way to write it', 'KEY: old\n', 'KEY=new\n'],
    ['leaves similar names alone', 'MY_KEY=1\nKEY_2=2\n#KEY=3\n', 'MY_KEY=1\nKEY_2=2\n#KEY=3\nKEY=new\n'],
    ['keeps line ends', 'OTHER=1\r\n\r\nKEY=old\r\n', 'OTHER=1\r\n\r\nKEY=new\r\n'],
    ['keeps blank lines and comments', '\n# a\n\nOTHER=1 # b\n\n', '\n# a\n\nOTHER=1 # b\n\nKEY=new\n'],
  ])('%s', (_, before, after) => {
    expect(setVariables(before, { KEY: 'new' })).toBe(after);
  });

  it('sets several variables', () => {
    expect(setVariables('B=1\n', { A: 'x', B: 'y' })).toBe('B=y\nA=x\n');
  });

  it('writes values so that they are read back', () => {
    const value = fc.stringMatching(/^[\x21-\x7e]{1,40}$/).filter((text) => !/['"`\\$]/.test(text));
    fc.assert(
      fc.property(value, (secret) => {
        expect(parse(setVariables('OTHER=1\n', { KEY: secret }))).toEqual({ OTHER: '1', KEY: secret });
      }),
    );
    expect(parse(setVariables('', { KEY: 'wJalr/K7+x=#"y' }))).toEqual({ KEY: 'wJalr/K7+x=#"y' });
  });

  it.each([
    ['values over several lines', 'OTHER="a\nKEY=inside\nb"\n'],
    ['a quote that is not closed', 'OTHER="a\n'],
  ])('never changes the meaning of a file with %s', (_, before) => {
    let after: string | undefined;
    try {
      after = setVariables(before, { KEY: 'new' });
    } catch (error) {
      expect((error as Error).message).toContain('is left alone');
      expect((error as Error).message).not.toContain('new');
    }
    if (after !== undefined) expect(parse(after)).toEqual({ ...parse(before), KEY: 'new' });
  });
});
