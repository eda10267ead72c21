# The commands for newcomers and developers. They need make, git and Python >= 3.11; the SPA needs Node and npm too.
# PYTHON=/path/to/python picks another interpreter. run, test, coverage, faults, fuzz, bench and lock pass ARGS="..." on.

PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	"$$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo "$$python"; break; }; done)
NODE_RANGE := 20.19+ or 22.12+
ARGS ?=
tester := pytest

venv := .venv
bin := $(venv)/bin
pip := $(bin)/python -m pip --disable-pip-version-check -qq
npm := npm --prefix frontend --loglevel=error --no-progress --no-update-notifier
say := @printf '==> %s\n'
spa_sources := $(shell find frontend sdk/typescript/src -path frontend/node_modules -prune -o -path frontend/dist -prune -o \
	-path frontend/tests -prune -o -type f -print 2>/dev/null)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test coverage faults fuzz bench check dev format docs lock clean spa node bench-node

help: ## Print these lines.
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 16

run: $(venv)/.run spa ## Start the server on this machine, installing what it needs into .venv first.
	$(say) 'Starting Tailwire: open what it prints in a browser. Ctrl-C stops it'
	@exec $(bin)/tailwire serve $(ARGS)

test: $(venv)/.test spa ## Run all tests. RethinkDB and browsers are used where they are installed.
	@status=0; \
	if [ -d frontend/node_modules/vitest ] && $(MAKE) --silent node >/dev/null 2>&1; then \
		echo '==> Testing the SPA'; $(npm) run --silent test || status=1; \
	fi; \
	echo '==> Testing the server'; $(bin)/python -m $(tester) $(ARGS) || status=1; \
	exit $$status

coverage: ## Run all tests as test does, and say which lines and branches of api/ they leave out.
	@rm -rf .coverage
	@$(MAKE) --silent test tester='coverage run -m pytest'
	@$(bin)/coverage combine --quiet
	@$(bin)/coverage report

faults: $(venv)/.test ## Break a server in every way that it must survive; ARGS=--long takes hours, --help shows more.
	@$(bin)/python -m tests.faults $(ARGS)

bench: $(venv)/.test $(venv)/bench/.installed bench-node ## Measure beside peers, and renew docs/benchmarks.md; ARGS=--help shows what can be chosen.
	@$(bin)/python -m bench $(ARGS)

fuzz: $(venv)/.test ## Send random requests for ten minutes and a million random frames; ARGS=--help shows more.
	@$(bin)/python -m tests.fuzz $(ARGS)

check: $(venv)/.test node frontend/node_modules/.installed ## Run what CI runs before the tests: lint, format, types, the SPA's build.
	$(say) 'Lint and format'
	@$(bin)/ruff check api bench conformance tests sdk
	@$(bin)/ruff format --check api bench conformance tests sdk
	$(say) 'Types'
	@$(bin)/mypy
	$(say) 'SPA: lint, types'
	@$(npm) run --silent lint
	@$(MAKE) --silent frontend/dist/index.html

dev: $(venv)/.test node frontend/node_modules/.installed ## Run the server and the SPA's dev server; both take up changes.
	@(cd frontend && exec node_modules/.bin/vite) & spa=$$!; server=; \
	trap 'trap - EXIT; kill $$spa $$server 2>/dev/null; wait' EXIT; trap 'exit 130' INT; trap 'exit 143' TERM; \
	while kill -0 $$spa 2>/dev/null; do \
		touch $(venv)/.dev; $(bin)/tailwire serve $(ARGS) & server=$$!; \
		until [ -n "$$(find api -name '*.py' -newer $(venv)/.dev)" ]; do \
			kill -0 $$spa 2>/dev/null || exit 1; sleep 1; \
		done; \
		echo '==> Restarting the server'; kill $$server 2>/dev/null; wait $$server; \
	done

format: $(venv)/.test node frontend/node_modules/.installed ## Put the code in the form that check wants.
	@$(bin)/ruff check --fix --quiet api bench conformance tests sdk; $(bin)/ruff format api bench conformance tests sdk
	@$(npm) run --silent format

