import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchContext } from './bench.ts';
import { FEED, hourFolder } from './feed.ts';
import { compared, summarize } from './measurement.ts';
import { type CommandRun, Project } from './project.ts';
import { inTurn } from './rounds.ts';
import { rowOf } from './sql.ts';
import { hoursOf, warm } from './staging.ts';

const HOURS = 12;
const REJECTED_LINES = 1_000_000;

/**
 * `load` of files that cannot be read the fast way: one flag that fits in no row, against the same files as they should be;
 * and files of lines that are all rejected, as text that is cut off and as UTF-16.
 */
export async function careful(context: BenchContext): Promise<void> {
  await misfits(context);
  for (const encoding of ['utf8', 'utf16le'] as const) await rejects(context, encoding);
}

/** What the flag is in each row: a text can be rescued as it is read, a number's own digits only with care. */
const ODD = [
  { what: 'load of files in which one flag fits in no row', json: '"yes"', target: 2, limit: 3 },
  { what: 'the same, where the flag is a number with a point', json: '1.5', target: 2, limit: 3 },
] as const;

async function misfits({ folder, bytes, report, note }: BenchContext): Promise<void> {
  const shape = await hoursOf(bytes / 6, HOURS);
  const clean = await Project.create(join(folder, 'clean'));
  note(`writing ${HOURS} files, ${1 + ODD.length} times`);
  const size = await warm(await clean.writeHours(shape, 0, HOURS));
  const rows = shape.rowsPerHour * HOURS;
  const projects = [clean];
  for (const [index, { json }] of ODD.entries()) {
    // A run that a person should look at does not end with 0.
    const odd = await Project.create(join(folder, `odd-${index}`), ['max_misfits: 100%']);
    const files = await odd.writeHours(shape, 0, HOURS);
    for (const file of files) {
      const text = await readFile(file, 'utf8');
      await writeFile(file, text.replaceAll(/"assisted":[^,}]+/g, `"assisted":${json}`));
    }
    await warm(files);
    projects.push(odd);
  }
  note('staging them');
  const load = (project: Project) => async () => {
    await project.reset();
    return project.run('load');
  };
  const [cleanLoads = [], ...oddLoads] = (await inTurn<CommandRun>(...projects.map(load))) as CommandRun[][];
  const what = 'load of files in which all fits';
  report({ what, ...summarize(cleanLoads), bytes: size, rows });
  for (const [index, loads] of oddLoads.entries()) {
    const { misfit } = await rowOf<{ misfit: number }>(
      (projects[index + 1] as Project).warehouse,
      `SELECT count(*) AS misfit FROM staging_messaging.${FEED} WHERE _rescued ->> 'assisted' IS NOT NULL`,
    );
    if (misfit !== rows) throw new Error(`${misfit} of ${rows} flags were rescued`);
    const { json: _, ...odd } = ODD[index] as (typeof ODD)[number];
    report({
      ...odd,
      ...summarize(loads),
      bytes: size,
      rows,
      ...compared(loads, cleanLoads, what),
      measure: 'ratio',
      target: 3,
    });
  }
  for (const project of projects) await rm(project.folder, { recursive: true });
}

async function rejects(
  { folder, scale, report, note }: BenchContext,
  encoding: 'utf8' | 'utf16le',
): Promise<void> {
  const lines = Math.round(REJECTED_LINES * scale);
  const kind = encoding === 'utf8' ? 'lines that are cut off' : 'lines of UTF-16';
  const project = await Project.create(join(folder, encoding), [`max_rejected_rows: ${2 * lines}`]);
  note(`writing ${lines} ${kind}`);
  const partition = join(project.feeds, hourFolder(0));
  await mkdir(partition, { recursive: true });
  const text = Array.from({ length: lines }, (_, i) => `{"issue_id":${i},"device_type":"mob\n`).join('');
  await writeFile(join(partition, `${FEED}.jsonl`), Buffer.from(text, encoding));
  await writeFile(join(partition, '_SUCCESS'), '');
  note('rejecting them');
  report({
    what: `load of ${kind}`,
    ...summarize([await project.run('load')]),
    rows: lines,
    measure: 'seconds',
    target: 60,
  });
  await rm(project.folder, { recursive: true });
}
