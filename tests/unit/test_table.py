"""The table of loaders is complete in itself: each is named, says what its files can run, and has one row a place."""

from collections import Counter

from jupyter_modelguard.hooks.table import TABLE, loaders


def test_every_loader_says_what_its_files_can_run():
    assert [name for name, runs in loaders().items() if not runs] == []


def test_every_place_has_one_row():
    assert [place for place, count in Counter((row.module, row.attribute) for row in TABLE).items() if count > 1] == []
