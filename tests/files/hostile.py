"""Files that attack whoever opens them, made here, so that none of them lies about."""

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from PIL import ExifTags, Image, ImageCms

MARK: Final = b"PLACE-OF-THE-PHOTOGRAPHER"
"""Stands in everything beside the pictures: what is kept must not hold it."""
SCRIPT: Final = b"<script>alert('" + MARK + b"')</script>"

SHOWN, REFUSED, KEPT, FORBIDDEN = "shown", "refused", "kept as it is", "forbidden by its type"


@dataclass(frozen=True, slots=True)
class Hostile:
    """A file. `outcome` is what becomes of it, and `type` the type that it has then."""

    name: str
    make: Callable[[], bytes]
    outcome: str
    type: str = ""


def photograph(size: tuple[int, int] = (64, 48), mode: str = "RGB") -> Image.Image:
    return Image.linear_gradient("L").resize(size).convert(mode)


def written(form: str, image: Image.Image | None = None, **options: Any) -> bytes:
    out = io.BytesIO()
    (image or photograph()).save(out, form, **options)
    return out.getvalue()


def exif(orientation: int = 1) -> Image.Exif:
    made = Image.Exif()
    made[ExifTags.Base.Orientation] = orientation
    made[ExifTags.Base.ImageDescription] = SCRIPT.decode()
    made.get_ifd(ExifTags.IFD.GPSInfo).update(
        {
            ExifTags.GPS.GPSLatitudeRef: "N",
            ExifTags.GPS.GPSLatitude: (48.0, 12.0, 30.0),
            ExifTags.GPS.GPSAreaInformation: MARK,
        }
    )
    return made


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(
    *chunks: bytes,
    width: int = 8,
    height: int = 8,
    depth: int = 8,
    colour: int = 2,
    idat: bytes | None = None,
) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    lines = (
        b"".join(b"\0" + b"\x40\x80\xc0" * width for _ in range(height))
        if width * height <= 4096
        else b"\0" * 64
    )
    data = chunk(b"IDAT", zlib.compress(lines) if idat is None else idat)
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + data + chunk(b"IEND", b"")


@cache
def zeros(megabytes: int) -> bytes:
    """Zlib's form of so many megabytes, in a thousandth of them."""
    squeezer = zlib.compressobj(9)
    return b"".join(squeezer.compress(bytes(1 << 20)) for _ in range(megabytes)) + squeezer.flush()


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def jpeg(*segments: bytes, after: bytes = b"", **options: Any) -> bytes:
    whole = written("JPEG", **options)
    return whole[:2] + b"".join(segments) + whole[2:] + after


def resized_jpeg(width: int, height: int) -> bytes:
    whole = bytearray(written("JPEG"))
    at = whole.index(b"\xff\xc0") + 5
    whole[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(whole)


def many_scans() -> bytes:
    """A progressive JPEG that says its last scan 2,000 times."""
    whole = written("JPEG", progressive=True)
    last = whole[whole.rindex(b"\xff\xda") : -2]
    return whole[:-2] + last * 2_000 + whole[-2:]


def looping_exif() -> bytes:
    """EXIF of which the next directory is itself."""
    entry = struct.pack("<HHII", ExifTags.Base.ExifOffset, 4, 1, 8)
    return (
        b"Exif\0\0II*\0" + struct.pack("<I", 8) + struct.pack("<H", 1) + entry + struct.pack("<I", 8) + MARK
    )


def profile(data: bytes) -> bytes:
    return segment(0xE2, b"ICC_PROFILE\0\1\1" + data)


def gif(
    frames: int,
    *,
    screen: tuple[int, int] = (1, 1),
    extra: bytes = b"",
    frame: tuple[int, int, int, int] | None = None,
) -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    box = frame or (0, 0, 1, 1)
    shown = (
        b"\x21\xf9\x04\x00\x02\x00\x00\x00" + b"," + struct.pack("<HHHHB", *box, 0) + b"\x02\x02\x44\x01\x00"
    )
    return head + extra + shown * frames + b";"


def moving(form: str, frames: int = 3, **options: Any) -> bytes:
    first, *others = (photograph().rotate(10 * turn) for turn in range(frames))
    return written(form, first, save_all=True, append_images=others, duration=50, **options)


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("../../evil.html", SCRIPT)
    return out.getvalue()


def riff(length: int | None = None) -> bytes:
    whole = bytearray(written("WEBP"))
    if length is not None:
        whole[4:8] = struct.pack("<I", length)
    return bytes(whole)


def wide_webp() -> bytes:
    return (
        b"RIFF"
        + struct.pack("<I", 22)
        + b"WEBPVP8X"
        + struct.pack("<I", 10)
        + b"\x02\0\0\0"
        + b"\xff\xff\xff" * 2
    )


def moving_png(frames: int) -> bytes:
    first = written("PNG", photograph((4, 4)), save_all=True, append_images=[photograph((4, 4)).rotate(90)])
    control = first.index(b"acTL") + 4
    body = first[:control] + struct.pack(">II", frames, 0)
    return body + struct.pack(">I", zlib.crc32(b"acTL" + body[-8:])) + first[control + 12 :]


SVG: Final = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">' + SCRIPT + b"</svg>"
XMP: Final = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><exif:GPSLatitude>' + MARK + b"</exif:GPSLatitude></x:xmpmeta>"
)


