# Run, test, measure and check Counterpoise. Every target does its own set-up in .venv, once.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
BUILT := $(VENV)/.built
ZIG := $(VENV)/.zig
NVRTC := $(VENV)/.nvrtc
CORE := $(shell find core -type f 2>/dev/null) $(wildcard CMakeLists.txt)
INSTALL := -m pip install --quiet --disable-pip-version-check
ZIG_INSTALL := $(PY) $(INSTALL) --require-hashes --no-deps -r requirements/zig.lock
JOBS ?= 2

.PHONY: run test parity validate bench soak sanitize gpu lint lock clean
.DELETE_ON_ERROR:

# A start without cached bytecode costs more than a margin call: let Python keep it.
unexport PYTHONDONTWRITEBYTECODE
COMPILE := $(PY) -m compileall -q src

run: $(BUILT)
	@$(COMPILE)
	@$(PY) -m counterpoise.apps.run
	@rm -rf out/engine
	@echo; echo "The engine on a simulated market, its log in out/engine:"
	@$(PY) -m counterpoise.apps.cli.main run out/engine --accounts 500 --steps 40

test: $(BUILT)
	@$(PY) -m pytest -n $(JOBS)

bench: $(BUILT)
	@$(COMPILE)
	@$(PY) benchmarks/run.py $(BENCH)

# Every published figure beside ours; writes docs/parity.md. Needs the reference cases.
parity: $(BUILT)
	@$(PY) tools/parity.py

# The frozen forecasts judged on years of real days. Needs the reference data.
validate: $(BUILT)
	@$(PY) -m counterpoise.apps.cli.main validate --data $(DATA) $(VALIDATE)
DATA ?= ../shared/data

soak: $(ZIG) $(NVRTC)
	@HYPOTHESIS_PROFILE=soak $(PY) -m pytest -n $(JOBS) -m "soak or not soak"

# The core once more with address and undefined-behaviour checks, its tests and a long fuzz on it.
sanitize: $(BUILT)
	@$(PY) tools/sanitize.py

# On a machine with a CUDA device: its bits beside the processor's, then both at work.
gpu: $(BUILT)
	@$(PY) $(INSTALL) --require-hashes --no-deps -r requirements/gpu.lock
	@$(PY) -m pytest -m gpu
	@$(PY) benchmarks/run.py --only gpu $(BENCH)

lint: $(BUILT)
	@$(PY) -m ruff check
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports

clean:
	rm -rf $(VENV) build dist out .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	    .import_linter_cache .benchmarks
	find src tests tools -name __pycache__ -prune -exec rm -rf {} +
	find src -name '*.so' -delete
	rm -rf benchmarks/.peers

# Needs uv; the only target that does. Names, versions and hashes only: no address is recorded.
lock:
	uv pip compile pyproject.toml --extra calibration --extra data --extra live \
	    --extra plot --extra postgres --group build --group dev $(LOCK) \
	    -o requirements/dev.lock
	uv pip compile pyproject.toml --extra gpu -c requirements/dev.lock $(LOCK) \
	    -o requirements/gpu.lock
	uv pip compile --group pyproject.toml:nvrtc $(LOCK) -o requirements/nvrtc.lock
	uv pip compile --group pyproject.toml:zig $(LOCK) -o requirements/zig.lock
	uv pip compile --group pyproject.toml:peers $(LOCK) -o requirements/peers.lock
LOCK := --universal --fork-strategy fewest --python-version 3.11 --generate-hashes \
    --no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet

$(READY): requirements/dev.lock
	@command -v $(PYTHON) >/dev/null || { echo "Counterpoise needs Python 3.11 or newer, and" \
	    "$(PYTHON) was not found: set PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("Counterpoise needs \
	Python 3.11 or newer, and $(PYTHON) is %d.%d: set PYTHON=/path/to/python3.11" % v[:2])'
	@echo "Setting up $(VENV) (once; later calls start at once)" >&2
	@$(PYTHON) -m venv --clear $(VENV) || { echo "$(PYTHON) cannot make a virtual environment:" \
	    "install its venv module (python3-venv)" >&2; exit 1; }
	@$(PY) $(INSTALL) --require-hashes --no-deps -r requirements/dev.lock
	@touch $@

$(BUILT): $(READY) requirements/zig.lock pyproject.toml tools/build_backend.py tools/toolchain.py \
    $(CORE)
	@echo "Building the core" >&2
	@test "$$($(PY) tools/toolchain.py)" != zig || $(ZIG_INSTALL)
	@$(PY) $(INSTALL) --no-build-isolation --no-deps -e .
	@$(COMPILE)
	@touch $@

$(ZIG): $(BUILT) requirements/zig.lock
	@$(ZIG_INSTALL)
	@touch $@

# In a folder of its own: nothing finds it there that does not look for it.
$(NVRTC): $(BUILT) requirements/nvrtc.lock
	@$(PY) $(INSTALL) --require-hashes --no-deps --target $@ -r requirements/nvrtc.lock
	@touch $@
