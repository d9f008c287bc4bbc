import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchContext } from './bench.ts';
import { summarize } from './measurement.ts';
import { Project } from './project.ts';
import { hoursOf, warm } from './staging.ts';

/** The most memory that `load` has resident with `memory_limit: 1GB`: hourly files, and the same text in one file. */
export async function memory({ folder, bytes, report, note }: BenchContext): Promise<void> {
  for (const hours of [48, 1]) {
    const shape = await hoursOf(bytes, hours);
    note(`writing ${hours} files`);
    const path = join(folder, String(hours));
    const project = await Project.create(path, ['memory_limit: 1GB']);
    const size = await warm(await project.writeHours(shape, 0, hours));
    note(`staging ${hours} files`);
    report({
      what: `load of ${hours === 1 ? 'one file' : `${hours} files`}, memory_limit 1GB`,
      ...summarize([await project.run('load')]),
      bytes: size,
      rows: shape.rowsPerHour * hours,
    });
    await rm(path, { recursive: true });
  }
}