def hostile() -> Iterator[Hostile]:
    """Yield all of them."""
    yield from _pngs()
    yield from _jpegs()
    yield from _moving()
    yield from _others()


def _pngs() -> Iterator[Hostile]:
    shown, png_type = SHOWN, "image/png"
    yield Hostile("PNG of 2.5 billion pixels", lambda: png(width=50_000, height=50_000), REFUSED)
    yield Hostile("PNG one pixel over the limit", lambda: png(width=50_000_001, height=1), REFUSED)
    yield Hostile("PNG of the greatest size", lambda: png(width=2**31 - 1, height=2**31 - 1), REFUSED)
    yield Hostile("PNG without a size", lambda: png(width=0, height=0, idat=b""), REFUSED)
    yield Hostile("PNG with 100 MB of data for 64 pixels", lambda: png(idat=zeros(100)), shown, png_type)
    yield Hostile("PNG with a text of 100 MB", lambda: png(chunk(b"zTXt", b"a\0\0" + zeros(100))), REFUSED)
    yield Hostile(
        "PNG with a colour profile of 100 MB",
        lambda: png(chunk(b"iCCP", b"a\0\0" + zeros(100))),
        REFUSED,
    )
    yield Hostile("PNG cut off", lambda: written("PNG", photograph((400, 400)))[:300], REFUSED)
    yield Hostile("PNG with a wrong checksum", lambda: png()[:29] + b"\0\0\0\0" + png()[33:], REFUSED)
    yield Hostile("PNG without data", lambda: png(idat=b""), REFUSED)
    yield Hostile("PNG of broken data", lambda: png(idat=b"\x78\x9c" + MARK), REFUSED)
    yield Hostile("PNG without its table of colours", lambda: png(colour=3), REFUSED)
    yield Hostile("PNG of a depth that is none", lambda: png(depth=5), REFUSED)
    yield Hostile("PNG and archive in one", lambda: png() + archive(), shown, png_type)
    yield Hostile("PNG and page in one", lambda: png() + SCRIPT, shown, png_type)
    yield Hostile(
        "PNG with a script as text", lambda: png(chunk(b"tEXt", b"Comment\0" + SCRIPT)), shown, png_type
    )
    yield Hostile(
        "PNG with a page as text",
        lambda: png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)),
        shown,
        png_type,
    )
    yield Hostile("PNG with a chunk of its own", lambda: png(chunk(b"evIL", SCRIPT)), shown, png_type)
    yield Hostile(
        "PNG with a profile that is none",
        lambda: png(chunk(b"iCCP", b"a\0\0" + zlib.compress(MARK))),
        shown,
        png_type,
    )
    yield Hostile("PNG with EXIF and a place", lambda: written("PNG", exif=exif()), shown, png_type)
    yield Hostile("PNG that says it moves 4 billion times", lambda: moving_png(2**32 - 1), shown, png_type)
    yield Hostile("PNG of 16 bits", lambda: written("PNG", photograph().convert("I;16")), shown, png_type)


