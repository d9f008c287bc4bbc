import { expect, test } from 'vitest';
import { html, raw } from '../../src/web/html.ts';

test('a text in HTML is never markup', () => {
  expect(html`<b title="${`"><i onclick='x'>`}">${'<script>&amp;</script>'}</b>`.text).toBe(
    '<b title="&quot;&gt;&lt;i onclick=&#39;x&#39;&gt;">&lt;script&gt;&amp;amp;&lt;/script&gt;</b>',
  );
});

test('pieces of HTML go into others as they are, lists one after the other, and nothing as nothing', () => {
  const items = ['a', '<'].map((text) => html`<li>${text}</li>`);
  expect(html`<ul>${items}${undefined}${null}${false}${0}${raw('<hr>')}</ul>`.text).toBe(
    '<ul><li>a</li><li>&lt;</li>0<hr></ul>',
  );
});

test('characters that hide or turn text are shown for what they are', () => {
  expect(html`${'a\u0000b\u001b[31m\u202ec\u0085\td\n'}`.text).toBe(
    'a\\u0000b\\u001b[31m\\u202ec\\u0085\td\n',
  );
});
