// Writes web/messages.d.ts from docs/kubedom.v1.schema.json; with `--check` it only says whether that file is current.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const root = new URL('../../', import.meta.url);
const { compile } = createRequire(new URL('.venv/web-tools/', root))('json-schema-to-typescript');
const target = new URL('web/messages.d.ts', root);
const schema = JSON.parse(readFileSync(new URL('docs/kubedom.v1.schema.json', root), 'utf8'));
const options = {
  // Types are open as they are; an index signature would let every misspelt field pass.
  additionalProperties: false,
  unknownAny: false,
  style: { singleQuote: true, printWidth: 120 },
};
const banner = '// Generated from docs/kubedom.v1.schema.json by `tests/browser/check-types.sh --write`: do not edit it.';

let types = await compile(schema, schema.title, { ...options, bannerComment: banner });
for (const [name, definition] of Object.entries(schema.$defs)) {
  // Of the definitions that no message refers to.
  if (new RegExp(`^export (type|interface) ${name}\\b`, 'm').test(types)) continue;
  types += await compile(definition, name, { ...options, bannerComment: '' });
}

if (!process.argv.includes('--check')) {
  writeFileSync(target, types);
} else if (readFileSync(target, 'utf8') !== types) {
  console.error('web/messages.d.ts is not what docs/kubedom.v1.schema.json gives: run tests/browser/check-types.sh --write');
  process.exit(1);
}
