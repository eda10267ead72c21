"""Looks at pictures in a process of its own: they come from strangers, and their decoders are large.

For each picture it forks, within bounds: see `forks.py`. Only this module imports Pillow.
"""

import errno
import warnings
from base64 import b64encode
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from PIL import (  # the plugins are named, so that no other is loaded
    AvifImagePlugin,
    GifImagePlugin,
    Image,
    ImageCms,
    ImageFile,
    ImageOps,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

from api.files.content_types import HEAD_BYTES, type_of
from api.files.forks import Bounds, serve
from api.files.thumbhash import thumbhash

__all__ = [
    "AvifImagePlugin",
    "GifImagePlugin",
    "JpegImagePlugin",
    "MpoImagePlugin",
    "PngImagePlugin",
    "WebPImagePlugin",
    "answer",
]

FORMATS: Final = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
}
MOST_PIXELS: Final = 50_000_000
"""Photographs of phones have 12 to 50 million. In memory each pixel takes four bytes, several times over."""
MOST_FRAMES: Final = 1_000
MOST_MOVING_PIXELS: Final = 100_000_000
"""Of all frames together: 30 seconds of 480 x 270 at 25 frames a second."""
MOST_PROFILE_BYTES: Final = 1 << 20
"""A colour profile has some kilobytes. A larger one is not read."""

BOUNDS: Final = Bounds(memory_bytes=1 << 30, cpu_seconds=20, file_bytes=128 << 20)

THUMB_PIXELS: Final = 720
"""The longest side of a thumbnail: twice what the page shows, for screens of high density."""
BLUR_PIXELS: Final = 32
PORTRAIT_PIXELS: Final = (96, 384)
"""The sides of an avatar: beside a message and on a card, on screens of high density."""
QUALITY: Final = 88
THUMB_QUALITY: Final = 78
OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "JPEG": {"quality": QUALITY},
    "PNG": {"compress_level": 4},  # a fifth larger than at best, and four times as fast
    "GIF": {},
    "WEBP": {"quality": QUALITY, "method": 2},
    "AVIF": {"quality": QUALITY, "speed": 9, "max_threads": 1},
}
"""How copies are written: as close to the original as the eye can tell, in less than two seconds for a photograph."""


