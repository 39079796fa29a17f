# `make` alone prints this list.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help serve test test-postgres quick interop check install format golden manual lock bench soak attack binary release clean

# with this set, every worker and every server that a test starts compiles all modules again
unexport PYTHONDONTWRITEBYTECODE

# what tests write is kept in memory where there is plenty of it: they wait for no disk
IN_MEMORY := $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 3000000 {print "TMPDIR=/dev/shm"}')

PYTEST := $(BIN)/pytest -q
ALL_CORES := -n auto --dist worksteal

help:            ## print this list
	@grep -hE '^[a-z-]+: .*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 23

serve: .venv/.installed          ## serve http://127.0.0.1:8000 in local mode, data in data/
	$(BIN)/crmkit serve --local

test: .venv/.dev                 ## run all tests, on all cores; then those that measure time or memory, one by one; QUICK=1: no slow ones
	$(IN_MEMORY) $(PYTEST) $(ALL_CORES) -m "not alone$(if $(QUICK), and not slow)"
	$(PYTEST) -m alone $$(grep -rl --include='*.py' 'mark\.alone' tests)

# what asks a database most, for each change; all else with each release
POSTGRES_QUICK := tests/storage/postgres tests/core/records tests/web/handlers/many/test_by_filter.py
POSTGRES_WALLS := tests/teams/test_workspaces.py tests/web/handlers/records/test_records.py
ON_POSTGRES := $(BIN)/python -m tests.postgres
test-postgres: .venv/.dev        ## run all tests that are not about SQLite's file on a PostgreSQL that is started for them; QUICK=1: some; TESTS="…"
	$(IN_MEMORY) $(ON_POSTGRES) $(PYTEST) $(ALL_CORES) -m "not alone$(if $(QUICK), and not slow)" $(or $(TESTS),$(if $(QUICK),$(POSTGRES_QUICK),tests))
	$(if $(TESTS),,$(IN_MEMORY) $(ON_POSTGRES) --walls $(PYTEST) $(ALL_CORES) -m "not alone and not slow" $(if $(QUICK),$(POSTGRES_WALLS),tests/teams tests/core tests/web))

quick: .venv/.dev                ## run all tests but the slow ones
	$(IN_MEMORY) $(PYTEST) $(ALL_CORES) -m "not slow and not alone"

interop: .venv/.dev build/interop/.installed ## run clients and checkers that others wrote; needs node and cargo
	$(PYTEST) -n auto --dist loadfile -o 'norecursedirs=.*' tests/interop

check: .venv/.dev                ## formatter, linter, types, floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(PYTEST) tests/test_floors.py

install: .venv/.installed        ## only .venv and the package

format: .venv/.dev               ## format the code and write HELP.txt from the declarations
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(MAKE) manual

golden: .venv/.dev manual        ## write what tests compare with: tests/golden and HELP.txt
	UPDATE_GOLDEN=1 $(PYTEST) -m golden

manual: .venv/.installed         ## write HELP.txt from the declarations
	$(BIN)/python -c "from crmkit.boot import manual_text; print(manual_text(), end='')" > HELP.txt

lock: .venv/.dev                 ## pin every dependency again
	$(BIN)/pip install -q uv
	$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile -q --no-config --universal --generate-hashes --python-version 3.11 --extra dev pyproject.toml -o requirements-dev.txt
	echo pyinstaller | $(BIN)/uv pip compile -q --no-config --universal --generate-hashes --python-version 3.11 - -o release/requirements-binary.txt
	printf 'cyclonedx-bom\npipx\nuv\n' | $(BIN)/uv pip compile -q --no-config --universal --generate-hashes --python-version 3.11 - -o release/requirements-tools.txt

bench: .venv/.dev                ## measure speed, as ratios within one run; ARGS="--quick" and others
	$(BIN)/python -m bench $(ARGS)

soak: .venv/.dev                 ## half an hour of steady load with backups: does anything grow; ARGS="--minutes 5"
	$(BIN)/python -m bench.soak $(ARGS)

attack: .venv/.dev               ## attack the started program on loopback, five minutes at most; ARGS="--list", "--only NAME", "--long"
	$(BIN)/python -m attack $(ARGS)

binary: build/venv/.installed    ## build dist/crmkit, one file that needs no Python, and try it; needs gcc
	build/venv/bin/python -m release.binary build/venv/bin/crmkit dist/crmkit
	build/venv/bin/python -m release.trial dist/crmkit
	build/venv/bin/python -m release.measure dist/crmkit build/venv/bin/crmkit

release: binary build/tools/.installed ## make dist/release: wheel, archive, bill of materials, checksums; and try them
	build/venv/bin/python -m release.archive

clean:           ## remove what the other targets made, but no data
	rm -rf .venv build dist

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.installed: .venv/bin/python requirements.txt pyproject.toml
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements.txt
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --editable .
	@touch $@

# the package as others install it, and what makes one file of it
build/venv/.packages: requirements.txt release/requirements-binary.txt
	$(PYTHON) -m venv --clear build/venv
	build/venv/bin/pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements.txt
	build/venv/bin/pip install -q --disable-pip-version-check --require-hashes --no-deps -r release/requirements-binary.txt
	@touch $@

build/venv/.installed: build/venv/.packages pyproject.toml README.md LICENSE $(shell find crmkit -type f -not -name '*.pyc')
	rm -rf build/wheel
	SOURCE_DATE_EPOCH=$$(build/venv/bin/python -m release.stamp) \
		build/venv/bin/pip wheel -q --disable-pip-version-check --no-deps --wheel-dir build/wheel .
	build/venv/bin/pip install -q --disable-pip-version-check --no-deps --force-reinstall build/wheel/*.whl
	@touch $@

build/tools/.installed: release/requirements-tools.txt
	$(PYTHON) -m venv --clear build/tools
	build/tools/bin/pip install -q --disable-pip-version-check --require-hashes --no-deps -r release/requirements-tools.txt
	@touch $@

.venv/.dev: .venv/.installed requirements-dev.txt
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

build/interop/.installed: tests/interop/requirements.txt tests/interop/package.json tests/interop/klozeo/requirements.txt tests/interop/klozeo/src/main.rs .venv/.dev
	$(BIN)/pip install -q --disable-pip-version-check playwright==1.65.2
	$(PYTHON) -m venv --clear build/interop/venv
	build/interop/venv/bin/pip install -q --disable-pip-version-check -r tests/interop/requirements.txt
	$(PYTHON) -m venv --clear build/interop/klozeo_python
	build/interop/klozeo_python/bin/pip install -q --disable-pip-version-check -r tests/interop/klozeo/requirements.txt
	cp tests/interop/package.json build/interop/package.json
	npm install --prefix build/interop --ignore-scripts --no-fund --no-audit --loglevel error
	cargo build --quiet --locked --manifest-path tests/interop/klozeo/Cargo.toml --target-dir build/interop/klozeo
	@touch $@
