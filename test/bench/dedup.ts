import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchContext } from './bench.ts';
import { compared, summarize } from './measurement.ts';
import { inTurn } from './rounds.ts';
import {
  type BuildSample,
  buildAsVendor,
  buildModel,
  mustAgree,
  ROWS_PER_HOUR,
  stagedProject,
  writeAlone,
} from './staged.ts';

const HOURS = 167;

const SHAPES = [
  { name: '10 versions a record', versions: 10, target: 0.25 },
  { name: '2.5 versions a record', versions: 2.5, target: 0.45 },
  { name: 'hardly any duplicates', versions: 1.02, target: 0.66 },
];

/**
 * A full build of a dedup model by the real command, over 5 M staged rows, against the plain query of the vendor's guide as
 * CREATE TABLE in the same file, in a process of its own. What is compared is the making of the table with its commit;
 * beside that, the writing of its rows alone, which no build can do without, and both processes as a whole, ours up to
 * where it begins to publish.
 */
export async function dedup({ folder, scale, report, note }: BenchContext): Promise<void> {
  for (const { name, versions, target } of SHAPES) {
    note(`staging ${HOURS} hours, ${name}`);
    const path = join(folder, String(versions));
    const shape = { rowsPerHour: Math.ceil(ROWS_PER_HOUR * scale), versions };
    const project = await stagedProject(path, shape, HOURS);
    note(`building, ${name}`);
    const [ours, vendors, written] = (await inTurn(
      () => buildModel(project, '--full-refresh'),
      () => buildAsVendor(project),
      () => writeAlone(project),
    )) as [BuildSample[], BuildSample[], BuildSample[]];
    const { staged } = await mustAgree(project);
    const whole = (samples: readonly BuildSample[]) =>
      samples.map(({ command, others }) => ({ seconds: command, others }));

    const vendor = `vendor's query, ${name}`;
    report({ what: vendor, ...summarize(vendors), rows: staged });
    report({
      what: `full build, ${name}`,
      ...summarize(ours),
      rows: staged,
      ...compared(ours, vendors, vendor),
      measure: 'ratio',
      target,
    });
    report({
      what: `writing the rows of that alone, ${name}`,
      ...summarize(written),
      ...compared(written, vendors, vendor),
    });
    report({ what: `${vendor}, whole process`, ...summarize(whole(vendors)), rows: staged });
    report({
      what: `full build, ${name}, whole process up to publishing`,
      ...summarize(whole(ours)),
      rows: staged,
      ...compared(whole(ours), whole(vendors), `${vendor}, whole process`),
    });
    await rm(path, { recursive: true });
  }
}
