import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactor } from '../src/redact.ts';

describe('redactor', () => {
  it('hides every occurrence of every secret', () => {
    const redact = redactor(['hunter22', 's3cr3t/key+']);
    expect(redact('login hunter22 with s3cr3t/key+ (hunter22)')).toBe(
      'login [redacted] with [redacted] ([redacted])',
    );
    expect(redact('nothing to hide')).toBe('nothing to hide');
  });

  it.each([
    ['in a URL', 'https://host/?p=pa%20ss%2Fw%C3%B6rd%21%22'],
    ['in a URL, with small letters', 'https://host/?p=pa%20ss%2fw%c3%b6rd!%22'],
    ['in a form', 'p=pa+ss%2Fw%C3%B6rd%21%22&q=1'],
    ['in JSON', '{"p":"pa ss/wörd!\\""}'],
  ])('hides a secret as it is spelled %s', (_, text) => {
    const shown = redactor(['pa ss/wörd!"'])(text);
    expect(shown).toContain('[redacted]');
    expect(shown).not.toMatch(/ss|rd/);
  });

  it('leaves nothing of secrets that contain or overlap each other', () => {
    expect(redactor(['hunter', 'hunter22-long'])('is hunter22-long here')).toBe('is [redacted] here');
    expect(redactor(['abcd', 'cdefgh'])('xabcdefghx')).toBe('x[redacted]x');
    expect(redactor(['aaaa'])('aaaaaa')).toBe('[redacted]');
  });

  it('does not look for texts of fewer than four characters, or the log would be full of holes', () => {
    expect(redactor(['', 'a', '123'])('a file of 12345 lines')).toBe('a file of 12345 lines');
    expect(redactor(['a'])('the warehouse')).toBe('the warehouse');
  });

  it('hides a longer secret even within a word, such as an address that was encoded', () => {
    expect(redactor(['hunter2'])('next=p%3Dhunter2%26q')).toBe('next=p%3D[redacted]%26q');
  });

  it('hides the signature of a presigned address', () => {
    const url =
      'https://b.s3.amazonaws.com/f.jsonl?X-Amz-Credential=AKIAEXAMPLE%2F20260131&X-Amz-Date=20260131T000000Z&X-Amz-Security-Token=FwoGZX%3D&X-Amz-Signature=0a1b2c';
    expect(redactor([])(`GET ${url} failed`)).toBe(
      'GET https://b.s3.amazonaws.com/f.jsonl?X-Amz-Credential=[redacted]&X-Amz-Date=20260131T000000Z&X-Amz-Security-Token=[redacted]&X-Amz-Signature=[redacted] failed',
    );
  });

  it('never shows a secret, whatever stands around it', () => {
    // Letters that do not occur in `[redacted]`, which is in the result.
    const secret = fc.stringMatching(/^[xyz/+ "%]{4,8}$/);
    fc.assert(
      fc.property(secret, secret, fc.array(fc.constantFrom('x', 'y', '/', '"', ' ')), (one, two, around) => {
        const text = `${around.join('')}${one}${two}${encodeURIComponent(one)}${JSON.stringify(two)}`;
        const shown = redactor([one, two])(text);
        expect(shown).not.toContain(one);
        expect(shown).not.toContain(two);
      }),
    );
  });
});
