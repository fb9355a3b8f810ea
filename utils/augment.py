"""Noise for training windows, as sensors make it, and mixup.

Every random number is a hash of (seed, epoch, window, place in the window). So a window's noise in an epoch is the same
whatever the batch that it comes in, the order, the number of workers, and after a resume; accumulation stays exact.
Only additions, products and table look-ups follow the hash: those give the same bits in any batch.

Letters: B batch, C signals, T time steps, K classes, n training windows.
"""

import functools
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from utils.errors import UserError, unknown_name

TABLE = 1 << 16
_STEP = -7046029254386353131  # 0x9E3779B97F4A7C15 as a signed number, the step of splitmix64


def jitter(x: Tensor, strength: float, key: Tensor) -> Tensor:
    """Normal noise on every reading; `strength` is its deviation, in units of the scaled signal."""
    return x + _normal(key, x.shape[1:]) * strength


def scale(x: Tensor, strength: float, key: Tensor) -> Tensor:
    """Each signal times its own factor, normal around 1 with deviation `strength`: a sensor's gain."""
    return x * (_normal(key, (x.shape[1], 1)) * strength + 1)


def time_shift(x: Tensor, strength: float, key: Tensor) -> Tensor:
    """The window moved by up to `strength` steps either way, all signals alike; the edge's reading is repeated."""
    length, most = x.shape[2], int(strength)
    if most >= length:
        raise UserError(f"time_shift:{most} does not fit windows of {length} steps; give --augment a smaller one")
    shift = _bits(key, (1,)) % (2 * most + 1) - most  # (B, 1)
    source = (torch.arange(length, device=x.device) + shift).clamp(0, length - 1)  # (B, T)
    return x.gather(2, source[:, None].expand_as(x))


def drop_sensor(x: Tensor, strength: float, key: Tensor, made_of: Tensor | None = None) -> Tensor:
    """Each sensor is lost with probability `strength`, never all; its signals are 0, the middle of their range.

    `made_of` (P, C) says which signals are made of which of P sensors; without it each signal is a sensor.
    """
    sensors = x.shape[1] if made_of is None else len(made_of)
    kept = _uniform(key, (sensors, 1)) >= strength  # (B, P, 1)
    kept |= ~kept.any(1, keepdim=True)
    if made_of is not None:
        kept = ~(~kept & made_of.to(x.device)).any(1)[..., None]  # (B, C, 1)
    return x * kept


class Augmentation(NamedTuple):
    """An entry of the registry.

    Attributes:
        apply: (B, C, T) windows, strength and (B,) keys to windows of the same shape.
        trial: a strength to try it with.
        in_steps: whether its strength is a whole number of steps instead of a share.
        drops_sensors: whether it hides sensors from the network, which then answers without some.
    """

    apply: Callable[[Tensor, float, Tensor], Tensor]
    trial: float
    in_steps: bool = False
    drops_sensors: bool = False


AUGMENTATIONS = {
    "jitter": Augmentation(jitter, trial=0.02),
    "scale": Augmentation(scale, trial=0.05),
    "time_shift": Augmentation(time_shift, trial=4, in_steps=True),
    "drop_sensor": Augmentation(drop_sensor, trial=0.1, drops_sensors=True),
}


class Augment:
    """Augmentations in a row.

    Args:
        spec: "NAME:STRENGTH,NAME:STRENGTH", for example "jitter:0.02,drop_sensor:0.1"; "" does nothing.
        seed: of the noise.
        made_of: (P, C) bool, the signals that are made of each sensor; None where each signal is a sensor.

    Raises:
        UserError: an unknown name, a name twice, or a strength that is missing or out of range.
    """

    def __init__(self, *, spec: str, seed: int, made_of: Tensor | None = None) -> None:
        self.seed, self.made_of = seed, made_of
        self.parts = _parse(spec)

    def __bool__(self) -> bool:
        return bool(self.parts)

    @property
    def dropped(self) -> float:
        """The share of sensors that are hidden from windows."""
        return sum(strength for name, strength in self.parts if AUGMENTATIONS[name].drops_sensors)

    def __call__(self, x: Tensor, index: Tensor, *, epoch: int) -> Tensor:
        """Noise on a batch; a new tensor, `x` itself if there is nothing to do.

        Args:
            x: (B, C, T) in [-1, 1].
            index: (B,) int64, the number by which a window is known; on the device of `x`.
            epoch: from 0.

        Returns:
            (B, C, T) in [-1, 1]: what leaves the range is cut off, as a reading outside its range would be.
        """
        if not self.parts:
            return x
        for name, strength in self.parts:
            entry, key = AUGMENTATIONS[name], sample_key(self.seed, epoch, index, name)
            x = drop_sensor(x, strength, key, self.made_of) if entry.drops_sensors else entry.apply(x, strength, key)
        return x.clamp(-1, 1)


