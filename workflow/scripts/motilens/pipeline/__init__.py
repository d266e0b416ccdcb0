"""What connects the library with Snakemake; nothing here makes a result stale."""
