"""One print, saved in every format and depth, reads as the same print; bad files are refused."""

from __future__ import annotations

import random
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import ImageError
from engine.formats.images import read_image
from engine.settings import ImageLimits
from engine.types import FingerPosition
from tests.formats.samples import HEIGHT, WIDTH, file, picture, ridges

# pytest takes away the filter that engine.formats.pictures sets once.
pytestmark = pytest.mark.filterwarnings(r"ignore:::PIL\..*")

RIDGES = ridges()
SIDEWAYS = Image.Exif()
SIDEWAYS[0x0112] = 6  # turn 90° clockwise to see it upright


def transparent() -> Image.Image:
    """The print in black ink of varying opacity, on nothing."""
    rgba = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    rgba[..., 3] = 255 - RIDGES
    return Image.fromarray(rgba)


def plain_text() -> bytes:
    samples = " ".join(map(str, RIDGES.ravel()))
    return f"P2 {WIDTH} {HEIGHT} 255\n{samples}\n".encode()


EXACT = {
    "png": file(picture(), "PNG"),
    "png of 16 bits": file(Image.fromarray(RIDGES.astype(np.uint16) * 257), "PNG"),
    "png of 12 bits in 16": file(Image.fromarray(RIDGES.astype(np.uint16) * 16), "PNG"),
    "png in colour": file(picture().convert("RGB"), "PNG"),
    "png with palette": file(picture().convert("RGB").quantize(256), "PNG"),
    "png on nothing": file(transparent(), "PNG"),
    "tiff": file(picture(), "TIFF"),
    "tiff of 16 bits": file(Image.fromarray(RIDGES.astype(np.uint16) * 257), "TIFF"),
    "tiff by lzw": file(picture(), "TIFF", compression="tiff_lzw"),
    "tiff with palette": file(picture().convert("P"), "TIFF"),
    "bmp": file(picture(), "BMP"),
    "bmp in colour": file(picture().convert("RGB"), "BMP"),
    "pgm": file(picture(), "PPM"),
    "pgm in text": plain_text(),
    "ppm": file(picture().convert("RGB"), "PPM"),
    "jpeg 2000": file(picture(), "JPEG2000"),
}
LOSSY = {
    "jpeg": file(picture(), "JPEG", quality=95),
    "progressive jpeg": file(picture().convert("RGB"), "JPEG", quality=95, progressive=True),
    "cmyk jpeg": file(picture().convert("CMYK"), "JPEG", quality=95),
    "jpeg 2000, lossy": file(
        picture(), "JPEG2000", irreversible=True, quality_mode="dB", quality_layers=[40]
    ),
    "wsq": file(picture(), "WSQ"),
}


@pytest.mark.parametrize("name", EXACT)
def test_lossless_formats_give_the_very_pixels(name: str) -> None:
    image = read_image(EXACT[name])
    assert image.pixels.dtype == np.uint8
    assert image.ppi == 500
    # Palettes and opacities are rounded once, by at most one level.
    difference = np.abs(image.pixels.astype(int) - RIDGES)
    assert difference.max() <= (1 if "palette" in name or "nothing" in name else 0)


def test_tiff_may_say_that_white_is_zero() -> None:
    bare = RIDGES[80:200, 60:180]  # ridges only: nothing around them tells light from dark
    samples = 65535 - bare.astype(np.uint16) * 257
    data = file(Image.fromarray(samples), "TIFF", tiffinfo={262: 0})
    assert np.array_equal(read_image(data).pixels, bare)
    data = file(Image.fromarray(bare), "TIFF", tiffinfo={262: 0})  # Pillow turns these itself
    assert np.array_equal(read_image(data).pixels, bare)


@pytest.mark.parametrize("name", LOSSY)
def test_lossy_formats_come_close(name: str) -> None:
    pixels = read_image(LOSSY[name]).pixels
    assert np.abs(pixels.astype(int) - RIDGES).mean() < 4


def test_one_bit_images_keep_their_ridges() -> None:
    black_white = picture().convert("1", dither=Image.Dither.NONE)
    for data in (
        file(black_white, "PNG"),
        file(black_white, "PPM"),
        file(black_white, "TIFF", compression="group4"),
    ):
        assert np.array_equal(read_image(data).pixels, np.where(RIDGES > 127, 255, 0))


