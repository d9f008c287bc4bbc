import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchContext } from './bench.ts';
import { type Run, runScript, sibling } from './child.ts';
import { compared, summarize } from './measurement.ts';
import { COMMAND } from './project.ts';
import { inTurn } from './rounds.ts';

/** What a person waits for, and how many seconds of CPU time it may take. */
const ASKED: readonly { words: string[]; target: number; to: 'node' | 'duckdb' }[] = [
  { words: ['--version'], target: 0.12, to: 'node' },
  { words: ['help'], target: 0.12, to: 'node' },
  { words: ['status'], target: 0.3, to: 'duckdb' },
  { words: ['query', 'SELECT count(*) FROM messaging.convos_metrics'], target: 0.3, to: 'duckdb' },
];

/**
 * Whole processes that do little, with the demo's warehouse: what starting costs. Beside them what cannot be saved: Node
 * with nothing to do, and DuckDB's client, imported to open that warehouse and to select 1.
 */
export async function start({ folder, report, note }: BenchContext): Promise<void> {
  note('loading the demo');
  const asapp = async (words: readonly string[]): Promise<Run> => {
    const run = await runScript(COMMAND, words, { cwd: folder });
    if (run.exitCode !== 0) throw new Error(`${words.join(' ')} ended with ${run.exitCode}:\n${run.stderr}`);
    return run;
  };
  await asapp(['init', '--demo']);
  await asapp(['run', '--quiet']);

  note('starting commands');
  const nothing = join(folder, 'nothing.js');
  await writeFile(nothing, '');
  const [node = [], duckdb = [], ...asked] = await inTurn(
    () => runScript(nothing, []),
    () => runScript(sibling('open-script'), [join(folder, 'warehouse.duckdb')]),
    ...ASKED.map(
      ({ words }) =>
        () =>
          asapp(words),
    ),
  );
  const bare = {
    node: { what: 'Node, with nothing to do', samples: node },
    duckdb: { what: '@duckdb/node-api: open, SELECT 1', samples: duckdb },
  };
  for (const { what, samples } of Object.values(bare)) report({ what, ...summarize(samples) });
  for (const [index, { words, target, to }] of ASKED.entries()) {
    const samples = asked[index] ?? [];
    const { what, samples: others } = bare[to];
    report({
      what: words.join(' '),
      ...summarize(samples),
      ...compared(samples, others, what),
      measure: 'cpu_seconds',
      target,
    });
  }
}