class NotShown(Exception):
    """The picture is not shown. Its text is one of the reasons in `pictures.py`."""


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Look at one picture, within the bounds of Pillow and those that the kernel keeps."""
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    return _answer(request)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        return TASKS[request["task"]](request)
    except NotShown as refused:
        return {"refused": str(refused)}
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return {"refused": "pixels"}
    except MemoryError:
        return {"refused": "costly"}
    except OSError as error:
        return {"refused": "costly" if error.errno == errno.EFBIG else "broken"}
    except Exception:  # noqa: BLE001 a decoder meets anything, and raises anything
        return {"refused": "broken"}


# -- what is made of a picture


def _look(request: dict[str, Any]) -> dict[str, Any]:
    """Write a copy without anything but the picture, and a thumbnail. Return what is known of the picture."""
    source, clean, small = Path(request["source"]), Path(request["clean"]), Path(request["thumb"])
    kind = _kind(source)
    if kind is None:
        return {"type": None}
    with Image.open(source, formats=[FORMATS[kind]]) as image:
        _check_size(image)
        durations = _durations(image) if kind != "image/jpeg" else []
        if len(durations) > 1:
            _save_moving(image, FORMATS[kind], clean, durations)
            image.seek(0)
            picture = _upright(image)
        else:
            picture = _upright(image)
            _save_still(_of_few_colours(image) or picture, FORMATS[kind], clean)
    width, height = picture.size
    thumb = _small(picture, THUMB_PIXELS)
    thumb.save(small, "WEBP", quality=THUMB_QUALITY)
    return {"type": kind, "width": width, "height": height, "blur": _blur(thumb)}


def _portrait(request: dict[str, Any]) -> dict[str, Any]:
    """Cut a square from the middle, and return it in two sizes."""
    source = Path(request["source"])
    kind = _kind(source)
    if kind is None:
        return {"type": None}
    with Image.open(source, formats=[FORMATS[kind]]) as image:
        _check_size(image)
        picture = _upright(image)
    small, large = (
        ImageOps.fit(picture, (side, side), method=Image.Resampling.LANCZOS) for side in PORTRAIT_PIXELS
    )
    return {"type": kind, "small": _webp(small), "large": _webp(large)}


TASKS: Final[dict[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {"look": _look, "portrait": _portrait}


def _kind(source: Path) -> str | None:
    with source.open("rb") as file:
        kind = type_of(file.read(HEAD_BYTES), "")
    return kind if kind in FORMATS else None


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise NotShown("pixels")


def _durations(image: Image.Image) -> list[int]:
    """Return how long each frame is shown, in milliseconds. Raises `NotShown` where there are too many frames."""
    durations: list[int] = []
    while True:
        _check_size(image)
        width, height = image.size
        if len(durations) >= MOST_FRAMES or width * height * (len(durations) + 1) > MOST_MOVING_PIXELS:
            raise NotShown("frames")
        image.load()  # by which some formats first know the duration
        durations.append(int(image.info.get("duration", 0)))
        try:
            image.seek(len(durations))
        except EOFError:
            image.seek(0)
            return durations


def _upright(image: Image.Image) -> Image.Image:
    """Return the picture as it is to be seen: turned as its camera was held, in the colours of the web."""
    profile = image.info.get("icc_profile")
    turned = ImageOps.exif_transpose(image)
    if turned.mode == "CMYK" and not profile:
        plain = turned.convert("RGB")
    elif turned.mode.startswith(("I", "F")):
        plain = _of_16_bits(turned)
    else:
        plain = _in_srgb(turned, profile)
    wanted = "RGBA" if plain.has_transparency_data else "RGB"
    if plain.mode != wanted:
        plain = plain.convert(wanted)
    plain.info = {}
    return plain


def _of_16_bits(image: Image.Image) -> Image.Image:
    return image.convert("I").point(lambda value: value / 256).convert("L")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if not profile or len(profile) > MOST_PROFILE_BYTES or image.mode not in {"RGB", "RGBA", "L", "CMYK"}:
        return image
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    try:
        shown = ImageCms.profileToProfile(
            image, ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode=mode
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image.convert(mode)  # a profile that is none, or for other colours
    return shown or image


def _of_few_colours(image: Image.Image) -> Image.Image | None:
    """Return the picture as it is where a table of colours keeps it small; else None."""
    if image.mode not in {"1", "L", "P"} or image.info.get("icc_profile") or image.getexif():
        return None
    plain = image.copy()
    plain.info = {name: image.info[name] for name in ("transparency",) if name in image.info}
    return plain


def _save_still(picture: Image.Image, form: str, clean: Path) -> None:
    picture.save(clean, form, **OPTIONS[form])


def _save_moving(image: Image.Image, form: str, clean: Path, durations: list[int]) -> None:
    loop = image.info.get("loop", 0)
    nothing = {"exif": b"", "xmp": b"", "icc_profile": b"", "comment": b""}
    image.save(clean, form, save_all=True, duration=durations, loop=loop, **nothing, **OPTIONS[form])


def _small(picture: Image.Image, side: int) -> Image.Image:
    small = picture.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return small


def _webp(picture: Image.Image) -> str:
    written = BytesIO()
    picture.save(written, "WEBP", quality=THUMB_QUALITY)
    return b64encode(written.getvalue()).decode()


def _blur(thumb: Image.Image) -> str:
    tiny = _small(thumb, BLUR_PIXELS).convert("RGBA")
    return b64encode(thumbhash(*tiny.size, tiny.tobytes())).decode()


if __name__ == "__main__":
    Image.preinit()
    serve(answer, BOUNDS)
