# `make run` shows a cluster; `make test` runs every check. Both set up what they need in .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test

run: .venv/ready
	$(BIN)/kubedom run $(if $(KUBECONFIG),,--demo) $(ARGS)

test: .venv/ready
	tests/install-browsers.sh
	tests/check.sh

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@