def _jpegs() -> Iterator[Hostile]:
    shown, jpeg_type = SHOWN, "image/jpeg"
    yield Hostile("JPEG with EXIF and a place", lambda: jpeg(exif=exif(orientation=6)), shown, jpeg_type)
    yield Hostile(
        "JPEG turned in a way that is none", lambda: jpeg(exif=exif(orientation=99)), shown, jpeg_type
    )
    yield Hostile(
        "JPEG with EXIF that goes in a circle", lambda: jpeg(segment(0xE1, looping_exif())), shown, jpeg_type
    )
    yield Hostile("JPEG with a script as comment", lambda: jpeg(segment(0xFE, SCRIPT)), shown, jpeg_type)
    yield Hostile(
        "JPEG with a place in XMP",
        lambda: jpeg(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP)),
        shown,
        jpeg_type,
    )
    yield Hostile(
        "JPEG with a place in IPTC", lambda: jpeg(segment(0xED, b"Photoshop 3.0\0" + MARK)), shown, jpeg_type
    )
    yield Hostile("JPEG cut off", lambda: written("JPEG", photograph((800, 800)))[:2_000], REFUSED)
    yield Hostile("JPEG of 4 billion pixels", lambda: resized_jpeg(65_535, 65_535), REFUSED)
    yield Hostile("JPEG that is smaller than it says", lambda: resized_jpeg(600, 600), shown, jpeg_type)
    yield Hostile("JPEG that is a beginning", lambda: b"\xff\xd8\xff\xe0", REFUSED)
    yield Hostile("JPEG that is a page", lambda: b"\xff\xd8\xff" + SCRIPT, REFUSED)
    yield Hostile("JPEG and archive in one", lambda: jpeg(after=archive()), shown, jpeg_type)
    yield Hostile("JPEG and page in one", lambda: jpeg(after=SCRIPT), shown, jpeg_type)
    yield Hostile("JPEG of printing colours", lambda: jpeg(image=photograph(mode="CMYK")), shown, jpeg_type)
    yield Hostile("JPEG with a profile that is none", lambda: jpeg(profile(MARK)), shown, jpeg_type)
    yield Hostile(
        "JPEG with a profile for other colours", lambda: jpeg(profile(lab_profile())), shown, jpeg_type
    )
    yield Hostile(
        "JPEG with a profile that says it is huge",
        lambda: jpeg(profile(b"\xff" * 128 + MARK)),
        shown,
        jpeg_type,
    )
    yield Hostile("JPEG with a second one behind it", two_in_one, shown, jpeg_type)
    yield Hostile("JPEG of 2,000 scans", many_scans, shown, jpeg_type)


def lab_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def two_in_one() -> bytes:
    other = Image.open(io.BytesIO(jpeg(exif=exif())))
    return written("MPO", photograph(), save_all=True, append_images=[other], exif=exif())


