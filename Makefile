# `make help` lists the targets. All but `help` and `clean` first set up the environment in .venv.

SHELL := /bin/sh
CORES ?= all
RUN := PYTHONPATH= PYTHONUTF8=1 PATH="$(CURDIR)/.venv/bin:$$PATH"
MOTILENS := $(RUN) PYTHONPATH="$(CURDIR)/workflow/scripts" python -m motilens
FILES := $(if $(CONFIG),--configfile $(CONFIG))
# A misspelled CONFIG would silently mean the demo.
$(if $(config)$(Config)$(CONF)$(conf)$(CONFIGFILE)$(configfile),$(error write CONFIG=FILE))
quote = '$(subst ','\'',$(1))'
SMK := Snakefile workflow/Snakefile rules

.PHONY: demo help new test test-fast check bundle predict track fetch report crate check-data explain unlock site tables lock clean

demo: .venv/ready ## simulate a data set, train and evaluate: 5 minutes [CORES=2]
	@test -z $(call quote,$(value CONFIG)) || { echo \
		"the demo is config/config.yaml; or: .venv/bin/snakemake --cores all --configfile FILE" >&2; exit 2; }
	$(RUN) snakemake --cores $(CORES)

help: ## list the targets
	@awk -F ':.* ## ' '/^[a-z-]+:.* ## / {printf "make %-10s  %s\n", $$1, $$2}' \
		'$(firstword $(MAKEFILE_LIST))'

# OUT: the new file. It is never one that is there.
new: OUT ?= my_study.yaml
new: .venv/ready ## write a configuration: VIDEOS=FOLDER TABLE=FILE [OUT=my_study.yaml]
	@$(RUN) python workflow/new_config.py --videos=$(call quote,$(value VIDEOS)) \
		--table=$(call quote,$(value TABLE)) --out=$(call quote,$(value OUT))

# Four workers, for two cores: tests of the cluster mostly wait, others often.
test: .venv/ready ## run all tests
	OMP_NUM_THREADS=1 $(RUN) pytest -n 4 --dist loadfile --no-loadscope-reorder

test-fast: .venv/ready ## run the quick tests, in under two minutes
	OMP_NUM_THREADS=1 $(RUN) pytest -n 2 --dist loadfile -m "not slow and not workflow and not cluster"

check: .venv/ready site ## look for faults of style, spelling and documentation
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) codespell
	$(RUN) snakefmt --check $(SMK)
	$(RUN) snakemake --lint

.venv/ready: requirements.txt setup.sh
	sh setup.sh

# The model of `predict`: a file, or the bundle of a method of the demo, or else the one that ships.
$(if $(filter command,$(origin MODEL)),$(error write BUNDLE=FILE))
ifdef METHOD
$(if $(BUNDLE),$(error METHOD or BUNDLE, not both))
BUNDLE ?= results/bundles/$(METHOD).pt
endif

# All models of one method in one file, for new videos. CONFIG=config/visem.yaml: of another run.
METHOD ?= I4
bundle: .venv/ready ## put all models of METHOD (I4) of a run into one file: [CONFIG=FILE]
	$(RUN) snakemake 'bundles/$(METHOD).pt' --cores $(CORES) $(FILES)

# The programs for new videos take VIDEOS: a file or a folder of them, whatever its name; or several,
# as words of a shell. OUT: a folder. FRAME_RATE: the true one, if the files' is wrong.
define for_videos
@test -n $(call quote,$(value VIDEOS)) || \
	{ echo "say which videos: make $@ VIDEOS=folder" >&2; exit 2; }
@videos=$(call quote,$(value VIDEOS)); \
	if test -e "$$videos" || ! (eval "set -- $$videos") 2>/dev/null; \
	then set -- "$$videos"; else eval "set -- $$videos"; fi; \
	$(MOTILENS) $@ $(if $(FRAME_RATE),--frame-rate $(FRAME_RATE)) \
		$(1) --out=$(call quote,$(value OUT))
endef

