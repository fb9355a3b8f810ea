"""Gramian angular fields of signals, and the two factors that they are made of.

A signal x in [-1, 1] is read as cos(phi). With c = x and s = sqrt(1 - x^2) the two fields are
    summation   GASF[i, j] = cos(phi_i + phi_j) = c_i c_j - s_i s_j   (symmetric)
    difference  GADF[i, j] = sin(phi_i - phi_j) = s_i c_j - c_i s_j   (antisymmetric)
Both have rank two, so whoever can work on c and s (see gramian_conv.py) never needs the image.

Letters: N signals of any shape, L time steps, S steps after aggregation (the image is S x S).
Source: Wang and Oates, "Imaging time-series to improve classification and imputation", IJCAI 2015.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

METHODS = ("summation", "difference")
RANGES = ("train", "window")
BACKENDS = ("torch", "pyts")

# Where 1 - x^2 is smaller, the true derivative of the sine, -x / s, is taken for 0: it grows without bound.
_FLAT = 1e-4


class Gramian(NamedTuple):
    """Both fields of some signals, held as factors; an image is built on demand.

    Attributes:
        cos: (*N, S) the signals in [-1, 1].
        sin: (*N, S) sqrt(1 - cos^2).
        backend: "torch", or "pyts" to let pyts compute the images.
    """

    cos: Tensor
    sin: Tensor
    backend: str = "torch"

    def image(self, method: str, out: Tensor | None = None) -> Tensor:
        """(*N, S, S), the field `method`; written to `out` where it is given, outside of autograd.

        One matrix product of depth two, in full precision also under autocast: a field is a picture of the data. New
        memory is most of the cost of an image.
        """
        check_choice("method", method, METHODS)
        if self.backend == "pyts":
            image = pyts_fields(self.cos, method)
            return image if out is None else out.copy_(image)
        left = torch.stack((self.cos, self.sin) if method == "summation" else (self.sin, self.cos), -1)  # (*N, S, 2)
        right = torch.stack((self.cos, -self.sin), -2)  # (*N, 2, S)
        with torch.autocast("cuda" if self.cos.is_cuda else "cpu", enabled=False):
            return torch.matmul(left, right, out=out)


def gramian(x: Tensor, gaf_range: str = "train", image_size: int = 0, backend: str = "torch") -> Gramian:
    """The factors of the Gramian fields of `x`.

    Args:
        x: (*N, L), scaled to [-1, 1]; what lies outside is clamped.
        gaf_range: "train" takes the values as they are (pyts: `sample_range=None`), so that the level of a signal
            stays in its picture; "window" scales every signal to [-1, 1] by itself (the default of pyts).
        image_size: S, the number of pieces that L is averaged to; 0 for L.
        backend: what computes an image, "torch" or "pyts".

    Raises:
        ValueError: an argument that is not one of its choices.
    """
    check_choice("gaf_range", gaf_range, RANGES)
    check_choice("gaf_backend", backend, BACKENDS)
    if image_size:
        x = paa(x, image_size)
    if gaf_range == "window":
        x = min_max_scaled(x)
    x = x.clamp(-1.0, 1.0)
    return Gramian(x, sine(x), backend)


def gramian_fields(
    x: Tensor, method: str, gaf_range: str = "train", image_size: int = 0, out: Tensor | None = None
) -> Tensor:
    """The images of one field, equal to `pyts.image.GramianAngularField`.

    Args:
        x: (*N, L), scaled to [-1, 1].
        method: "summation" or "difference".
        gaf_range: see `gramian`.
        image_size: S, see `gramian`.
        out: a buffer (*N, S, S) to write to, see `Gramian.image`.

    Returns:
        (*N, S, S); `out` where it was given.
    """
    return gramian(x, gaf_range, image_size).image(method, out)


def sine(cos: Tensor) -> Tensor:
    """sqrt(1 - cos^2) for cos in [-1, 1], with a derivative of at most 100.

    The value is exact everywhere. Scaled data always contains -1 and 1, where the derivative is infinite; close to
    them it is taken for 0.
    """
    square = (1.0 - cos) * (1.0 + cos)  # exact to the last bit near -1 and 1, where 1 - cos^2 is not
    bounded = square.clamp_min(_FLAT).sqrt()
    return torch.where(square > _FLAT, bounded, square.detach().clamp_min(0.0).sqrt())


def min_max_scaled(x: Tensor) -> Tensor:
    """Each signal (*N, L) scaled to [-1, 1] by its own extremes; a constant one becomes -1, as in pyts.

    Constant is what spans no more than rounding errors of readings near 1 do; scikit-learn, within pyts, draws that
    line. Readings are float32 in whatever type they are computed with.
    """
    low, high = x.amin(-1, keepdim=True), x.amax(-1, keepdim=True)
    span = high - low
    constant = span <= 10.0 * torch.finfo(torch.float32).eps
    return torch.where(constant, -1.0, 2.0 * (x - low) / torch.where(constant, 1.0, span) - 1.0)


def paa(x: Tensor, size: int) -> Tensor:
    """Piecewise aggregate approximation: (*N, L) -> (*N, size), the means of `size` adjoining pieces.

    Where `size` does not divide L the pieces differ in length by one, as in pyts.

    Raises:
        ValueError: `size` is not in 1 to L.
    """
    length = x.shape[-1]
    if not 1 <= size <= length:
        raise ValueError(f"image_size {size} is not in 1 to {length}, the steps of a window")
    if size == length:
        return x
    bounds = [int(i * (length / size)) for i in range(size)] + [length]
    pieces = torch.zeros(length, size, dtype=torch.float64, device=x.device)
    for i, (start, end) in enumerate(pairwise(bounds)):
        pieces[start:end, i] = 1.0 / (end - start)
    return (x.double() @ pieces).to(x.dtype)  # in float32 the pieces of a constant would differ


def pyts_fields(x: Tensor, method: str) -> Tensor:
    """The images (*N, L, L) of signals (*N, L) in [-1, 1] by pyts: slow, without gradient; an offline check."""
    from pyts.image import GramianAngularField  # takes up to 20 s to import

    check_choice("method", method, METHODS)
    rows = x.detach().clamp(-1.0, 1.0).reshape(-1, x.shape[-1]).double().cpu().numpy()
    images = GramianAngularField(sample_range=None, method=method).transform(rows)
    return torch.from_numpy(images).to(x).reshape(*x.shape, x.shape[-1])


def check_choice(what: str, value: str, choices: tuple[str, ...]) -> None:
    """Raises ValueError, listing the choices, if `value` is none of them."""
    if value not in choices:
        raise ValueError(f"unknown {what} '{value}'; choose one of: {', '.join(choices)}")
