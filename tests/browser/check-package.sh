#!/bin/sh
# Makes the npm package as `npm publish` would, and checks it: its content, its size, publint, and are-the-types-wrong.
. "$(dirname "$0")/web-tools.sh"

packed=$(mktemp -d)
trap 'rm -rf "$packed"' EXIT
# The package's own scripts say `node`.
PATH="$node_home/bin:$PATH"
export PATH
(cd web && "$node" "$npm" pack --loglevel=error --pack-destination "$packed" >/dev/null)
tar -xzf "$packed"/kubedom-*.tgz -C "$packed"
"$node" tests/browser/package-size.mjs "$packed/package"
"$node" "$tools/node_modules/publint/src/cli.js" run --strict "$packed"/kubedom-*.tgz
# Whoever uses it has a browser, where there is no CommonJS.
exec "$node" "$tools/node_modules/@arethetypeswrong/cli/dist/index.js" --profile esm-only "$packed"/kubedom-*.tgz
