"""PyYAML through its own functions: plain documents load silently from every loader, tags that make objects are asked about."""

import io
import os

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

PLAIN = "weights: [1.5, 2]\nname: 'a ! b'\nmade: 2024-02-29\nother: &x {a: !!str 1, b: [*x]}\n"
DATA_TAGS = "shape: !!python/tuple [1, 2]\nnumber: !!python/complex 1+2j\nkept: !!set {a, b}\n"
READERS = {
    "load": lambda text: yaml.load(text, Loader=yaml.Loader),
    "load of UnsafeLoader": lambda text: yaml.load(text, Loader=yaml.UnsafeLoader),
    "load of CLoader": lambda text: yaml.load(text, Loader=getattr(yaml, "CLoader", yaml.Loader)),
    "load of a file": lambda text: yaml.load(io.StringIO(text), yaml.Loader),
    "load of a binary file": lambda text: yaml.load(io.BytesIO(text.encode()), yaml.Loader),
    "load of UTF-16": lambda text: yaml.load(text.encode("utf-16"), yaml.Loader),
    "unsafe_load": yaml.unsafe_load,
    "unsafe_load_all": lambda text: next(iter(yaml.unsafe_load_all(text))),
    "load_all": lambda text: next(iter(yaml.load_all(text, yaml.Loader))),
}
EVERY = {**READERS, "full_load": yaml.full_load, "safe_load": yaml.safe_load}


@pytest.mark.parametrize("name", EVERY)
def test_plain_document_loads_silently_and_alike(name, hold):
    running = hold()
    assert repr(EVERY[name](PLAIN)) == repr(yaml.safe_load(PLAIN))
    assert {outcome for _, outcome in running.outcomes()} <= {"loaded"}


@pytest.mark.parametrize("name", [*READERS, "full_load"])
def test_tags_of_plain_data_load_silently(name, hold):
    running = hold()
    loaded = EVERY[name](DATA_TAGS)
    assert (loaded["shape"], loaded["number"]) == ((1, 2), 1 + 2j)
    assert running.outcomes() in ([("yaml.load", "loaded")], [("yaml.load_all", "loaded")])


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system [{command}]",
        "!<tag:yaml.org,2002:python/object/apply:os.system> [{command}]",
        "!!python/object/apply:subprocess.getoutput [{command}]",
        "{{a: [1, !!python/object/new:subprocess.Popen {{args: [{command}], kwds: {{shell: true}}}}]}}",
    ],
)
@pytest.mark.parametrize("name", READERS)
def test_tag_that_calls_is_held_before_it_runs(name, tag, hold, canary):
    text = "%TAG !! tag:yaml.org,2002:\n--- " if tag.startswith("!!python/object/apply:sub") else ""
    text += tag.format(command=f'"touch {canary}"')
    if "Popen" not in tag:
        READERS[name](text)
        assert canary.exists(), "the text is not armed"
        canary.unlink()
    running = hold()
    with pytest.raises(ModelLoadBlockedError, match=r"os\.system|subprocess"):
        READERS[name](text)
    assert not canary.exists()
    ((_, outcome),) = running.outcomes()
    assert outcome == "blocked"


CALL = "!!python/object/apply:os.system ['touch {canary}']"
SPELLINGS = {
    "behind an anchor": "a: &x " + CALL + "\nb: *x",
    "as a key": "? " + CALL + "\n: 1",
    "without a space": '{"a":' + CALL + "}",
    "escaped": "!<tag:yaml.org,2002:python/object/apply:os%2Esystem> ['touch {canary}']",
    "under a handle": "%TAG !e! tag:yaml.org,2002:python/object/apply:\n---\n!e!os.system ['touch {canary}']",
    "cut in the middle": "%TAG !e! tag:yaml.org,2002:python/obj\n---\n!e!ect/apply:os.system ['touch {canary}']",
    "in the second document": "a: 1\n---\n" + CALL,
}


