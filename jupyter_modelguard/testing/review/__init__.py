r"""Review a library for the lists, in ten minutes.

`python -m jupyter_modelguard.testing.review LIBRARY` imports an installed library and goes through the classes that its modules define,
which are the ones a pickle can name. For each it shows which methods a load would reach, over all classes it descends from:

    python      the interpreter's own, or written by Python for data classes and the like: nothing to review
    reviewed    on the list of methods that were read, `policy/methods.toml`
    to read     defined by the library; the source shows nothing that runs what a file brings along
    executes    the source calls, imports, opens or evaluates something, or calls what it is given; the table says where

How to add a library:

1. Run the tool with `--toml`. It prints rows with an empty `reason` for what is to be read. A class all of whose methods are `python`
   or `reviewed` needs no row: inspection clears it.
2. Read each method. A look at the syntax does not see what a called function does: follow the calls. Ask what happens if every value
   of the state is an object that the file chose: whose method is called, who compares or hashes it, what is kept and called later? Name in
   `plain`, `only` and `without` what the keys must be for the answer to be harmless, and write it down as the reason.
3. For what executes, or is made in C, the tool proposes nothing. Most of it must stay unknown, and is asked about. Where a narrow use is
   harmless, write an `[[inert]]` row with argument and state patterns (see `policy/catalogue.py` and `policy/patterns.py`) that
   admit that use alone, and say in `reason` why.
4. Save the rows as `policy/lists/LIBRARY.toml`, or `policy/methods.toml` for methods, and run `--check`: it fails for each row whose
   class or function can execute and whose reason does not say why it is harmless.
5. Add a file of the library to `tests/integration/honest_files.py` and its relatives, and run `tests/bypass/test_hostile_arguments.py`.
"""

from __future__ import annotations

from jupyter_modelguard.testing.review.checking import unexplained
from jupyter_modelguard.testing.review.classes import Member, Method, members, review
from jupyter_modelguard.testing.review.source import Danger, dangers

__all__ = ["Danger", "Member", "Method", "dangers", "members", "review", "unexplained"]
