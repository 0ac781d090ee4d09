"""Pictures of Pillow whose own `__setstate__`, or a notebook that shows them, would ask objects of the file."""

import pickle

import pytest

from jupyter_modelguard.errors import ModelLoadBlockedError

images = pytest.importorskip("PIL.Image", reason="pictures are of Pillow")
PARTS = {"info": 0, "mode": 1, "size": 2, "palette": 3, "data": 4}


class Asked:
    """Runs a program when it is asked for almost anything that objects are asked for."""

    def __init__(self, canary):
        self.canary = str(canary)

    def _answer(self, *_arguments):
        open(self.canary, "w").close()
        raise ValueError("asked")

    __bool__ = __len__ = __eq__ = __index__ = __contains__ = __getitem__ = __iter__ = get = copy = _answer
    __hash__ = object.__hash__


class Text(str):  # noqa: SLOT000 it keeps where its canary is
    """A text that runs a program when it is compared."""

    def __eq__(self, other):
        open(self.canary, "w").close()
        return False

    __hash__ = str.__hash__


class Picture:
    """Pickles as a picture with a state of the attacker's choosing."""

    __class__ = property(lambda _: images.Image)

    def __init__(self, state):
        self.parts = state

    def __reduce__(self):
        import copyreg

        return copyreg.__newobj__, (images.Image,), self.parts


@pytest.fixture
def asked(canary, in_notebook):
    in_notebook(Asked, Text)
    return Asked(canary)


def parts(**changed):
    state = [{}, "L", (2, 2), None, bytes(4)]
    for name, value in changed.items():
        state[PARTS[name]] = value
    return state


def shown(data):
    """Load a picture and show it as a notebook does."""
    try:
        loaded = pickle.loads(data)
        loaded._repr_png_()
        loaded.convert("RGB")
    except (ValueError, TypeError):
        return


@pytest.fixture
def held(hold, canary):
    def attack(data):
        shown(data)
        assert canary.exists(), "the attack does not work"
        canary.unlink()
        hold()
        with pytest.raises(ModelLoadBlockedError):
            pickle.loads(data)
        assert not canary.exists()

    return attack


def test_object_that_is_asked_is_plain_data_anywhere_else(asked, hold, canary):
    data = pickle.dumps([asked, Picture(parts())])
    hold()
    pickle.loads(data)
    assert not canary.exists()


def test_state_that_is_an_object_is_held(asked, held):
    held(pickle.dumps(Picture(asked)))


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("part", ["info", "palette"])
def test_part_that_is_an_object_is_held(part, protocol, asked, held):
    held(pickle.dumps(Picture(parts(**{part: asked})), protocol))


def test_mode_that_is_an_object_is_held(asked, held):
    mode = Text("L")
    mode.canary = asked.canary
    held(pickle.dumps(Picture(parts(mode=mode))))


def test_side_that_is_an_object_is_held(asked, held):
    held(pickle.dumps(Picture(parts(size=(asked, 2)))))


def test_object_among_what_is_known_of_a_picture_is_held(asked, held):
    held(pickle.dumps(Picture(parts(info={"icc_profile": asked}))))


def test_object_put_into_the_state_later_is_held(asked, held):
    """The list of parts gets another part in the place of one that the picture has by then."""
    made = pickle.dumps(asked, 2)[2:-1]
    changed = (
        b"q\x63h\x00K\x00Ns0h\x01X\x0b\x00\x00\x00icc_profile"
        + made.replace(b"q\x00", b"q\x10").replace(b"q\x01", b"q\x11")
        + b"s0"
    )
    state = b"]q\x00(}q\x01X\x01\x00\x00\x00LK\x02K\x02\x86NC\x04\0\0\0\0e"
    held(b"\x80\x03cPIL.Image\nImage\n)\x81" + state + b"b" + changed + b".")


@pytest.mark.parametrize(
    "state",
    [
        parts(size=(1 << 15, 1 << 15)),
        parts(size=(2, -2)),
        parts(size=(0, 1 << 30), data=b""),
        parts(size=[2, 2]),
        parts(size=(2, 2, 1)),
        parts(mode="RGB"),
        parts(mode="BGR;15"),
        parts(palette=[0, 0, 0]),
        parts(mode="P", palette=[256]),
        parts(mode="P", palette=list(range(256)) * 5),
        parts(data="abcd"),
        parts(info=[]),
        parts(info={1: 1}),
        [*parts(), 3],
        [*parts(), "name", 1],
        parts()[:4],
        tuple(parts()),
    ],
)
def test_parts_that_pillow_does_not_write_are_held(state, hold):
    data = pickle.dumps(Picture(state))
    hold()
    with pytest.raises(ModelLoadBlockedError):
        pickle.loads(data)
