#!/usr/bin/env bash
# Every check of the project, in the virtualenv: style, types, layers, and all tests. The first failure ends it.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
# What tests/deploy runs is built from here on, beside the other checks; these tests wait for it.
nice $bin/python -m tests.deploy.tools &
tools=$!
trap 'kill $tools 2>/dev/null || true' EXIT
$bin/ruff check
$bin/ruff format --check
$bin/mypy
$bin/lint-imports
$bin/python -m tests.release.versions
tests/browser/check-types.sh
tests/browser/check-package.sh
# Many tests wait for a cluster or a browser, so two run at a time, each with a control plane of its own.
if (($#)); then
  $bin/pytest "$@"
else
  # One that ends early ends the run: what another one would go on with is not all that it left.
  $bin/pytest --numprocesses=2 --dist=loadfile --max-worker-restart=0
fi
wait $tools
