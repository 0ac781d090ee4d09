"""Write the armed samples, each in a folder of its own: `python tests/corpus/make.py FOLDER`.

Each does nothing but make an empty file `canary` in its folder when its real loader loads it. `samples.json` says what each is and how it
is loaded.
"""

import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE), str(HERE.parent / "bypass"), str(HERE.parent / "shared")]
os.environ.setdefault("KERAS_BACKEND", "torch")

from armed import gather  # noqa: E402 found on that path

__all__ = ["folder_of", "write_all"]


def folder_of(base, name):
    """Give the folder of a sample."""
    return Path(base) / "".join(one if one.isalnum() else "_" for one in name)


def write_all(base):
    """Write every sample that can be made here; give paths by name, and what is missing for the others."""
    paths, missing = {}, {}
    for name, sample in gather().items():
        if lacking := sample.missing():
            missing[name] = lacking
            continue
        folder = folder_of(base, name)
        folder.mkdir(parents=True)
        paths[name] = sample.write(folder)
    return paths, missing


def main():
    if len(sys.argv) != 2 or Path(sys.argv[1]).exists():
        sys.exit("usage: python tests/corpus/make.py FOLDER, which must not exist yet")
    paths, missing = write_all(Path(sys.argv[1]).absolute())
    facts = {
        name: {"path": str(path), "technique": gather()[name].technique, "load": gather()[name].source}
        for name, path in paths.items()
    }
    Path(sys.argv[1], "samples.json").write_text(json.dumps(facts, indent=2))
    print(f"{len(paths)} samples written; {len(missing)} cannot be made here: {sorted(set(missing.values()))}")


if __name__ == "__main__":
    main()