def _moving() -> Iterator[Hostile]:
    comment = b"\x21\xfe" + bytes([len(SCRIPT)]) + SCRIPT + b"\0"
    yield Hostile("GIF without end", lambda: gif(5_000), REFUSED)
    yield Hostile("GIF of 4 billion pixels", lambda: gif(1, screen=(65_535, 65_535)), REFUSED)
    yield Hostile("GIF that moves 1,000 large frames", lambda: gif(1_000, screen=(7_000, 7_000)), REFUSED)
    yield Hostile(
        "GIF with a frame outside", lambda: gif(2, screen=(4, 4), frame=(65_000, 65_000, 500, 500)), REFUSED
    )
    yield Hostile("GIF without a frame", lambda: gif(0), REFUSED)
    yield Hostile("GIF that is a script", lambda: b"GIF89a/*" + MARK + b"*/=1;alert(1)", REFUSED)
    yield Hostile(
        "GIF with a script as comment", lambda: gif(2, screen=(4, 4), extra=comment), SHOWN, "image/gif"
    )
    yield Hostile("GIF and page in one", lambda: moving("GIF") + SCRIPT, SHOWN, "image/gif")
    yield Hostile("GIF that moves", lambda: moving("GIF", comment=MARK), SHOWN, "image/gif")
    yield Hostile("PNG that moves", lambda: moving("PNG", exif=exif()), SHOWN, "image/png")
    yield Hostile("WebP that moves", lambda: moving("WEBP", exif=exif(), xmp=XMP), SHOWN, "image/webp")
    yield Hostile("AVIF that moves", lambda: moving("AVIF", exif=exif(), xmp=XMP), SHOWN, "image/avif")
    yield Hostile("WebP of 281 trillion pixels", wide_webp, REFUSED)
    yield Hostile("WebP cut off", lambda: riff()[:-40], REFUSED)
    yield Hostile("WebP that says it is empty", lambda: riff(0), REFUSED)
    yield Hostile(
        "WebP with EXIF and a place", lambda: written("WEBP", exif=exif(), xmp=XMP), SHOWN, "image/webp"
    )
    yield Hostile(
        "AVIF with EXIF and a place", lambda: written("AVIF", exif=exif(), xmp=XMP), SHOWN, "image/avif"
    )
    yield Hostile("AVIF that is a beginning", lambda: b"\0\0\0\x1cftypavif" + MARK, REFUSED)


def _others() -> Iterator[Hostile]:
    text, binary = "text/plain", "application/octet-stream"
    yield Hostile("SVG with a script", lambda: SVG, KEPT, text)
    yield Hostile("SVG behind a byte order mark", lambda: b"\xef\xbb\xbf" + SVG, KEPT, text)
    yield Hostile("SVG that is squeezed", lambda: gzip.compress(SVG), KEPT, "application/gzip")
    yield Hostile("page that says it is a PNG", lambda: b"<!doctype html>" + SCRIPT, KEPT, text)
    yield Hostile("page in UTF-16", lambda: "<script>alert(1)</script>".encode("utf-16"), KEPT, binary)
    yield Hostile(
        "XML that grows", lambda: b'<!DOCTYPE a [<!ENTITY a "a"><!ENTITY b "&a;&a;">]><a>&b;</a>', KEPT, text
    )
    yield Hostile("PostScript", lambda: b"%!PS\n(/etc/passwd) (r) file", KEPT, text)
    yield Hostile(
        "drawing commands of ImageMagick",
        lambda: b"push graphic-context\nimage over 0,0 0,0 'url:http://a'",
        KEPT,
        text,
    )
    yield Hostile("PDF with a script", lambda: b"%PDF-1.7\n/JS (app.alert(1))", KEPT, "application/pdf")
    yield Hostile("TrueType font", lambda: b"\0\1\0\0\0\x0c\0\x80" + bytes(64), KEPT, binary)
    yield Hostile("WOFF2 font", lambda: b"wOF2\0\1\0\0" + bytes(64), KEPT, binary)
    yield Hostile("program of Windows", lambda: b"MZ\x90\0" + bytes(64), KEPT, binary)
    yield Hostile("program of Linux", lambda: b"\x7fELF" + bytes(64), KEPT, binary)
    yield Hostile("BMP", lambda: written("BMP"), KEPT, binary)
    yield Hostile("TIFF", lambda: written("TIFF"), KEPT, binary)
    yield Hostile("icon of Windows", lambda: written("ICO"), KEPT, binary)
    yield Hostile("HEIC with a place", lambda: b"\0\0\0\x18ftypheic" + MARK, FORBIDDEN, "image/heic")
    yield Hostile(
        "HEIC that says it is another", lambda: b"\0\0\0\x18ftypmif1" + MARK, FORBIDDEN, "image/heic"
    )
    yield Hostile("archive that is a document", archive, KEPT, "application/zip")
    yield Hostile("nothing at all", lambda: b"", KEPT, text)
    yield Hostile("one byte", lambda: b"\xff", KEPT, binary)
