import { expect, test } from 'vitest';
import { readProjectFiles } from '../../src/models/files.ts';
import { withParsedCopies } from '../../src/models/parsed-copy.ts';
import { parseProperties } from '../../src/models/properties.ts';
import { BUNDLED_MODELS } from '../../src/workspace/workspace.ts';

const bundled = async () =>
  (await readProjectFiles([BUNDLED_MODELS])).filter(({ kind }) => kind === 'properties');

test('the parsed copy says of each bundled properties file what the file says', async () => {
  const files = await withParsedCopies(await bundled());
  expect(files).not.toEqual([]);
  for (const { file, text, parsed } of files) expect(parsed).toEqual(parseProperties(file, text));
});

test('a properties file with another text than the copy has is not taken from it', async () => {
  const changed = (await bundled()).map((file) => ({ ...file, text: `${file.text}\n` }));
  for (const { parsed } of await withParsedCopies(changed)) expect(parsed).toBeUndefined();
});

test('a file of the same text in another folder is not taken from the copy, whose mistakes have places', async () => {
  const moved = (await bundled()).map((file) => ({ ...file, file: `elsewhere/${file.path}` }));
  for (const { parsed } of await withParsedCopies(moved)) expect(parsed).toBeUndefined();
});
