# `make run` shows a cluster; `make test` runs every check; `make dist` makes the packages of a release. Each sets up what it
# needs in .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test dist

run: .venv/ready
	$(BIN)/kubedom run $(if $(KUBECONFIG),,--demo) $(ARGS)

test: .venv/ready
	tests/install-browsers.sh
	tests/install-image-tools.sh
	tests/check.sh

dist: .venv/ready
	rm -rf dist
	$(BIN)/uv build --quiet --out-dir dist
	deploy/npm/pack.sh dist

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@