# Percentages of new videos, by the model that ships (models/), or by METHOD or BUNDLE of a run. OUT:
# a new folder. A call that was stopped goes on in the same OUT, unless it has a bundle.
# MICRONS_PER_PIXEL: the scale, of videos without a bundle. PLUGINS: a folder of own code that a bundle
# needs.
predict: OUT ?= predictions
predict: .venv/ready ## predict new videos: VIDEOS=FOLDER [METHOD=NAME or BUNDLE=FILE] [OUT=FOLDER]
	@test -z "$(CONFIG)" || { echo "say which bundle: make predict BUNDLE=results/.../bundles/$(METHOD).pt" >&2; exit 2; }
	$(call for_videos,$(if $(MICRONS_PER_PIXEL),--microns-per-pixel $(MICRONS_PER_PIXEL)) \
		$(if $(BUNDLE),--model=$(call quote,$(BUNDLE))) \
		$(if $(PLUGINS),--plugins=$(call quote,$(PLUGINS)))) -- "$$@"

# Tracks, speeds and WHO categories of the cells in new videos. A call that was stopped goes on in
# the same OUT. MICRONS_PER_PIXEL: the scale; DURATION: seconds of each video, instead of all.
# NO_VIDEO=1: no overlays.
track: OUT ?= tracks
track: .venv/ready ## track and measure the cells of videos: VIDEOS=FOLDER [OUT=FOLDER]
	$(call for_videos,$(if $(MICRONS_PER_PIXEL),--microns-per-pixel $(MICRONS_PER_PIXEL)) \
		$(if $(DURATION),--duration $(DURATION)) $(if $(NO_VIDEO),--no-video) \
		$(if $(CONFIG),--config $(call quote,$(CONFIG)))) -- "$$@"

fetch: .venv/ready ## download and unpack the data set of CONFIG=FILE
	@test -n "$(CONFIG)" || { echo "say which: make fetch CONFIG=config/visem.yaml" >&2; exit 2; }
	@$(RUN) python workflow/fetch_dataset.py $(FILES)

# A run writes its report itself: report.html in its results. Snakemake's own report says which step
# made which file, when and from what: provenance.html, or provenance_visem.html for
# CONFIG=config/visem.yaml.
REPORT ?= provenance$(if $(CONFIG),_$(basename $(notdir $(firstword $(CONFIG))))).html
report: .venv/ready ## say where the report is and what is out of date; write provenance.html: [CONFIG=FILE]
	@echo "The report shows results as they are. What would run again:"
	@$(RUN) python workflow/explain.py $(FILES)
	$(RUN) snakemake --report '$(abspath $(REPORT))' $(FILES)
	@$(RUN) python workflow/report.py $(FILES)

# A finished run as one file to publish or keep (a Workflow Run RO-Crate): crate.zip in the results.
crate: .venv/ready ## pack a finished run as an RO-Crate: [CONFIG=FILE]
	@$(RUN) python workflow/crate.py $(FILES)

check-data: .venv/ready ## say what is wrong with tables and videos: [CONFIG=FILE]
	@$(RUN) python workflow/check_data.py $(FILES)

explain: .venv/ready ## say what would run again, and why: [CONFIG=FILE]
	@$(RUN) python workflow/explain.py $(FILES) -- $(TARGET)

# First make sure that the run has ended.
unlock: .venv/ready ## remove the lock that a killed run has left: [CONFIG=FILE]
	$(RUN) snakemake --unlock $(FILES)

# --strict: a broken link is an error.
site: .venv/ready ## write the documentation as a site, in site/html
	rm -rf site && mkdir -p site/pages
	cp -R *.md LICENSE CITATION.cff docs config benchmarks models site/pages
	$(RUN) NO_MKDOCS_2_WARNING=1 SITE_NAME="Motilens $$(cat workflow/scripts/motilens/VERSION)" \
		REPOSITORY="$$(sed -n 's/^repository-code: *//p' CITATION.cff)" mkdocs build --quiet --strict
	@echo "Done: site/html/index.html"

# Writes the tables of config/README.md, docs/reference/reruns.md and docs/reference/recordings.md.
tables: .venv/ready ## write the tables of the documentation
	$(RUN) python docs/generate_tables.py

lock: .venv/ready ## choose the versions of all packages again
	sh setup.sh lock

clean: ## remove the environment
	rm -rf .venv
