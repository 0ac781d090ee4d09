"""Code files as they are given to a program: under names that mean nothing to it, and without their comments.

Programs heed what a repository says in names and comments: a folder `tests` is left out, `# noqa`, `# nosec`, `# nosemgrep` and their like
silence a result. So only the code is given; lines stay where they are.
"""

from __future__ import annotations

import io
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_modelguard.types import CodeFile

__all__ = ["give", "without_comments"]

_LARGEST: Final = 4 << 20  # bytes of a file
_MOST: Final = 2000  # files


def give(files: Iterable[CodeFile], folder: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """Write files into an empty folder; give their paths by the names they have there, and say which were not written and why."""
    names: dict[str, str] = {}
    missed = []
    for number, file in enumerate(files, 1):
        if number > _MOST or len(file.content) > _LARGEST:
            missed.append(f"{file.path}: {'too many files' if number > _MOST else 'too large'} for other programs")
            continue
        try:
            text = without_comments(file.content)
        except (SyntaxError, ValueError, LookupError, RecursionError, MemoryError) as error:
            missed.append(f"{file.path}: cannot be given to other programs ({type(error).__name__})")
            continue
        name = f"code_{number:04d}.py"
        Path(folder, name).write_bytes(text)
        names[name] = file.path
    return names, tuple(missed)


def without_comments(content: bytes) -> bytes:
    """Give Python source in UTF-8 with its comments made blank.

    Raises
    ------
    SyntaxError, ValueError, LookupError
        It cannot be told which parts are comments.
    """
    encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    text = content.decode(encoding)
    # Lines as the tokenizer counts them: a form feed, for one, ends none.
    lines = io.StringIO(text, newline=None).readlines()
    try:
        for token in tokenize.generate_tokens(iter(lines).__next__):
            if token.type == tokenize.COMMENT:
                row, column = token.start
                line = lines[row - 1]
                lines[row - 1] = line[:column].rstrip(" \t") + "\n"
    except tokenize.TokenError as error:
        raise ValueError(str(error)) from None
    return "".join(lines).encode()
