"""A file of rows that is written bit by bit: under its own name it is whole, until then it is called ``.part``."""

from __future__ import annotations

import csv
import io
import json
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import click

from ...features.activity.columns import COLUMNS
from ...web.csv import BOM

_GZIP = 31
"""zlib's word for gzip."""

_MAGIC = b"\x1f\x8b"
"""What gzip begins with."""

_BLOCK = 65_536

_HEADER = f"{BOM}{','.join(COLUMNS.names)}\r\n".encode()


class Partial:
    """An export on its way into a file."""

    def __init__(self, path: Path, format: str, packed: bool) -> None:
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        self._format = format
        self._packed = packed

    @property
    def is_whole(self) -> bool:
        """Whether there is nothing to go on with."""
        return self._path.exists() and not self._part.exists()

    @contextmanager
    def open(self, resume: bool) -> Iterator[tuple[BinaryIO, str | None]]:
        """The file to write to, and the id of the last row that it has; leaving it well gives it its name.

        :raises ClickException: when a broken-off file is there that nobody asked to go on with, or another file.
        """
        try:
            with self._begin(resume) as (file, last):
                yield file, last
                file.flush()
                os.fsync(file.fileno())
            self._part.replace(self._path)
        except FileExistsError as error:
            raise click.ClickException(
                f"{self._part} is an export that broke off. Go on with it by --resume, or delete it."
            ) from error
        except OSError as error:
            raise click.ClickException(f"{self._part} cannot be written: {error.strerror}.") from error

    @contextmanager
    def _begin(self, resume: bool) -> Iterator[tuple[BinaryIO, str | None]]:
        with self._part.open("r+b" if resume and self._part.exists() else "x+b") as file:
            last = self._cut(file)
            try:
                yield file, last
            except BaseException:
                self._leave(file)
                raise

    def _leave(self, file: BinaryIO) -> None:
        if file.seek(0, os.SEEK_END):
            click.echo(f"{self._part} has what came so far. Go on with it by --resume.", err=True)
        else:
            self._part.unlink()

    def _cut(self, file: BinaryIO) -> str | None:
        """Take away what is broken; the id of the last row that stays."""
        end, last = self._found(file)
        file.seek(end)
        file.truncate()
        return last

    def _found(self, file: BinaryIO) -> tuple[int, str | None]:
        """Where the last whole row ends, and its id."""
        if not self._packed:
            end, row = _last_row(file, self._format)
        else:
            if (start := file.read(len(_MAGIC))) and not _MAGIC.startswith(start):
                raise self._foreign()
            end, rows = _last_member(file)
            _, row = _last_row(io.BytesIO(rows), self._format)
        if not row or row == _HEADER:
            return 0, None
        return end, self._id_of(row)

    def _id_of(self, row: bytes) -> str:
        try:
            if self._format == "jsonl":
                values = json.loads(row)
                names, found = tuple(values), values["id"]
            else:
                cells = next(csv.reader(io.StringIO(row.decode(), newline="")))
                names, found = COLUMNS.names[: len(cells)], dict(zip(COLUMNS.names, cells, strict=False))["id"]
            if names != COLUMNS.names:
                raise ValueError("other columns")
            return str(UUID(found))
        except (ValueError, KeyError, TypeError, StopIteration) as error:
            raise self._foreign() from error

    def _foreign(self) -> click.ClickException:
        return click.ClickException(
            f"{self._part} is no export of this kind. Repeat the options with which it was begun."
        )


def _last_row(file: BinaryIO, format: str) -> tuple[int, bytes]:
    """Where the last whole row ends, and the row itself. In CSV a line end between quotes ends no row."""
    end, row, line, quotes = 0, b"", b"", 0
    for more in file:
        line += more
        quotes += more.count(b'"') if format == "csv" else 0
        if more.endswith(b"\n" if format == "jsonl" else b"\r\n") and quotes % 2 == 0:
            end, row, line = end + len(line), line, b""
    return end, row


def _last_member(file: BinaryIO) -> tuple[int, bytes]:
    """Where the last whole member of a gzip file ends that holds something, and what it holds."""
    place, end, held = 0, 0, b""
    while True:
        file.seek(place)
        unpacker, parts = zlib.decompressobj(_GZIP), []
        try:
            while not unpacker.eof and (block := file.read(_BLOCK)):
                parts.append(unpacker.decompress(block))
        except zlib.error:
            return end, held
        if not unpacker.eof:
            return end, held
        place = file.tell() - len(unpacker.unused_data)
        if any(parts):
            end, held = place, b"".join(parts)
