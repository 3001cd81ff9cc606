// Makes web/dist for `npm pack`, which calls it by itself; with --clean it takes it away again, so that nobody serves it.
//
// web/ is served as it is, readable and without a build. The npm package has the same modules minified and joined, for those
// who bundle anyway; which of them are entries is what `exports` in web/package.json says.
import { readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const web = new URL('../../web/', import.meta.url);
const dist = new URL('dist/', web);

/** esbuild from `npm ci` in web/, or from the tools of tests/browser/check-types.sh. */
function findEsbuild() {
  for (const place of [web, new URL('../.venv/web-tools/', web)]) {
    try {
      return createRequire(place)('esbuild');
    } catch {
      // Perhaps it is in the next place.
    }
  }
  throw new Error('esbuild is missing. Run `npm ci` in web/, or tests/browser/check-types.sh.');
}

rmSync(dist, { recursive: true, force: true });
if (!process.argv.includes('--clean')) {
  const { exports } = JSON.parse(readFileSync(new URL('package.json', web), 'utf8'));
  const outputs = Object.values(exports).map((each) => each.default ?? '').filter((path) => path.startsWith('./dist/'));
  await findEsbuild().build({
    absWorkingDir: fileURLToPath(web),
    entryPoints: outputs.map((path) => path.replace('./dist/', '')),
    outdir: 'dist',
    bundle: true,
    // What two entries share is one module, so that an event of one is an instance of the other's class.
    splitting: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
}
