"""Arrays in one file: NumPy's .npz, uncompressed, each array where it can be mapped into memory."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

ALIGNMENT = 64  # bytes: where arrays begin, as in a .npy file
HEADER = 30  # bytes of a zip member's header before its name
LARGE = 20  # bytes, of the extra field for sizes beyond 4 GiB that zipfile puts in front
PADDING = 0xD935  # the extra field that fills up, as in Android's packages
Array = npt.NDArray[Any]


def write(file: IO[bytes], arrays: Mapping[str, Array]) -> None:
    """Writes arrays by name. What `numpy.savez` writes, but for where arrays begin: an array that
    does not lie at a multiple of its item's size is copied whole before NumPy takes from it."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as stored:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy")
            begin = file.tell() + HEADER + len(member.filename.encode()) + LARGE + 4
            fill = -begin % ALIGNMENT
            member.extra = PADDING.to_bytes(2, "little") + fill.to_bytes(2, "little") + bytes(fill)
            with stored.open(member, "w", force_zip64=True) as into:
                np.lib.format.write_array(into, np.asanyarray(array), allow_pickle=False)


def read(
    source: Path | IO[bytes], mapped: Collection[str] = (), only: Collection[str] | None = None
) -> dict[str, Array]:
    """Reads arrays by name, each checked against its CRC-32.

    only: names of those that are read, where not all are. mapped: names of those that stay in the
    file (a path), read-only and unchecked, where they lie as `write` puts them. OSError,
    ValueError, zipfile.BadZipFile and others where the file is no good.
    """
    with np.load(source, allow_pickle=False) as stored:
        arrays = {}
        for name in stored.files:
            if only is not None and name not in only:
                continue
            array = None
            if name in mapped and isinstance(source, Path):
                array = _map(source, stored.zip.getinfo(f"{name}.npy"))
            arrays[name] = stored[name] if array is None else array
        return arrays


def _map(path: Path, member: zipfile.ZipInfo) -> Array | None:
    """The array of a member in the file; None where it does not lie so that it can be mapped."""
    with path.open("rb") as file:
        file.seek(member.header_offset)
        header = file.read(HEADER)
        if header[:4] != b"PK\x03\x04":
            raise ValueError(f"{member.filename} is not where it should be")
        lengths = (int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
        begin = file.seek(sum(lengths), 1)
        if member.compress_type != zipfile.ZIP_STORED or begin % ALIGNMENT:
            return None
        if np.lib.format.read_magic(file) != (1, 0):
            return None
        shape, by_column, dtype = np.lib.format.read_array_header_1_0(file)
        offset = file.tell()
    items = math.prod(shape)
    if offset - begin + dtype.itemsize * items != member.file_size:
        raise ValueError(f"{member.filename} has another size than it says")
    if by_column or not items:  # nothing cannot be mapped
        return None
    entries = np.memmap(str(path), dtype, "r", offset, shape)
    return entries.view(np.ndarray)