docs: $(venv)/.test ## Renew what is generated in docs/.
	@$(bin)/python -m tests.test_docs

lock: $(venv)/.test ## Resolve the Python requirements again; ARGS=--upgrade takes newer versions.
	@[ -x $(bin)/uv ] || $(pip) install uv
	@for name in '' -dev; do \
		$(bin)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
			--no-annotate --no-header --group build $${name:+--group dev} $(ARGS) pyproject.toml \
			--output-file "requirements$$name.lock" || exit 1; \
	done
	$(say) 'requirements.lock and requirements-dev.lock are fresh'

clean: ## Remove what make made: .venv, caches, the SPA build. Keeps data/.
	@rm -rf $(venv) frontend/node_modules frontend/dist bench/peers/node/node_modules build ./*.egg-info
	@rm -rf sdk/python/build sdk/python/dist sdk/python/src/*.egg-info
	@rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
	@find api bench conformance tests sdk -name __pycache__ -type d -prune -exec rm -rf {} +

# The parts. A stamp is newer than the lock file that it installed.

$(bin)/python:
	@if [ -z "$(PYTHON)" ]; then \
		for python in python3.13 python3.12 python3.11 python3; do \
			if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
				echo "$$python cannot make virtual environments: apt install python3-venv" >&2; exit 1; \
			fi; \
		done; \
		echo 'Tailwire needs Python 3.11 or newer, and none was found: set PYTHON=/path/to/python3' >&2; exit 1; \
	fi
	$(say) "Making $(venv) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(venv)

$(venv)/.run: requirements.lock pyproject.toml | $(bin)/python
	$(say) 'Installing the server into $(venv): downloads requirements.lock, for a minute or two, the first time only'
	@$(pip) install --require-hashes -r requirements.lock
	@$(pip) install --no-deps --no-build-isolation --editable .
	@touch $@

$(venv)/.test: requirements-dev.lock pyproject.toml | $(bin)/python
	$(say) 'Installing the server and its test tools into $(venv): downloads requirements-dev.lock, for some minutes'
	@$(pip) install --require-hashes -r requirements-dev.lock
	@$(pip) install --no-deps --no-build-isolation --editable .
	@touch $(venv)/.run $@

# The peers of the benchmark have their own environment, apart from the server's.
$(venv)/bench/.installed: bench/requirements.txt | $(bin)/python
	$(say) 'Installing the peers of the benchmark (bench/requirements.txt)'
	@$(bin)/python -m venv $(venv)/bench
	@$(venv)/bench/bin/python -m pip --disable-pip-version-check -qq install -r bench/requirements.txt
	@touch $@

bench-node:
	@if $(MAKE) --silent node >/dev/null 2>&1; then \
		[ -d bench/peers/node/node_modules/ws ] || npm --prefix bench/peers/node --loglevel=error ci >/dev/null; \
	else \
		echo '==> Node.js is missing: its contenders are left out.'; \
	fi

# Without Node, run and test only warn that there is no SPA; check fails.
spa:
	@if $(MAKE) --silent node 2>/dev/null; then \
		$(MAKE) --silent frontend/dist/index.html \
		|| echo '==> The SPA could not be built (see above). The API and its /docs work without it.'; \
	else \
		echo '==> The SPA is left out. The API and its /docs work without it.'; \
	fi

node:
	@command -v node >/dev/null && command -v npm >/dev/null \
	|| { echo '==> Node.js and npm are missing: the SPA needs Node $(NODE_RANGE).'; exit 1; }
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)' \
	|| { echo "==> Node.js $$(node --version) is too old: the SPA needs Node $(NODE_RANGE)."; exit 1; }

frontend/node_modules/.installed: frontend/package-lock.json
	$(say) 'Installing the tools that build the SPA: downloads frontend/package-lock.json, for a minute, the first time only'
	@$(npm) ci >/dev/null
	@touch $@

frontend/dist/index.html: frontend/node_modules/.installed $(spa_sources)
	$(say) 'Building the SPA: some seconds'
	@output=$$($(npm) run --silent build 2>&1) || { printf '%s\n' "$$output"; exit 1; }
	@touch $@
