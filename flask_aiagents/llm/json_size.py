"""Measure a JSON value: how deep it is nested, how many values and characters it holds."""

from __future__ import annotations

from dataclasses import dataclass

from ..types import JSON

_EXACT = 2**53
"""Integers beyond this are not exact as floats; the validator hashes them as such, so that they collide."""

_ODD_FLOAT = 1e15
_ODD_NUMBER_CHARACTERS = 50


@dataclass(slots=True)
class JSONSize:
    """What there is in a value."""

    depth: int = 0
    values: int = 0
    objects: int = 0
    keys: int = 0
    characters: int = 0
    """Of strings, keys and unusual numbers."""
    odd_integers: int = 0
    """Integers that no float holds exactly."""
    longest_integer: int = 0
    """Bits of the largest integer."""
    odd_floats: int = 0
    """Very large and very small floats."""

    @classmethod
    def of(cls, value: JSON, most_values: int) -> JSONSize:
        """Measure level by level; stop before more than ``most_values`` are looked at."""
        size, level = cls(), [value]
        while level:
            size.values += len(level)
            if size.values > most_values:
                break
            inner: list[JSON] = []
            for item in level:
                size._add(item, inner)
            size.depth += bool(inner)
            level = inner
        return size

    def _add(self, item: JSON, inner: list[JSON]) -> None:
        if isinstance(item, str):
            self.characters += len(item)
        elif isinstance(item, dict):
            self.objects += 1
            self.keys += len(item)
            self.characters += sum(map(len, item))
            inner += item.values()
        elif isinstance(item, list):
            inner += item
        elif isinstance(item, float):
            if item and not 1 / _ODD_FLOAT < abs(item) < _ODD_FLOAT:
                self.odd_floats += 1
                self.characters += _ODD_NUMBER_CHARACTERS
        elif isinstance(item, int) and not -_EXACT <= item <= _EXACT:
            self.odd_integers += 1
            self.longest_integer = max(self.longest_integer, item.bit_length())
            self.characters += item.bit_length() // 3
