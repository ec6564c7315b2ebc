# Everything a person or a machine runs here. `make` alone explains the targets.

.DEFAULT_GOAL := help
.PHONY: help setup demo test adversarial generate suites accuracy bench soak fuzz quarter lint format clean

# Arguments of the demo (`make demo ARGS="--help"`), or of pytest (`make test ARGS="tests/wire -x"`).
ARGS ?=
# A corpus of attacks in the format of tests/adversarial/README.md.
CORPUS ?=
# How long to fuzz, all targets together.
MINUTES ?= 60

help: ## say what there is
	@awk -F ': .*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## create .venv from requirements.lock and compile; at once when nothing changed
	@scripts/setup.sh python

demo: ## start a protected database with people, agents and a console, nothing to configure
	@scripts/setup.sh demo
	@.venv/bin/doorward demo $(ARGS)

test: ## lint, types, import contracts, then all tests: compiled, and the compiled modules interpreted too
	@scripts/setup.sh tests
	@scripts/test.sh $(ARGS)

adversarial: ## attack a whole Doorward on real servers; CORPUS=FILE plays a file of yours, with its fixture beside it
	@scripts/setup.sh tests
	@.venv/bin/python -m tests.adversarial.runner $(if $(CORPUS),--corpus "$(CORPUS)") $(ARGS)

generate: ## search for leaks by random schemas, labels and queries; ARGS="--cases 2000 --planned 10000 --seed 7"
	@scripts/setup.sh tests
	@.venv/bin/python -m tests.adversarial.generated.runner $(ARGS)

suites: ## run other projects' test suites directly and through Doorward, and compare (ARGS="--list" says how to get them)
	@scripts/setup.sh tests
	@.venv/bin/python -m tests.suites.runner $(ARGS)

accuracy: ## measure how right the labels are (ARGS="--databases FOLDER --presidio PYTHON", ARGS="--help")
	@scripts/setup.sh tests
	@.venv/bin/python -m tests.accuracy.runner $(ARGS)

bench: ## measure what standing in the middle costs, beside pgbouncer and HAProxy (ARGS="--quick", ARGS="--help")
	@scripts/setup.sh bench
	@.venv/bin/python -m tests.bench.runner $(ARGS)

soak: ## half an hour of 200 clients, many of them killed, then judge memory, leaks and both logs (ARGS="--help")
	@scripts/setup.sh tests
	@.venv/bin/python -m tests.soak.runner $(ARGS)

fuzz: ## search for inputs that break what reads a peer's bytes: MINUTES=60, ARGS=TARGET for one; findings in build/fuzz
	@scripts/setup.sh fuzz
	@.venv/bin/python -m tests.fuzz.runner --minutes $(MINUTES) $(ARGS)

quarter: ## simulate a quarter of 2,000,000 statements with planted violations, and find them all (ARGS="--statements 50000")
	@scripts/setup.sh tests
	@.venv/bin/python -m tests.evidence.runner $(ARGS)

lint: setup ## the quick checks alone
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo

format: setup ## rewrite the layout of the code and sort its imports
	@.venv/bin/ruff check --fix --select I .
	@.venv/bin/ruff format .

clean: ## remove everything that setup and the tests made
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis src/*.egg-info
	find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
	find src -name '*_cy.c' -delete -o -name '*_cy.*.so' -delete
