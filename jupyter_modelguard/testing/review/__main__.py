"""`python -m jupyter_modelguard.testing.review`; see the package."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_modelguard.testing.review.checking import unexplained
from jupyter_modelguard.testing.review.classes import members, review
from jupyter_modelguard.testing.review.showing import shown, toml_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDE = 160  # columns where nothing says how wide the table is shown


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tool; 1 if a check failed."""
    import jupyter_modelguard.testing.review as manual

    parser = argparse.ArgumentParser(
        prog="python -m jupyter_modelguard.testing.review",
        description=manual.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("library", nargs="?", help="an installed library, by the name it is imported by, or a module of it")
    parser.add_argument("--toml", action="store_true", help="print rows for what is to be read, with an empty reason")
    parser.add_argument("--all", action="store_true", help="show classes that need no review too")
    parser.add_argument("--check", nargs="*", metavar="FILE", help="check the rows of these files, or of our own lists")
    options = parser.parse_args(arguments)
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = _WIDE
    if options.check is not None:
        wrong = unexplained([Path(file) for file in options.check] or None)
        for sentence in wrong:
            console.print(sentence, markup=False, highlight=False)
        console.print(f"{len(wrong)} without a reason", highlight=False)
        return 1 if wrong else 0
    if options.library is None:
        parser.error("name a library, or use --check")
    found = [review(cls) for cls in members(options.library)]
    if options.toml:
        sys.stdout.write(toml_rows(found))
    else:
        console.print(shown(found, everything=options.all))
    return 0


if __name__ == "__main__":
    sys.exit(main())
