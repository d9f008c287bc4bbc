import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench } from './bench.ts';
import { careful } from './careful.ts';
import { dedup } from './dedup.ts';
import { hour } from './hour.ts';
import { idle } from './idle.ts';
import { incremental } from './incremental.ts';
import { describeMachine, type Measurement } from './measurement.ts';
import { memory } from './memory.ts';
import { s3 } from './s3.ts';
import { rowOf } from './sql.ts';
import { staging } from './staging.ts';
import { start } from './start.ts';
import { table } from './table.ts';
import { transfer } from './transfer.ts';

/**
 * `npm run bench [-- name… --size 1GB --keep]`: measures the built command on data of its own. A JSON line a
 * measurement on stdout, a table for people on stderr. Each bench's file says what it does.
 *
 * Times depend on the machine; a ratio is of two things measured in turn on the same one, by the same run.
 */
const BENCHES: Record<string, Bench> = {
  staging,
  careful,
  dedup,
  incremental,
  hour,
  idle,
  start,
  memory,
  transfer,
  s3,
};

const FULL_SIZE = 1e9;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { size: { type: 'string', default: '1GB' }, keep: { type: 'boolean', default: false } },
});
const names = positionals.length > 0 ? positionals : Object.keys(BENCHES);
const bytes = sizeOf(values.size);
const unknown = names.find((name) => !(name in BENCHES));
if (unknown !== undefined || bytes === undefined) {
  const wrong =
    bytes === undefined
      ? `${values.size} is not a size such as 200MB or 1GB`
      : `no bench is named ${unknown}`;
  process.stderr.write(
    `${wrong}\nusage: npm run bench -- [${Object.keys(BENCHES).join('|')}]… [--size 1GB] [--keep]\n`,
  );
  process.exit(2);
}

const { duckdb } = await rowOf<{ duckdb: string }>(':memory:', "SELECT ltrim(version(), 'v') AS duckdb");
const machine = describeMachine(duckdb);
const measurements: Measurement[] = [];
const note = (text: string) => process.stderr.write(`${new Date().toISOString().slice(11, 19)}  ${text}\n`);
const root = await mkdtemp(join(tmpdir(), 'asapp-warehouse-bench-'));
try {
  for (const name of names) {
    const folder = join(root, name);
    await mkdir(folder);
    await BENCHES[name]?.({
      folder,
      bytes,
      scale: bytes / FULL_SIZE,
      report(measured) {
        const { measure: _, target: __, limit: ___, ...bare } = measured;
        // What is aimed at holds for the full size: with less, starting up is most of it.
        const measurement = { bench: name, ...(bytes < FULL_SIZE ? bare : measured) };
        measurements.push(measurement);
        process.stdout.write(`${JSON.stringify({ ...measurement, machine })}\n`);
      },
      note: (text) => note(`${name}: ${text}`),
    });
    if (!values.keep) await rm(folder, { recursive: true });
  }
} finally {
  process.stderr.write(`\n${table(measurements, machine)}\n`);
  if (values.keep) note(`the data stays in ${root}`);
  else await rm(root, { recursive: true, force: true });
}

/** Bytes of `1GB`, `200MB`; undefined for what is no size. */
function sizeOf(text: string): number | undefined {
  const parts = /^(\d+(?:\.\d+)?) ?(KB|MB|GB)$/i.exec(text);
  if (!parts) return undefined;
  return (
    Number(parts[1]) * { KB: 1e3, MB: 1e6, GB: 1e9 }[(parts[2] as string).toUpperCase() as 'KB' | 'MB' | 'GB']
  );
}
