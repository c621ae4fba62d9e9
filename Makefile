# Everything starts here: `make demo`, `make test`, `make run`. Needs Python 3.11+ and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_COMPILE = uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --no-emit-find-links --quiet --custom-compile-command "make lock" --group build

.PHONY: demo test run lint bench lock clean help
.DEFAULT_GOAL := help

help: ## list what there is
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

demo: $(VENV)/.run-ready ## replay the recorded week: alerts, then the weekly digest
	@$(BIN)/tapewatch demo $(ARGS)

run: $(VENV)/.run-ready ## run the bot (see README for tokens; ARGS=--dry-run sends nothing)
	@$(BIN)/tapewatch run $(ARGS)

test: $(VENV)/.dev-ready ## lint, types, import rules and tests
	@.ci/check $(BIN)

bench: $(VENV)/.bench-ready ## measure against peers and limits
	@$(BIN)/python -m benchmarks $(ARGS)

$(VENV)/.run-ready: requirements/run.txt pyproject.toml
	@PYTHON="$(PYTHON)" .ci/prepare $(VENV) requirements/run.txt
	@touch $@

$(VENV)/.dev-ready: requirements/dev.txt pyproject.toml
	@PYTHON="$(PYTHON)" .ci/prepare $(VENV) requirements/dev.txt
	@touch $@ $(VENV)/.run-ready

$(VENV)/.bench-ready: requirements/bench.txt pyproject.toml
	@PYTHON="$(PYTHON)" .ci/prepare $(VENV) requirements/bench.txt
	@touch $@ $(VENV)/.dev-ready $(VENV)/.run-ready

lock: ## pin every dependency again (needs uv)
	@$(UV_COMPILE) --output-file requirements/run.txt
	@$(UV_COMPILE) --group dev --all-extras --constraint requirements/run.txt --output-file requirements/dev.txt
	@$(UV_COMPILE) --group dev --group bench --all-extras --constraint requirements/dev.txt --output-file requirements/bench.txt

clean: ## remove the environment and caches
	@rm -rf $(VENV) *.egg-info build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
