import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, type Plugin } from 'rolldown';

/**
 * `dist/`: the program with the code of its dependencies, in a few files, of which a command loads those that it needs.
 * Node takes longer to find and to link a thousand small modules than to run most commands.
 */
export default defineConfig({
  input: {
    'cli/main': 'src/cli/main.ts',
    'config/write-json-schema': 'src/config/write-json-schema.ts',
    'feeds/write-parsed-copy': 'src/feeds/write-parsed-copy.ts',
    'models/write-parsed-copy': 'src/models/write-parsed-copy.ts',
    'samples/demo': 'src/samples/demo.ts',
    'samples/example': 'src/samples/example.ts',
  },
  platform: 'node',
  // What has native code or WebAssembly, and openpgp, whose licence wants it to be replaceable.
  external: [/^@duckdb\/node-bindings/, /^@hpcc-js\//, /^ssh2/, 'openpgp'],
  transform: { target: 'node20.19' },
  plugins: [licences()],
  // Such as an import that is not found: it would only fail where the program is installed.
  onLog(level, { message }) {
    if (level === 'warn') throw new Error(message);
  },
  output: {
    dir: 'dist',
    cleanDir: true,
    entryFileNames: '[name].js',
    chunkFileNames: 'code/[name]-[hash].js',
    // For the lines of `src/` in a stack trace.
    sourcemap: true,
    sourcemapExcludeSources: true,
  },
});

/** Writes the licences of all packages whose code is in the bundle beside it, as they ask for. */
function licences(): Plugin {
  return {
    name: 'licences',
    generateBundle(_, bundle) {
      const modules = Object.values(bundle).flatMap((file) =>
        file.type === 'chunk' ? Object.keys(file.modules) : [],
      );
      const folders = modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []);
      // Many packages of one owner share a text.
      const packages = new Map<string, string[]>();
      for (const folder of [...new Set(folders)].sort()) {
        const { name, text } = licence(folder);
        packages.set(text, [...(packages.get(text) ?? []), name]);
      }
      const source = [...packages].map(([text, names]) => `${names.join('\n')}\n\n${text}\n`);
      this.emitFile({
        type: 'asset',
        fileName: 'THIRD-PARTY-LICENSES.txt',
        source: source.join(`\n${'-'.repeat(80)}\n\n`),
      });
    },
  };
}

/** @throws Error for a package whose licence is not said */
function licence(folder: string): { name: string; text: string } {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (!license) throw new Error(`${name} does not say under which licence it may be passed on`);
  const texts = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
    .map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return { name: `${name} ${version}: ${license}`, text: texts.join('\n\n') };
}