@pytest.mark.parametrize("kind", ["Loader", "CLoader"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_tag_is_found_however_it_is_spelled(spelling, kind, hold, canary):
    text = SPELLINGS[spelling].replace("{canary}", str(canary))
    loader = getattr(yaml, kind, yaml.Loader)

    def load():
        return list(yaml.load_all(text, loader))

    try:
        load()
    except (TypeError, yaml.YAMLError):
        assert spelling == "as a key"
    assert canary.exists(), "the text is not armed"
    canary.unlink()
    hold()
    with pytest.raises(ModelLoadBlockedError, match=r"os\.system"):
        load()
    assert not canary.exists()


def test_approved_document_runs_once_from_the_text_that_was_shown(hold, tmp_path, canary):
    path = tmp_path / "armed.yaml"
    path.write_text(f"first: 1\nsecond: !!python/object/apply:os.system ['touch {canary}']\n")
    running = hold(says=True)
    for _ in range(2):
        with path.open() as file:
            assert yaml.unsafe_load(file) == {"first": 1, "second": 0}
        canary.unlink()
    assert running.outcomes() == [("yaml.load", "allowed")] * 2
    record, view = running.guard.approver.asked[0]
    assert record.request.source == str(path)
    assert [finding.location for finding in record.report.findings] == ["line 2"]
    assert [row.name for row in view.calls] == ["os.system"]
    ((heading, rows),) = [(listing.heading, listing.rows) for listing in view.listings]
    assert (heading, rows[0].number, rows[0].text) == ("Where the file says so", 2, path.read_text().splitlines()[1])
    assert not any("pickle" in fact.text for fact in view.facts)


def test_loader_reached_without_a_function_is_held(hold, canary):
    text = f"!!python/object/apply:os.system ['touch {canary}']"
    hold()
    for kind in (yaml.Loader, yaml.UnsafeLoader, getattr(yaml, "CLoader", yaml.Loader)):
        loader = kind(text)
        with pytest.raises(ModelLoadBlockedError):
            loader.get_single_data()
    assert not canary.exists()


def test_module_tag_is_held(hold):
    hold()
    with pytest.raises(ModelLoadBlockedError, match="antigravity"):
        yaml.unsafe_load("!!python/module:antigravity")


def test_tags_and_loaders_of_the_person_are_left_alone(hold, tmp_path):
    class Mine(yaml.Loader):
        def __init__(self, stream):
            self.folder = stream.name.rpartition("/")[0]
            super().__init__(stream)

    Mine.add_constructor("!here", lambda loader, node: f"{loader.folder}/{loader.construct_scalar(node)}")
    path = tmp_path / "settings.yaml"
    path.write_text("data: !here weights.bin\n")
    hold()
    with path.open() as file:
        assert yaml.load(file, Mine) == {"data": f"{tmp_path}/weights.bin"}


def test_broken_document_raises_the_parsers_own_error(hold):
    hold()
    with pytest.raises(yaml.YAMLError):
        yaml.load("a: !!python/tuple [1, 2", yaml.Loader)


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning", "ignore::UserWarning")
def test_unsafe_reader_of_ruamel_is_held(hold, canary):
    ruamel = pytest.importorskip("ruamel.yaml", reason="ruamel.yaml is not installed")
    text = f"a: !!python/object/apply:os.system ['touch {canary}']"
    ruamel.YAML(typ="unsafe", pure=True).load(text)
    assert canary.exists(), "the text is not armed"
    canary.unlink()
    hold()
    assert ruamel.YAML(typ="safe", pure=True).load(PLAIN)["name"] == "a ! b"
    with pytest.raises(ModelLoadBlockedError, match=r"os\.system"):
        ruamel.YAML(typ="unsafe", pure=True).load(text)
    assert not canary.exists()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_line_of_a_tag_is_quoted_from_bytes_too(encoding, hold):
    running = hold(says=True)
    assert yaml.unsafe_load("a: 1\r\nb: !!python/name:os.system  # é\r\n".encode(encoding))["b"] is os.system
    ((_, view),) = running.guard.approver.asked
    assert [(row.number, row.text) for row in view.listings[0].rows] == [(2, "b: !!python/name:os.system  # é")]


def test_stream_that_wants_to_know_how_much_to_read_is_read(hold):
    class Pieces:
        def __init__(self, text):
            self.left = [text[place : place + 7] for place in range(0, len(text), 7)]

        def read(self, _size):
            return self.left.pop(0) if self.left else ""

    hold()
    assert yaml.load(Pieces(DATA_TAGS), yaml.Loader)["shape"] == (1, 2)
    with pytest.raises(ModelLoadBlockedError):
        yaml.load(Pieces("a: 1\nb: !!python/name:os.system"), yaml.Loader)
