# One short task file. A fresh machine needs python3 (3.11 or newer) with venv, and make; the rest is set up by itself.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo serve test check audit fix bench bench-field sim soak sim-bugs faults cover clean

help:            ## this list
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## */  make \1\t/'

$(READY): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit("keepahead needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else 0'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python3 -m venv failed; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null  # a venv of uv's has none
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	@VIRTUAL_ENV= $(UV) sync --quiet --frozen --inexact --compile-bytecode --python $(BIN)/python
	@touch $@

demo: $(READY)   ## the incident replayed, a discovery, an analysis with its chart, on the built-in simulator
	@$(BIN)/python -m keepahead.faces.demo

serve: $(READY)  ## the gateway and its dashboard on port 8200, with some traffic on the simulator; ARGS="--open": no keys
	@$(BIN)/python -m keepahead serve --play $(ARGS)

test: $(READY)   ## all tests
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal $(ARGS)

check: $(READY)  ## lint, types, import floors
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/basedpyright

audit: $(READY)  ## what is known to be wrong with what we depend on; a report, which fails nothing
	@UV=$(UV) .ci/audit

fix: $(READY)    ## let ruff mend what it can
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

cover: $(READY)  ## tests with branch coverage; budget/ and keepa/ must stay above 95%
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal --cov=keepahead --cov-report= $(ARGS)
	@$(BIN)/coverage report --fail-under=95 --include='src/keepahead/budget/*,src/keepahead/keepa/*'

bench: $(READY)  ## speed, as ratios within one run; ARGS="many growth": these chapters only
	@VIRTUAL_ENV= $(UV) sync --quiet --frozen --inexact --group bench --python $(BIN)/python
	@$(BIN)/python -m bench $(ARGS)

bench-field: $(READY)  ## other Keepa clients and limiters beside ours, on the same work: twenty minutes; ARGS="keepahead", ARGS=--json
	@VIRTUAL_ENV= $(UV) sync --quiet --frozen --inexact --group bench --python $(BIN)/python
	@$(BIN)/python -m bench.field $(ARGS)

sim: $(READY)    ## one run of the laboratory, exactly as before: make sim SEED=4711 STEPS=20000
	@$(BIN)/python -m lab sim $(if $(SEED),--seed $(SEED)) $(if $(STEPS),--steps $(STEPS))

soak: $(READY)   ## fresh runs of the laboratory on all cores: make soak MINUTES=60; ARGS=--go-on: after a broken law too
	@$(BIN)/python -m lab soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(STEPS),--steps $(STEPS)) $(ARGS)

sim-bugs: $(READY)  ## deliberate bugs, each of which the laboratory must catch; ARGS="floor", ARGS=--fast
	@$(BIN)/python -m lab bugs $(ARGS)

faults: $(READY)  ## real faults on real parts: what was promised, what happened; ARGS="sqlite", ARGS=--json
	@$(BIN)/python -m lab.faults $(ARGS)

clean:           ## remove what make set up
	rm -rf $(VENV) build
