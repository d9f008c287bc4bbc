import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { absolutePath, expandHome } from '../src/files.ts';

describe('expandHome', () => {
  it.each([
    ['~', '/home/ann'],
    ['~/.ssh/asapp', '/home/ann/.ssh/asapp'],
    ['~bob/x', '~bob/x'],
    ['./~/x', './~/x'],
    ['/a', '/a'],
  ])('turns %s into %s', (path, expected) => {
    expect(expandHome(path, '/home/ann')).toBe(expected);
  });

  it('takes the home folder of the user who runs it', () => {
    expect(expandHome('~/x')).toBe(join(homedir(), 'x'));
  });
});

describe('absolutePath', () => {
  it.each([
    ['./feeds', '/etl/feeds'],
    ['../feeds/', '/feeds'],
    ['/feeds', '/feeds'],
    ['~/feeds', '/home/ann/feeds'],
  ])('turns %s into %s', (path, expected) => {
    expect(absolutePath(path, '/etl', '/home/ann')).toBe(expected);
  });
});