def test_what_the_caller_says_stands_in_the_image(tmp_path: Path) -> None:
    path = tmp_path / "101_1.png"
    path.write_bytes(EXACT["png"])
    image = read_image(path, position=FingerPosition.LEFT_INDEX)
    assert (image.position, image.source) == (FingerPosition.LEFT_INDEX, str(path))
    assert read_image(path, name="card 7").source == "card 7"


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
def test_exif_orientation_is_applied(format: str) -> None:
    lying = Image.fromarray(np.rot90(RIDGES).copy())
    image = read_image(file(lying, format, exif=SIDEWAYS, dpi=(500, 500)))
    assert image.pixels.shape == RIDGES.shape
    assert np.abs(image.pixels.astype(int) - RIDGES).mean() < 4


@pytest.mark.parametrize("ppi", [300, 400, 569, 1000])
@pytest.mark.parametrize("format", ["PNG", "TIFF", "BMP", "JPEG"])
def test_other_resolutions_are_brought_to_500(format: str, ppi: int) -> None:
    scale = ppi / 500
    stored = picture().resize((round(WIDTH * scale), round(HEIGHT * scale)), Image.Resampling.BOX)
    image = read_image(file(stored, format, dpi=(ppi, ppi), quality=95))
    assert image.ppi == pytest.approx(ppi, abs=0.1)
    assert image.pixels.shape == RIDGES.shape
    inner = (slice(60, 200), slice(80, 160))
    assert np.corrcoef(image.pixels[inner].ravel(), RIDGES[inner].ravel())[0, 1] > 0.95


def test_a_resolution_of_jpeg_2000_is_read() -> None:
    doubled = picture().resize((2 * WIDTH, 2 * HEIGHT), Image.Resampling.BICUBIC)
    per_metre = struct.pack(">HHHHbb", 39370, 1, 39370, 1, 0, 0)  # 1000 ppi
    box = _box(b"res ", _box(b"resc", per_metre))
    data = file(doubled, "JPEG2000")
    end = data.index(b"jp2c") - 4  # the image header box is the last before the codestream
    start = data.index(b"jp2h") - 4
    data = data[:start] + _box(b"jp2h", data[start + 8 : end] + box) + data[end:]
    image = read_image(data)
    assert image.ppi == pytest.approx(1000, abs=0.01)
    assert image.pixels.shape == RIDGES.shape


