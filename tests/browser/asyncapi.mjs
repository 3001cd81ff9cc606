// Validates docs/kubedom.v1.asyncapi.json together with the schema that it refers to.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);
const { DiagnosticSeverity, Parser } = createRequire(new URL('.venv/web-tools/', root))('@asyncapi/parser');
const source = fileURLToPath(new URL('docs/kubedom.v1.asyncapi.json', root));

const { document, diagnostics } = await new Parser().parse(readFileSync(source, 'utf8'), { source });
const faults = diagnostics.filter(({ severity }) => severity <= DiagnosticSeverity.Warning);
for (const { path, message } of faults) console.error(`docs/kubedom.v1.asyncapi.json: ${path.join('.')}: ${message}`);
// Without a document the parser could not read it at all.
process.exit(document && faults.length === 0 ? 0 : 1);
