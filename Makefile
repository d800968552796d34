# Two commands matter: `make demo` shows files crossing, `make test` shows everything passing.
# Both build .venv from requirements.lock on first use; nothing else has to be installed by hand.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
COUNTED := tests/protocols tests/swarm
PURE := $(COUNTED) tests/simulation
HOSTS := tests/net tests/services tests/store
READY := $(VENV)/.ready
GO := $(shell command -v go)
GO_FLAGS := -trimpath -buildvcs=false
SHARES := $(addprefix interop/test_,transfers.py faults_of_go.py faults_of_py.py content.py peers.py)
MATRIX := $(if $(GO),network-across shares-across vectors,nothing-across)

.PHONY: demo test lint types imports pure hosts processes interfaces real vectors shares-across network-across \
  nothing-across go-peer interop interop-long screenshot man bench soak fuzz lock clean

demo: $(READY)
	$(BIN)/python -m tests.demo.demo $(if $(FILE),--file "$(FILE)")

# The long ones first. They share two cores well: all but the pure rings wait for sockets and processes.
test:
	$(MAKE) --no-print-directory -j2 $(READY) $(if $(GO),go-peer)
	$(MAKE) --no-print-directory -j4 --output-sync=target processes interfaces $(MATRIX) pure hosts types lint imports

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports

# No IO, every branch of protocols/ and node/swarm/; the simulation needs no counting, which would cost it five times.
pure: $(READY)
	$(BIN)/coverage run -m pytest -q $(COUNTED)
	$(BIN)/coverage report
	$(BIN)/python -m pytest -q tests/simulation

# Streams in memory, files, real hosts on loopback.
hosts: $(READY)
	$(BIN)/python -m pytest -q $(HOSTS)

# Real processes and real terminals; most of it waits for them.
processes: $(READY)
	$(BIN)/python -m pytest -q tests/e2e

# The command line, the dashboard, the control socket between them, the wheel, and all else.
interfaces: $(READY)
	$(BIN)/python -m pytest -q tests $(addprefix --ignore=,tests/e2e $(PURE) $(HOSTS))

real: hosts processes interfaces

# Go and JavaScript against Python, both ways, in two halves. Without Go one line says how many cases are skipped; with
# it, a case that doesn't run is a failure.
vectors: go-peer
	cd interop/go-peer && go test -vet=off $(GO_FLAGS) ./...

shares-across: $(READY) go-peer
	$(BIN)/python -m pytest -q $(SHARES)

network-across: $(READY) go-peer
	$(BIN)/python -m pytest -q interop $(addprefix --ignore=,$(SHARES))

nothing-across: $(READY)
	$(BIN)/python -m pytest -q interop

go-peer:
	cd interop/go-peer && go build $(GO_FLAGS) -o ../../build/go-peer .

# The same, and what costs more than it finds on each landing; needs Go 1.26 and Node 20.
interop: $(READY)
	cd interop/go-peer && test -z "$$(gofmt -l .)" && go vet ./...
	$(MAKE) --no-print-directory -j2 --output-sync=target $(MATRIX)

# Half an hour on two cores: boxo about 1 GiB, 1 GiB on bare streams, and the figures of interop/README.md.
interop-long: interop
	cd interop/go-peer && go test $(GO_FLAGS) ./judge -long
	PYTHONPATH=. $(BIN)/python interop/measure.py

# README's picture, taken of the real program.
screenshot: $(READY)
	$(BIN)/python -m tests.demo.screenshot tests/demo/dashboard.svg

# The man page, of the tables that the command line is made of.
man: $(READY)
	$(BIN)/python -m node.commands.manual > shoal.1

bench: $(READY)
	$(BIN)/python -m tests.bench.run

# A busy little network for MINUTES: nothing may be lost, wrong or leaked.
soak: $(READY)
	$(BIN)/python -m tests.bench.soak --minutes $(or $(MINUTES),10)

# Random bytes and random cancels into every decoder and the connection layer, SECONDS for each.
fuzz: $(READY)
	for target in decoders noise yamux connection; do $(BIN)/python -m tests.fuzz.$$target $(or $(SECONDS),600) || exit 1; done

# Exact versions and hashes of everything, so that two installs are the same.
lock: $(READY)
	$(BIN)/pip install -q pip-tools==7.6.2
	$(BIN)/pip-compile -q --extra dev --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url \
	  --no-emit-find-links --no-emit-trusted-host --output-file requirements.lock pyproject.toml

$(READY): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	# libp2p brings trio-typing, whose stubs are of trio 0.22 and would hide the types that trio itself has.
	rm -rf $(VENV)/lib/python3.*/site-packages/trio-stubs
	touch $(READY)

clean:
	rm -rf $(VENV) build dist *.egg-info
