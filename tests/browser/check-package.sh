#!/bin/sh
# Makes the npm package as `npm publish` would, and checks it: its content, its size, publint, and are-the-types-wrong.
. "$(dirname "$0")/web-tools.sh"

packed=$(mktemp -d)
trap 'rm -rf "$packed"' EXIT
deploy/npm/pack.sh "$packed"
tar -xzf "$packed"/kubedom-*.tgz -C "$packed"
"$node" tests/browser/package-size.mjs "$packed/package"
"$node" "$tools/node_modules/publint/src/cli.js" run --strict "$packed"/kubedom-*.tgz
# What an author writes compiles against what is in the package.
mkdir "$packed/node_modules"
ln -s ../package "$packed/node_modules/kubedom"
cp tests/browser/types/consumer.mts "$packed/"
for resolution in nodenext preserve; do
    "$node" "$tools/node_modules/typescript/bin/tsc" --noEmit --strict --target es2022 --lib es2023,dom,dom.iterable \
        --module "$resolution" "$packed/consumer.mts"
done
# Whoever uses it has a browser, where there is no CommonJS.
"$node" "$tools/node_modules/@arethetypeswrong/cli/dist/index.js" --profile esm-only --quiet "$packed"/kubedom-*.tgz
