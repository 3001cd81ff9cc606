#!/usr/bin/env bash
# Every check of the project, in the virtualenv: style, types, layers, and all tests. The first failure ends it.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
$bin/ruff check
$bin/ruff format --check
$bin/mypy
$bin/lint-imports
tests/browser/check-types.sh
tests/browser/check-package.sh
$bin/pytest "$@"
