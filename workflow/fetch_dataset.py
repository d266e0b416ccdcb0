"""Download and unpack a data set: `make fetch CONFIG=config/visem.yaml`.

Or .venv/bin/python workflow/fetch_dataset.py --configfile FILE ...
"""

import argparse
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from motilens.core.command_line import run_command_line  # noqa: E402
from motilens.core.errors import InputError  # noqa: E402
from motilens.dataset.download import download_archive, extract_files  # noqa: E402
from motilens.dataset.video_files import is_wanted_video  # noqa: E402
from motilens.pipeline.config import check_config, read_config_files  # noqa: E402


def main():
    """Fetch the data set that a configuration names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configfile", nargs="+", type=Path, required=True)
    config = read_config_files(parser.parse_args().configfile)
    schema = yaml.safe_load((ROOT / "config/schema.yaml").read_text(encoding="utf-8"))
    dataset = check_config(config, schema)["dataset"]
    archive = dataset.get("archive")
    if not archive:
        raise InputError("the configuration names no dataset.archive: nothing to fetch")
    labels, videos = Path(dataset["labels"]), Path(dataset["videos"])
    path = Path(archive["path"])
    if labels.exists() and videos.exists() and not path.exists():
        print(f"Nothing to fetch: {labels} and {videos} are there (delete one to fetch it again)")
        return
    if not archive["license_accepted"]:
        raise InputError(
            f"read the license ({archive['license']}) and accept it in the configuration: "
            "dataset.archive.license_accepted: true"
        )

    patterns = dataset.get("video_names")

    def video_target(name):
        """Return where a video of the archive goes; it may have more folders around it there."""
        parts = [part for part in name.split("/") if part]
        if ".." in parts:  # would lead out of the folder
            return None
        if not patterns:
            wanted = parts[-2:-1] == [videos.name] and is_wanted_video(parts[-1], None)
            return videos / parts[-1] if wanted else None
        paths = ("/".join(parts[start:]) for start in range(len(parts)))
        inside = next((path for path in paths if is_wanted_video(path, patterns)), None)
        return videos / inside if inside else None

    download_archive(archive["url"], path, archive.get("size"), archive.get("md5"))
    sought = f"a video {' or '.join(patterns or [f'in a folder {videos.name}'])}"
    unpacked = extract_files(path, video_target, sought)
    # Last, since the pipeline takes the labels as a sign that everything is there.
    if not labels.exists():
        extract_files(
            path,
            lambda name: labels if Path(name).name == labels.name else None,
            f"called {labels.name} (dataset.labels)",
        )
    print(f"{len(unpacked)} videos in {videos}, labels in {labels}. {path} may be deleted.")


if __name__ == "__main__":
    run_command_line(main)
