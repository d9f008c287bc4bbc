import { expect, it } from 'vitest';
import { Disk } from '../../src/connectors/disk.ts';

const now = async () => 'by another thread';

function taking(milliseconds: number): () => string {
  return () => {
    const end = performance.now() + milliseconds;
    while (performance.now() < end);
    return 'directly';
  };
}

it('a disk that answers fast is asked directly', async () => {
  const disk = new Disk();
  for (let call = 0; call < 1000; call += 1) expect(await disk.ask(taking(0), now)).toBe('directly');
});

it('a disk that has to look is asked by another thread from then on', async () => {
  const disk = new Disk();
  expect(await disk.ask(taking(60), now)).toBe('directly');
  expect(await disk.ask(taking(0), now)).toBe('by another thread');
});

it('what a disk refuses is told either way', async () => {
  const fails = () => {
    throw new Error('no');
  };
  await expect(new Disk().ask(fails, now)).rejects.toThrow('no');
});
