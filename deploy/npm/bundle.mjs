// Makes web/dist for `npm pack`, which calls it by itself; with --clean it takes it away again, so that nobody serves it.
//
// web/ is served as it is, readable and without a build. The npm package is for those who bundle anyway: it has the same modules
// minified and joined (`exports` in web/package.json says which are entries), the types, and the elements' manifest.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const web = new URL('../../web/', import.meta.url);
const dist = new URL('dist/', web);
/**
 * Named by its address, so that bundlers copy the file and do not look into it: it is complete in itself. Pages without a
 * SharedWorker import the hub from the same file.
 */
const WORKER = 'hub-worker.js';
const TYPES = ['index.d.ts', 'fake-types.d.ts', 'messages.d.ts', 'failures.d.ts', 'widgets/index.d.ts'];
/** Generated, and described in docs/protocol.md and docs/failures.md; one line a declaration is enough for compilers. */
const WITHOUT_COMMENTS = new Set(['messages.d.ts', 'failures.d.ts']);

/** A tool from `npm ci` in web/, or from those of tests/browser/check-types.sh. */
function tool(name) {
  for (const place of [web, new URL('../.venv/web-tools/', web)]) {
    try {
      return createRequire(place)(name);
    } catch {
      // Perhaps it is in the next place.
    }
  }
  throw new Error(`${name} is missing. Run \`npm ci\` in web/, or tests/browser/check-types.sh.`);
}

/** Line breaks and indentation of the widgets' style sheets are for those who read the source. */
const compactSheets = {
  name: 'compact-sheets',
  setup(build) {
    build.onLoad({ filter: /\/widgets\/[^/]+\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace(/\bsheet\(`[^`]+`/g, (sheet) => sheet.replace(/\n\s*/g, '').replace(/(?<=[:;{,]) | (?=[{}])/g, '')),
    }));
  },
};

function read(name) {
  return readFileSync(new URL(name, web), 'utf8');
}

const hubFromWorker = {
  name: 'hub-from-worker',
  setup(build) {
    build.onResolve({ filter: /^\.\/hub\.js$/ }, () => ({ path: `./${WORKER}`, external: true }));
  },
};

async function bundle() {
  const { exports } = JSON.parse(read('package.json'));
  const entries = Object.values(exports).map((each) => each.default?.replace('./dist/', ''));
  const options = {
    absWorkingDir: fileURLToPath(web),
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
  };
  const { build } = tool('esbuild');
  await build({
    ...options,
    entryPoints: entries.filter((name) => name?.endsWith('.js')),
    outdir: 'dist',
    // What two entries share is one module, so that an event of one is an instance of the other's class.
    splitting: true,
    plugins: [compactSheets, hubFromWorker],
  });
  await build({
    ...options,
    stdin: { contents: `import './${WORKER}'; export { Hub } from './hub.js';`, resolveDir: fileURLToPath(web) },
    outfile: `dist/${WORKER}`,
  });
}

/** As tsc does it with `stripInternal`: what only the SDK's own modules need is not for others to rely on. */
function withoutInternal(source) {
  const text = source.getFullText();
  const isInternal = (node) => text.slice(node.getFullStart(), node.getStart(source)).includes('@internal');
  return source.statements.map((each) => (isInternal(each) ? '' : text.slice(each.getFullStart(), each.end))).join('');
}

function copyTypes() {
  const ts = tool('typescript');
  const printer = ts.createPrinter({ removeComments: true });
  mkdirSync(new URL('widgets/', dist), { recursive: true });
  for (const name of TYPES) {
    const source = ts.createSourceFile(name, read(name), ts.ScriptTarget.Latest);
    const text = WITHOUT_COMMENTS.has(name)
      ? printer.printFile(source).replace(/\n *(?!export |import )/g, '')
      : withoutInternal(source).replace(/^ +(?! )/gm, narrow);
    // Known names or any other text is any text, to the compiler too.
    const known = /(?<=export type EventType =)[^;]+\| string;/;
    writeFileSync(new URL(name, dist), text.replace(known, ' string;').replace(/^\/\/ -+ .*\n\n/gm, ''));
  }
}

/** @param {string} indentation */
function narrow(indentation) {
  return ' '.repeat(Math.ceil(indentation.length / 4));
}

/** As names; what they mean is in the types and in docs/sdk.md. */
function copyManifest() {
  const manifest = JSON.parse(read('custom-elements.json'));
  for (const module of manifest.modules) {
    module.path = `dist/${module.path}`;
    module.exports = module.exports.filter(({ kind }) => kind === 'custom-element-definition');
    for (const declaration of module.declarations) {
      delete declaration.members;
      // Nobody writes a tag of these; the cluster's element makes them.
      if (!/^kube-(cluster|button|count|healthcheck|modal)$/.test(declaration.tagName)) delete declaration.description;
      for (const list of Object.values(declaration).filter(Array.isArray)) {
        for (const item of list) for (const key of ['description', 'type', 'fieldName']) delete item[key];
      }
    }
  }
  const placed = (key, value) => (key === 'module' ? undefined : value);
  writeFileSync(new URL('custom-elements.json', dist), JSON.stringify(manifest, placed));
}

rmSync(dist, { recursive: true, force: true });
if (!process.argv.includes('--clean')) {
  await bundle();
  copyTypes();
  copyManifest();
}
