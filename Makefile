# Two commands: `make demo` and `make test`. Both first see to the environment in .venv.

SHELL := /bin/sh
CORES ?= all
RUN := PYTHONUTF8=1 PATH="$(CURDIR)/.venv/bin:$$PATH"

.PHONY: demo test check lock clean

demo: .venv/ready
	$(RUN) snakemake --cores $(CORES)

test: .venv/ready
	$(RUN) pytest

check: .venv/ready
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) snakefmt --check Snakefile rules
	$(RUN) snakemake --lint

.venv/ready: requirements.txt setup.sh
	sh setup.sh

lock: .venv/ready
	sh setup.sh lock

clean:
	rm -rf .venv