def test_each_axis_has_its_resolution() -> None:
    stored = picture().resize((WIDTH // 2, HEIGHT), Image.Resampling.BOX)
    assert read_image(file(stored, "TIFF", dpi=(250, 500))).pixels.shape == RIDGES.shape
    lying = stored.transpose(Image.Transpose.ROTATE_90)
    data = file(lying, "TIFF", dpi=(500, 250), exif=SIDEWAYS)
    assert read_image(data).pixels.shape == RIDGES.shape


@pytest.mark.parametrize("dpi", [(72, 72), (96, 96), (1, 1)])
def test_placeholders_for_a_resolution_count_as_500(dpi: tuple[int, int]) -> None:
    assert read_image(file(picture(), "PNG", dpi=dpi)).pixels.shape == RIDGES.shape


def test_what_is_within_a_percent_is_not_resampled() -> None:
    assert np.array_equal(read_image(file(picture(), "PNG", dpi=(504, 504))).pixels, RIDGES)
    assert read_image(file(picture(), "PNG", dpi=(512, 512))).pixels.shape == (293, 234)


def test_the_caller_knows_the_resolution_better() -> None:
    image = read_image(file(picture(), "PNG", dpi=(500, 500)), ppi=1000)
    assert (image.ppi, image.pixels.shape) == (1000, (HEIGHT // 2, WIDTH // 2))


@pytest.mark.parametrize("ppi", [0, -500, 50, 10_000, float("nan"), float("inf")])
def test_impossible_resolutions_are_refused(ppi: float) -> None:
    with pytest.raises(ImageError, match="ppi"):
        read_image(EXACT["png"], ppi=ppi)


@pytest.mark.parametrize("ratio", [(0, 0), (1, 0), (900_000, 1)])
def test_impossible_resolutions_in_the_file_are_refused(ratio: tuple[int, int]) -> None:
    data = file(picture(), "TIFF", dpi=(500, 500))
    stated = struct.pack("<II", 500, 1)
    assert stated in data
    with pytest.raises(ImageError, match="ppi is outside"):
        read_image(data.replace(stated, struct.pack("<II", *ratio)))


def test_light_ridges_on_dark_are_turned_around() -> None:
    inverted = Image.fromarray(255 - RIDGES)
    assert np.array_equal(read_image(file(inverted, "PNG")).pixels, RIDGES)


def _png(width: int, height: int, pixels: bytes, *, extra: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + extra
        + _chunk(b"IDAT", zlib.compress(pixels, 9))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + checksum


def _box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data) + 8) + kind + data


def _wsq_frame(width: int, height: int) -> bytes:
    frame = struct.pack(">BBHHBHBHBH", 0, 255, height, width, 0, 0, 0, 0, 0, 0)
    return b"\xff\xa0\xff\xa2" + struct.pack(">H", len(frame) + 2) + frame


BOMB = bytes(50_000_000)
REFUSED = {
    "nothing": (b"", "empty"),
    "text": (b"person,image\n", "not an image in PNG"),
    "one byte": (b"\xff", "not an image in PNG"),
    "gif": (file(picture(), "GIF"), "not an image in PNG"),
    "blank": (file(Image.new("L", (WIDTH, HEIGHT), 200), "PNG"), "blank"),
    "half of a png": (EXACT["png"][: len(EXACT["png"]) // 2], "truncated"),
    "half of a tiff": (EXACT["tiff"][:20_000], "not an image|damaged|cannot be opened"),
    "half of a wsq": (LOSSY["wsq"][: len(LOSSY["wsq"]) // 2], "truncated or damaged"),
    "one pixel wide": (_png(1, HEIGHT, bytes(2 * HEIGHT)), "1×300 px"),
    "billions of pixels": (_png(60_000, 60_000, b""), "exceeds limit"),
    "millions of pixels": (_png(9_000, 9_000, b""), "81,000,000|more than"),
    "lying about its size": (_png(WIDTH, HEIGHT, b"abc"), "truncated"),
    "a bomb of text": (
        _png(WIDTH, HEIGHT, b"", extra=_chunk(b"zTXt", b"a\0\0" + zlib.compress(BOMB, 9))),
        "too large",
    ),
    "two pages": (
        file(picture(), "TIFF", save_all=True, append_images=[picture()]),
        "more than one picture",
    ),
    "an animation": (
        file(picture(), "PNG", save_all=True, append_images=[picture().rotate(90)]),
        "more than one picture",
    ),
    "not a number": (
        file(Image.fromarray(np.full((HEIGHT, WIDTH), np.nan, np.float32)), "TIFF"),
        "floating-point",
    ),
    "negative": (
        file(Image.fromarray(RIDGES.astype(np.int32) - 200), "TIFF"),
        "negative samples",
    ),
    "a wsq without frame": (b"\xff\xa0\xff\xa3\x00\x03\x00", "no frame header"),
    "a wsq of header": (_wsq_frame(WIDTH, HEIGHT), "truncated or damaged"),
    "a wsq too large": (_wsq_frame(65_535, 65_535), "more than"),
    "a wsq cut short": (b"\xff\xa0\xff", "header is truncated"),
    "a wsq that stands still": (b"\xff\xa0\xff\xa8\x00\x00" * 9, "header is truncated"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_print_is_refused_by_name(name: str) -> None:
    data, reason = REFUSED[name]
    with pytest.raises(ImageError, match=reason) as refused:
        read_image(data, name="probe.png")
    assert str(refused.value).startswith("probe.png: ")


def test_paths_that_are_no_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no such file"):
        read_image(tmp_path / "missing.png")
    with pytest.raises(ImageError, match="not a regular file"):
        read_image(tmp_path)
    with pytest.raises(ImageError, match=r"cannot be read|no such file"):
        read_image(Path("a\0b.png"))


def test_limits_hold_before_decoding() -> None:
    small = replace(ImageLimits(), max_file_bytes=1000)
    with pytest.raises(ImageError, match="larger than 1,000 bytes"):
        read_image(EXACT["tiff"], limits=small)
    with pytest.raises(ImageError, match="mm"):
        read_image(EXACT["png"], limits=replace(ImageLimits(), max_side=HEIGHT - 1))


@pytest.mark.parametrize("name", [*EXACT, *LOSSY])
def test_damage_of_any_sort_is_an_image_error(name: str) -> None:
    whole = (EXACT | LOSSY)[name]
    rounds = 12 if name == "wsq" else 60  # each WSQ file is decoded in a process of its own
    for seed in range(rounds):
        data = _damage(whole, random.Random(seed))
        try:
            pixels = read_image(data).pixels
        except ImageError:
            continue
        assert pixels.dtype == np.uint8
        assert pixels.ndim == 2


def _damage(data: bytes, chance: random.Random) -> bytes:
    """The file truncated, with bits flipped anywhere, or with bytes of its head replaced."""
    damaged = bytearray(data)
    match chance.randrange(3):
        case 0:
            del damaged[chance.randrange(len(data)) :]
        case 1:
            for _ in range(chance.randint(1, 20)):
                damaged[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        case _:
            for _ in range(chance.randint(1, 6)):
                damaged[chance.randrange(min(len(data), 200))] = chance.randrange(256)
    return bytes(damaged)
