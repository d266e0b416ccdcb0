# `make demo` and `make test` are all that it takes. Every target first sees to the environment in .venv.

SHELL := /bin/sh
CORES ?= all
RUN := PYTHONUTF8=1 PATH="$(CURDIR)/.venv/bin:$$PATH"

.PHONY: demo test check bundle predict report crate site explain reruns reference recordings lock clean

demo: .venv/ready
	$(RUN) snakemake --cores $(CORES)

# Two more than the cores that they are meant for: those of the cluster mostly wait, others often.
test: .venv/ready
	$(RUN) pytest -n 4 --dist loadfile --no-loadscope-reorder

check: .venv/ready site
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) snakefmt --check Snakefile workflow/Snakefile rules
	$(RUN) snakemake --lint

.venv/ready: requirements.txt setup.sh
	sh setup.sh

# All models of one input type in one file, for new videos; CONFIG as below.
INPUT ?= I4
bundle: .venv/ready
	$(RUN) snakemake 'bundle_$(INPUT)' --cores $(CORES) $(if $(CONFIG),--configfile $(CONFIG))

# All tables and figures of a finished run in one page that needs no network: report.html, or
# report_visem.html for CONFIG=config/visem.yaml.
REPORT ?= report$(if $(CONFIG),_$(basename $(notdir $(firstword $(CONFIG))))).html
report: .venv/ready
	@echo "The report shows results as they are. What would rerun:"
	@$(RUN) python workflow/explain.py $(if $(CONFIG),--configfile $(CONFIG))
	$(RUN) snakemake --report $(REPORT) $(if $(CONFIG),--configfile $(CONFIG))
	@$(RUN) python workflow/alt_texts.py $(REPORT)

# A finished run as one file to publish or keep (a Workflow Run RO-Crate): crate.zip in the results.
crate: .venv/ready
	@$(RUN) python workflow/crate.py $(if $(CONFIG),--configfile $(CONFIG))

# The documentation as a site, in site/html; --strict: a broken link is an error.
site: .venv/ready
	rm -rf site && mkdir -p site/pages
	cp -R *.md LICENSE CITATION.cff docs config benchmarks site/pages
	$(RUN) NO_MKDOCS_2_WARNING=1 mkdocs build --quiet --strict

# VIDEOS: files, or folders of them; OUT: a folder.
BUNDLE ?= results/bundles/$(INPUT).pt
OUT ?= predictions
predict: .venv/ready
	@test -z "$(CONFIG)" || { echo "say which bundle: make predict BUNDLE=results/.../bundles/$(INPUT).pt" >&2; exit 2; }
	@test -n "$(VIDEOS)" || { echo "say which videos: make predict VIDEOS=folder" >&2; exit 2; }
	@$(RUN) python workflow/predict.py '$(BUNDLE)' $(VIDEOS) --out '$(OUT)'

# Says what would rerun and why; CONFIG=config/visem.yaml for another configuration.
explain: .venv/ready
	@$(RUN) python workflow/explain.py $(if $(CONFIG),--configfile $(CONFIG)) -- $(TARGET)

# Writes the tables of docs/reruns.md from the rows that the tests prove.
reruns: .venv/ready
	$(RUN) PYTHONPATH=workflow/scripts python tests/workflow/staleness.py

# Writes the table of config/README.md from config/schema.yaml.
reference: .venv/ready
	$(RUN) python workflow/reference.py

# Writes the tables of docs/recordings.md.
recordings: .venv/ready
	$(RUN) python tests/unit/matrix.py

lock: .venv/ready
	sh setup.sh lock

clean:
	rm -rf .venv
