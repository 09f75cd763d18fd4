// Builds dist/: one script and one style sheet, which both the server's page (index.html) and every
// report.html use. The same sources and lock file give the same bytes.
//
//   node build.mjs            writes dist/
//   node build.mjs --check    builds elsewhere and fails if dist/ differs
import {svelte, vitePreprocess} from '@sveltejs/vite-plugin-svelte';
import {cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {gzipSync} from 'node:zlib';
import {build} from 'vite';

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, 'dist');
const MOST_BYTES = 1_000_000;
const MOST_COMPRESSED_BYTES = 500_000;

// report.html holds the script inline: nothing in it may end a script element or open a comment
// there. All of these stand in strings, templates and patterns, where \x3c is the same character.
const forInlining = script => script.replace(/<(?=!--|\/?script)/gi, '\\x3c');

async function buildInto(folder) {
  await build({
    root: here,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    plugins: [svelte({configFile: false, preprocess: vitePreprocess(), compilerOptions: {runes: true}})],
    build: {
      outDir: folder,
      emptyOutDir: true,
      target: 'es2022',
      cssCodeSplit: false,
      modulePreload: false,
      rollupOptions: {
        input: join(here, 'src/main.ts'),
        output: {
          format: 'iife',
          entryFileNames: 'page.js',
          assetFileNames: 'page.[ext]',
        },
      },
    },
    esbuild: {legalComments: 'none', charset: 'ascii'},
  });
  const script = join(folder, 'page.js');
  writeFileSync(script, forInlining(readFileSync(script, 'utf8')));
  cpSync(join(here, 'static'), folder, {recursive: true});
}

function sizes(folder) {
  let bytes = 0, compressed = 0;
  for (const name of readdirSync(folder)) {
    const content = readFileSync(join(folder, name));
    bytes += content.length;
    compressed += gzipSync(content).length;
  }
  return {bytes, compressed};
}

function differences(expected, found) {
  const names = new Set([...readdirSync(expected), ...readdirSync(found)]);
  const content = (folder, name) => {
    try {
      return readFileSync(join(folder, name), 'utf8');
    } catch {
      return null;
    }
  };
  return [...names].filter(name => content(expected, name) !== content(found, name)).sort();
}

const check = process.argv.includes('--check');
const folder = check ? mkdtempSync(join(tmpdir(), 'visavis-web-')) : dist;
try {
  await buildInto(folder);
  const {bytes, compressed} = sizes(folder);
  console.log(`page: ${bytes} bytes, ${compressed} compressed`);
  let wrong = [];
  if (bytes > MOST_BYTES) wrong.push(`${bytes} bytes, wanted at most ${MOST_BYTES}`);
  if (compressed > MOST_COMPRESSED_BYTES)
    wrong.push(`${compressed} bytes compressed, wanted at most ${MOST_COMPRESSED_BYTES}`);
  if (check)
    for (const name of differences(folder, dist))
      wrong.push(`web/dist/${name} is not what its sources give: run ./dev web and commit it`);
  for (const line of wrong) console.error(line);
  process.exitCode = wrong.length > 0 ? 1 : 0;
} finally {
  if (check) rmSync(folder, {recursive: true, force: true});
}