@dataclass(frozen=True, kw_only=True)
class Mixup:
    """Windows mixed with others, targets likewise (Zhang et al., 2018).

    The partner of a window is drawn from all training windows, not from its batch as is common: a partner in the
    batch would make a window's noise depend on the micro-batches. `windows` therefore fetches a second batch.

    Attributes:
        alpha: of the Beta distribution of the share, above 0; small values mix little.
        classes: K.
        samples: n.
        windows: positions of training windows, each from 0 to n - 1 -> their (x (B, C, T), y (B,), ...).
        seed: of partners and shares.
    """

    alpha: float
    classes: int
    samples: int
    windows: Callable[[list[int]], Sequence[Any]]
    seed: int

    def __post_init__(self) -> None:
        if not 0 < self.alpha < math.inf:
            raise UserError(f"mixup's alpha is {self.alpha}; give --mixup a number above 0, or leave it out")

    def __call__(self, x: Tensor, y: Tensor, index: Tensor, *, epoch: int) -> tuple[Tensor, Tensor]:
        """Mixes a batch.

        Args:
            x: (B, C, T).
            y: (B,) class numbers.
            index: (B,) int64, the number by which a window is known.
            epoch: from 0.

        Returns:
            (B, C, T) windows and (B, K) target probabilities.
        """
        from scipy.special import betaincinv  # takes a while to import, and most trainings do not mix

        key = sample_key(self.seed, epoch, index, "mixup")
        draw = _bits(key, (2,))  # (B, 2)
        fetched = self.windows((draw[:, 0] % self.samples).tolist())
        other, label = fetched[0].to(x), fetched[1].to(y.device)
        quantile = (draw[:, 1].cpu().numpy() % TABLE + 0.5) / TABLE
        share = torch.from_numpy(betaincinv(self.alpha, self.alpha, quantile).astype(np.float32)).to(x)
        mixed = x * share[:, None, None] + other * (1 - share)[:, None, None]
        share = share[:, None]  # (B, 1)
        target = F.one_hot(y, self.classes) * share + F.one_hot(label, self.classes) * (1 - share)
        return mixed, target


def sample_key(seed: int, epoch: int, index: Tensor, purpose: str) -> Tensor:
    """(B,) int64 hashes, one for each window, that differ by seed, epoch, window and purpose."""
    key = torch.zeros_like(index)
    for part in (seed, epoch, zlib.crc32(purpose.encode()), index):
        key = _mix(key + _STEP + part)
    return key


def _parse(spec: str) -> list[tuple[str, float]]:
    parts: dict[str, float] = {}
    for word in filter(None, (w.strip() for w in spec.split(","))):
        name, _, text = word.partition(":")
        if name not in AUGMENTATIONS:
            raise unknown_name("augmentation", name, list(AUGMENTATIONS))
        if name in parts:
            raise UserError(f"--augment '{spec}' has {name} twice; give it once")
        parts[name] = _strength(word, name, text)
    return list(parts.items())


def _strength(word: str, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if AUGMENTATIONS[name].in_steps:
        fits, allowed = value >= 1 and value.is_integer(), "a whole number of steps, at least 1"
    else:
        fits, allowed = 0 < value < 1, "a number above 0 and below 1"
    if not fits:
        raise UserError(f"--augment: '{word}' has no usable strength; write {name}:S, where S is {allowed}")
    return value


def _bits(key: Tensor, shape: Sequence[int]) -> Tensor:
    """(B,) keys -> (B, *shape) int64 of at least 0, uniform: splitmix64 (Steele et al., 2014) started at each key."""
    count = torch.arange(1, math.prod(shape) + 1, device=key.device)
    hashed = _mix(key[:, None] + count * _STEP)
    return (hashed & 0x7FFFFFFFFFFFFFFF).reshape(len(key), *shape)


def _mix(h: Tensor) -> Tensor:
    """splitmix64's mixing of 64 bits; int64 products wrap around, and the shifts are made logical."""
    h = (h ^ ((h >> 30) & 0x3FFFFFFFF)) * -4658895280553007687
    h = (h ^ ((h >> 27) & 0x1FFFFFFFFF)) * -7723592293110705685
    return h ^ ((h >> 31) & 0x1FFFFFFFF)


def _uniform(key: Tensor, shape: Sequence[int]) -> Tensor:
    """(B, *shape) float32 in [0, 1)."""
    return (_bits(key, shape) >> 39).float() * 2.0**-24


def _normal(key: Tensor, shape: Sequence[int]) -> Tensor:
    """(B, *shape) float32, normal, within 4.2 deviations."""
    return _quantiles(key.device)[_bits(key, shape) % TABLE]


@functools.cache
def _quantiles(device: torch.device) -> Tensor:
    """(TABLE,) the normal distribution's quantiles in even steps. A look-up, since log and cos may round a tensor's
    last elements otherwise than its first."""
    return torch.special.ndtri((torch.arange(TABLE, dtype=torch.float64) + 0.5) / TABLE).float().to(device)
