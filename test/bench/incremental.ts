import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchContext } from './bench.ts';
import { compared, type Sample, summarize } from './measurement.ts';
import { round } from './numbers.ts';
import { inTurn } from './rounds.ts';
import {
  type BuildSample,
  buildAsVendor,
  buildModel,
  copyAlone,
  mustAgree,
  newHour,
  ROWS_PER_HOUR,
  stagedProject,
} from './staged.ts';

/** Staged rows, in hours of {@link ROWS_PER_HOUR}: 1, 5 and 20 million. */
const SIZES = [34, 167, 667];
/** The one that the vendor's query is run on. */
const COMPARED = 167;

/**
 * One new hour into 1, 5 and 20 M staged rows: `load`, then an incremental `build` of just that, against the vendor's
 * query over the 5 M; and how it grows with what is staged already. Each round brings another hour.
 */
export async function incremental({ folder, scale, report, note }: BenchContext): Promise<void> {
  const shape = { rowsPerHour: Math.ceil(ROWS_PER_HOUR * scale), versions: 2.5 };
  const medians: number[] = [];
  for (const hours of SIZES) {
    const size = `${round((hours * ROWS_PER_HOUR) / 1e6, 0)} M`;
    note(`staging ${hours} hours`);
    const path = join(folder, String(hours));
    const project = await stagedProject(path, shape, hours);
    await buildModel(project);
    note(`building one hour more, ${size} staged rows`);
    let next = hours;
    const loads: Sample[] = [];
    const measures = [
      async () => {
        await newHour(project, shape, next);
        next += 1;
        loads.push(await project.run('load'));
        return buildModel(project);
      },
      ...(hours === COMPARED ? [() => buildAsVendor(project)] : []),
    ];
    const [ours, vendors] = (await inTurn(...measures)) as [BuildSample[], BuildSample[] | undefined];
    // One more build of the vendor's table, since hours may have come after the last.
    await buildAsVendor(project);
    const { staged } = await mustAgree(project);

    const vendor = `vendor's query, ${size} staged rows`;
    if (vendors) report({ what: vendor, ...summarize(vendors), rows: staged });
    report({
      what: `load of an hour into ${size} staged rows`,
      ...summarize(loads),
      rows: shape.rowsPerHour,
    });
    report({
      what: `build after an hour into ${size} staged rows`,
      ...summarize(ours),
      rows: shape.rowsPerHour,
      ...(vendors && {
        ...compared(ours, vendors, vendor),
        measure: 'ratio',
        target: 0.02,
      }),
    });
    const publishes = ours.map(({ publishing, others }) => ({ seconds: publishing, others }));
    const [copies] = (await inTurn(() => copyAlone(project))) as [Sample[]];
    const copying = `cp of the published file, ${size} staged rows`;
    report({ what: copying, ...summarize(copies) });
    report({
      what: `publishing that and closing, ${size} staged rows`,
      ...summarize(publishes),
      ...compared(publishes, copies, copying),
      measure: 'ratio',
      target: 1.3,
    });
    medians.push(summarize(ours).seconds as number);
    await rm(path, { recursive: true });
  }
  const [smallest, , largest] = medians as [number, number, number];
  report({
    what: 'growth of that build from 1 M to 20 M staged rows',
    ratio: round(largest / smallest, 2),
    ratio_to: 'build after an hour into 1 M staged rows',
  });
}
