"""What a file is, by its first bytes."""

import pytest

from api.files.content_types import HEAD_BYTES, SHOWN_INLINE, type_of


@pytest.mark.parametrize(
    ("head", "claimed", "found"),
    [
        (b"\0\0\0\x20ftypisom", "video/mp4", "video/mp4"),
        (b"\0\0\0\x20ftypisom", "audio/mp4", "audio/mp4"),
        (b"\0\0\0\x20ftypM4A ", "text/html", "audio/mp4"),
        (b"\0\0\0\x14ftypqt  ", "video/mp4", "video/quicktime"),
        (b"\x1aE\xdf\xa3\x01webm", "audio/webm", "audio/webm"),
        (b"\x1aE\xdf\xa3\x01webm", "text/html", "video/webm"),
        (b"\x1aE\xdf\xa3\x01\x42\x82\x88matroska", "video/webm", "video/x-matroska"),
        (b"OggS\0", "video/ogg", "video/ogg"),
        (b"OggS\0", "image/svg+xml", "audio/ogg"),
        (b"RIFF\1\1\1\1WAVE", "", "audio/wav"),
        (b"fLaC\0", "", "audio/flac"),
        (b"ID3\4", "", "audio/mpeg"),
        (b"\xff\xfb\x90\0", "", "audio/mpeg"),
        (b"\xff\xf1\x50\x80", "", "audio/aac"),
        (b"PK\x03\x04", "application/java-archive", "application/zip"),
        (
            b"PK\x03\x04",
            "application/vnd.oasis.opendocument.text",
            "application/vnd.oasis.opendocument.text",
        ),
        (b"hello\r\n\tworld", "text/html", "text/plain"),
        ("grüß".encode(), "application/javascript", "text/plain"),
        ("grüß".encode("latin-1"), "text/plain", "application/octet-stream"),
        (b"a\0b", "text/plain", "application/octet-stream"),
    ],
)
def test_a_file_is_what_its_content_says(head: bytes, claimed: str, found: str) -> None:
    assert type_of(head, claimed) == found


def test_a_letter_that_is_cut_off_at_the_end_of_the_head_is_no_reason_against_text() -> None:
    text = ("ä" * HEAD_BYTES).encode()
    assert type_of(text[: HEAD_BYTES - 1] + b"\xc3", "") == "application/octet-stream"
    assert type_of(b"x" + text[: HEAD_BYTES - 1], "") == "text/plain"


def test_nothing_that_may_hold_a_script_is_shown_in_a_page() -> None:
    assert not {
        name for name in SHOWN_INLINE if "svg" in name or "html" in name or "xml" in name or "pdf" in name
    }
    assert {name.split("/")[0] for name in SHOWN_INLINE} == {"image", "audio", "video"}
