"""The names of files: harmless to people and file systems, and read from a header as RFC 6266 says."""

import unicodedata
from typing import Literal

import pytest

from api.errors import BadRequest
from api.files.names import LOOKED_AT, MAX_CHARACTERS, disposition_of, harmless, name_in


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("cat.png", "cat.png"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\Users\\me\\cat.png", "C__Users_me_cat.png"),
        (".bashrc", "bashrc"),
        ("  two  words .txt ", "two  words .txt"),
        ("line\nbreak\r\n.txt", "line break  .txt"),
        ("ann\u202egnp.exe", "anngnp.exe"),
        ("nul\0l.txt", "null.txt"),
        ("CON", "_CON"),
        ("lpt1.txt", "_lpt1.txt"),
        ("...", "file"),
        ("", "file"),
        ("e\u0301t\u00e9.txt", "\u00e9t\u00e9.txt"),
        ("a" * 300 + ".jpeg", "a" * (MAX_CHARACTERS - 5) + ".jpeg"),
    ],
)
def test_a_name_is_made_harmless(name: str, wanted: str) -> None:
    assert harmless(name) == wanted
    assert harmless(wanted) == wanted


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, "file"),
        ("attachment", "file"),
        ('attachment; filename="a \\"b\\".txt"', "a _b_.txt"),
        ("attachment; filename=plain.txt", "plain.txt"),
        ("attachment; filename=old.txt; filename*=UTF-8''gr%C3%BC%C3%9Fe.txt", "grüße.txt"),
        ("ATTACHMENT; FILENAME*=utf-8'de'%2e%2e%2fx", "_x"),
    ],
)
def test_a_name_is_read_from_its_header(header: str | None, wanted: str) -> None:
    assert name_in(header) == wanted


@pytest.mark.parametrize(
    "header",
    [
        *("form-data; name=x", "attachment; filename", "attachment; filename=a; filename=b"),
        *(
            "attachment; filename*=latin1''%E9",
            "attachment; filename*=UTF-8''%ff",
            "attachment; filename*=x",
            ";",
        ),
    ],
)
def test_a_header_that_cannot_be_read_is_refused(header: str) -> None:
    with pytest.raises(BadRequest):
        name_in(header)


@pytest.mark.parametrize("name", ["cat.png", 'a "quoted" one.txt', "grüße 100%.txt", "x\\y;z.txt"])
def test_a_name_that_is_served_is_read_again(name: str) -> None:
    served = disposition_of(harmless(name), is_shown=False)
    assert name_in(served) == harmless(name)
    assert served.isascii()


def test_a_name_of_thousands_of_marks_is_cut_before_it_is_normalized(monkeypatch: pytest.MonkeyPatch) -> None:
    normalized, normalize = list[int](), unicodedata.normalize

    def noted(form: Literal["NFC"], text: str) -> str:
        normalized.append(len(text))
        return normalize(form, text)

    monkeypatch.setattr("api.files.names.unicodedata.normalize", noted)
    assert harmless("a" + "\u0316\u0301" * 5_000 + ".png").endswith(".png")
    assert max(normalized) <= LOOKED_AT
