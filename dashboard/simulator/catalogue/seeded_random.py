"""Chance that repeats: a draw follows from a seed and a moment, not from the order of asking."""

import math
import struct
import uuid
from hashlib import blake2b

_SPAN = 2.0**-64
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SIXTEEN = struct.Struct("<Qq")
_EIGHT = struct.Struct("<8Q")


def seed_of(*parts: object) -> int:
    """A 64-bit seed from names and numbers."""
    text = "/".join(map(str, parts)).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "little")


def uniform_draws(seed: int, moment: int) -> tuple[float, ...]:
    """Eight independent numbers in [0, 1) for this seed at this moment."""
    raw = _EIGHT.unpack(blake2b(_SIXTEEN.pack(seed, moment)).digest())
    return tuple([n * _SPAN for n in raw])


def poisson_count(mean: float, u: float) -> int:
    """The Poisson count whose cumulative probability first exceeds u."""
    if mean <= 0:
        return 0
    if mean > 60:
        return max(0, round(mean + math.sqrt(mean) * normal_deviate(u)))
    chance = total = math.exp(-mean)
    count = 0
    while u > total and count < 400:
        count += 1
        chance *= mean / count
        total += chance
    return count


def normal_deviate(u: float) -> float:
    """A normal deviate from a uniform one (logistic approximation, good to 2 %)."""
    u = min(max(u, 1e-6), 1 - 1e-6)
    return math.log(u / (1 - u)) / 1.702


def ulid_at(moment: int, *parts: object) -> str:
    """A ULID of this moment; its random part follows from the parts."""
    chance = blake2b("/".join(map(str, parts)).encode(), digest_size=10).digest()
    number = (moment << 80) | int.from_bytes(chance, "big")
    return "".join(_LETTERS[(number >> shift) & 31] for shift in range(125, -1, -5))


def human_id(length: int, *parts: object) -> str:
    """A short id that people can read out."""
    number = seed_of("human", *parts)
    return "".join(_LETTERS[(number >> 5 * place) & 31] for place in range(length))


def uuid_of(*parts: object) -> str:
    """A UUID (version 4 in form) that follows from the parts."""
    raw = blake2b("/".join(map(str, parts)).encode(), digest_size=16).digest()
    return str(uuid.UUID(bytes=raw, version=4))
