# `make demo` and `make test` are enough to begin. All targets but `clean` first set up the environment in .venv.

SHELL := /bin/sh
CORES ?= all
RUN := PYTHONPATH= PYTHONUTF8=1 PATH="$(CURDIR)/.venv/bin:$$PATH"
FILES := $(if $(CONFIG),--configfile $(CONFIG))
# A misspelled CONFIG would silently mean the demo.
$(if $(config)$(Config)$(CONF)$(conf)$(CONFIGFILE)$(configfile),$(error write CONFIG=FILE))
quote = '$(subst ','\'',$(1))'
SMK := Snakefile workflow/Snakefile rules

.PHONY: demo test test-fast check check-data bundle predict track fetch report crate site explain unlock tables lock clean

demo: .venv/ready
	$(RUN) snakemake --cores $(CORES)

# Everything. Four workers, for two cores: tests of the cluster mostly wait, others often.
test: .venv/ready
	$(RUN) pytest -n 4 --dist loadfile --no-loadscope-reorder

# What one runs while editing: under two minutes.
test-fast: .venv/ready
	$(RUN) pytest -n 2 --dist loadfile -m "not slow and not workflow and not cluster"

check: .venv/ready site
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
BUNDLE ?= results/bundles/$(METHOD).pt
endif

# All models of one method in one file, for new videos. CONFIG=config/visem.yaml: of another run.
METHOD ?= I4
bundle: .venv/ready
	$(RUN) snakemake 'bundles/$(METHOD).pt' --cores $(CORES) $(FILES)

# The programs for new videos take VIDEOS: a file or a folder of them, whatever its name; or several,
# as words of a shell. OUT: a folder. FRAME_RATE: the true one, if the files' is wrong.
define for_videos
@test -n $(call quote,$(value VIDEOS)) || \
	{ echo "say which videos: make $@ VIDEOS=folder" >&2; exit 2; }
@videos=$(call quote,$(value VIDEOS)); \
	if test -e "$$videos" || ! (eval "set -- $$videos") 2>/dev/null; \
	then set -- "$$videos"; else eval "set -- $$videos"; fi; \
	$(RUN) python workflow/$@.py $(if $(FRAME_RATE),--frame-rate $(FRAME_RATE)) \
		$(1) --out=$(call quote,$(value OUT))
endef

# Percentages of new videos, by the model that ships (models/), or by METHOD or BUNDLE of a run. OUT:
# a new folder. A call that was stopped goes on in the same OUT, unless it has a bundle.
# MICRONS_PER_PIXEL: the scale, of videos without a bundle.
predict: OUT ?= predictions
predict: .venv/ready
	@test -z "$(CONFIG)" || { echo "say which bundle: make predict BUNDLE=results/.../bundles/$(METHOD).pt" >&2; exit 2; }
	$(call for_videos,$(if $(MICRONS_PER_PIXEL),--microns-per-pixel $(MICRONS_PER_PIXEL)) \
		$(if $(BUNDLE),--model=$(call quote,$(BUNDLE)))) -- "$$@"

# Tracks, speeds and WHO categories of the cells in new videos. A call that was stopped goes on in
# the same OUT. MICRONS_PER_PIXEL: the scale; DURATION: seconds of each video, instead of all.
# NO_VIDEO=1: no overlays.
track: OUT ?= tracks
track: .venv/ready
	$(call for_videos,$(if $(MICRONS_PER_PIXEL),--microns-per-pixel $(MICRONS_PER_PIXEL)) \
		$(if $(DURATION),--duration $(DURATION)) $(if $(NO_VIDEO),--no-video) \
		$(if $(CONFIG),--config $(call quote,$(CONFIG)))) -- "$$@"

# Downloads and unpacks the data set that a configuration names.
fetch: .venv/ready
	@test -n "$(CONFIG)" || { echo "say which: make fetch CONFIG=config/visem.yaml" >&2; exit 2; }
	@$(RUN) python workflow/fetch_dataset.py $(FILES)

# All tables and figures of a finished run in one page that needs no network: report.html, or
# report_visem.html for CONFIG=config/visem.yaml.
REPORT ?= report$(if $(CONFIG),_$(basename $(notdir $(firstword $(CONFIG))))).html
report: .venv/ready
	@echo "The report shows results as they are. What would run again:"
	@$(RUN) python workflow/explain.py $(FILES)
	$(RUN) snakemake --report '$(abspath $(REPORT))' $(FILES)

# A finished run as one file to publish or keep (a Workflow Run RO-Crate): crate.zip in the results.
crate: .venv/ready
	@$(RUN) python workflow/crate.py $(FILES)

# What is wrong with the tables and videos of a configuration; runs nothing.
check-data: .venv/ready
	@$(RUN) python workflow/check_data.py $(FILES)

# What would run again, and why.
explain: .venv/ready
	@$(RUN) python workflow/explain.py $(FILES) -- $(TARGET)

# Removes the lock that a killed run has left; first make sure that it has ended.
unlock: .venv/ready
	$(RUN) snakemake --unlock $(FILES)

# The documentation as a site, in site/html; --strict: a broken link is an error.
site: .venv/ready
	rm -rf site && mkdir -p site/pages
	cp -R *.md LICENSE CITATION.cff docs config benchmarks models site/pages
	$(RUN) NO_MKDOCS_2_WARNING=1 mkdocs build --quiet --strict

# Writes the tables of config/README.md, docs/reference/reruns.md and docs/reference/recordings.md.
tables: .venv/ready
	$(RUN) python docs/generate_tables.py

lock: .venv/ready
	sh setup.sh lock

clean:
	rm -rf .venv
