// Says how large the unpacked npm package is, and how much a page loads for the core, and holds both to their limits.
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const UNPACKED_LIMIT = 100_000;
const CORE_LIMIT = 12_000;

const folder = process.argv[2];
const files = readdirSync(folder, { recursive: true }).filter((name) => statSync(join(folder, name)).isFile());
const unpacked = files.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);

/** A module of the package and all that it imports. */
function closure(name, found = new Set()) {
  if (found.has(name)) return found;
  found.add(name);
  const text = readFileSync(join(folder, 'dist', name), 'utf8');
  for (const [, other] of text.matchAll(/\b(?:from|import)\s*"\.\/([^"]+)"/g)) closure(other, found);
  return found;
}
const core = [...closure('kubedom.js')];
const compressed = core.reduce((sum, name) => sum + gzipSync(readFileSync(join(folder, 'dist', name)), { level: 9 }).length, 0);

console.log(`npm package: ${unpacked} bytes in ${files.length} files; core: ${compressed} bytes in ${core.length} modules, gzip`);
if (unpacked > UNPACKED_LIMIT) throw new Error(`The package is larger than ${UNPACKED_LIMIT} bytes.`);
if (compressed > CORE_LIMIT) throw new Error(`The core is larger than ${CORE_LIMIT} bytes.`);
