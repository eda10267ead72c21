"""The checker of files finds what may not happen."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.faults.filed import ANY, Filed, Opened, Said, SentFile, wrong_files


def good() -> Filed:
    """Return what is there when all is well: two messages with files, and one that was deleted."""
    return Filed(
        uploaded={"a": "digest of a", "b": ANY, "c": "digest of c", "d": "digest of d"},
        acked={"one": ("a", "b"), "gone": ("c",)},
        deleted={"gone"},
        shown=[
            Said("one", (SentFile("a", 3), SentFile("b", 9)), False),
            Said("gone", (), True),
            Said("unknown", (SentFile("d", 4),), False),  # its sender had no answer
        ],
        opened={"a": Opened("digest of a", 3), "b": Opened("made anew", 9), "d": Opened("digest of d", 4)},
        kept={("kept", "a"), ("kept", "b"), ("thumbs", "b"), ("kept", "d")},
    )


def test_nothing_is_wrong_where_nothing_is() -> None:
    assert list(wrong_files(good())) == []


def _without_bytes(filed: Filed) -> None:
    filed.opened = {file_id: one for file_id, one in filed.opened.items() if file_id != "a"}


def _other_bytes(filed: Filed) -> None:
    filed.opened = {**filed.opened, "a": Opened("digest of d", 3)}


def _cut(filed: Filed) -> None:
    filed.opened = {**filed.opened, "b": Opened("made anew", 8)}


def _lost(filed: Filed) -> None:
    filed.shown = filed.shown[1:]


def _mixed_up(filed: Filed) -> None:
    filed.shown = [replace(filed.shown[0], files=filed.shown[0].files[:1]), *filed.shown[1:]]


def _doubled(filed: Filed) -> None:
    filed.shown = [*filed.shown, filed.shown[0]]


def _shared(filed: Filed) -> None:
    filed.shown = [*filed.shown, Said("other", (SentFile("a", 3),), False)]


def _not_deleted(filed: Filed) -> None:
    filed.shown = [filed.shown[0], Said("gone", (), False), filed.shown[2]]
    filed.acked["gone"] = ()


def _still_named(filed: Filed) -> None:
    filed.shown = [filed.shown[0], Said("gone", (SentFile("c", 5),), True), filed.shown[2]]


def _orphan(filed: Filed) -> None:
    filed.kept |= {("kept", "c")}


def _thumb(filed: Filed) -> None:
    filed.kept |= {("thumbs", "c")}


def _upload(filed: Filed) -> None:
    filed.kept |= {("uploads", "a")}


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        pytest.param(_without_bytes, "one names a, which is not there", id="a gap"),
        pytest.param(_other_bytes, "a has other bytes", id="other bytes"),
        pytest.param(_cut, "b has 8 bytes, and one says 9", id="cut off"),
        pytest.param(_lost, "one was acked and is not there", id="a lost message"),
        pytest.param(_mixed_up, "one has other files", id="other files"),
        pytest.param(_doubled, "a message is there twice", id="doubled"),
        pytest.param(_shared, "a is named by one and by other", id="one file in two messages"),
        pytest.param(_not_deleted, "gone is there after its delete", id="not deleted"),
        pytest.param(_still_named, "gone is deleted and names 1 files", id="named after the delete"),
        pytest.param(_orphan, "kept/c is kept, and no message names it", id="bytes of a deleted message"),
        pytest.param(_thumb, "thumbs/c is kept, and no message names it", id="a thumbnail left over"),
        pytest.param(_upload, "the upload a is left over", id="an upload left over"),
    ],
)
def test_what_is_wrong_with_files_is_found(plant: Callable[[Filed], None], said: str) -> None:
    filed = good()
    plant(filed)
    assert any(said in what for what in wrong_files(filed)), list(wrong_files(filed))
