"""The fields against pyts, their derivative, and bad arguments.

pyts takes 20 s to import with its compiler and one without, so a process of its own computes the reference.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from layers.gramian import METHODS, RANGES, Gramian, gramian, gramian_fields, paa, sine

SIZES = (1, 2, 7, 16, 24, 41, 48)
LENGTH = 48

REFERENCE = """
import sys
import numpy as np
import torch
from pyts.image import GramianAngularField
from layers.gramian import pyts_fields
from models import MODELS, ModelSettings

rows = np.load(sys.argv[1]).astype(np.float64)
found = {}
for method in ("summation", "difference"):
    for name, scale in (("train", None), ("window", (-1, 1))):
        for size in map(int, sys.argv[3].split(",")):
            field = GramianAngularField(image_size=size, sample_range=scale, method=method)
            found[f"{method} {name} {size}"] = field.transform(rows)
    found[f"{method} backend"] = pyts_fields(torch.from_numpy(rows).float().reshape(2, -1, rows.shape[1]), method)
for encoder in ("gramian", "multiscale"):
    for backend in ("torch", "pyts"):
        torch.manual_seed(0)
        settings = ModelSettings(encoder=encoder, gaf_backend=backend, image_size=20, gaf_range="window")
        model = MODELS["DualGAFNet"](columns=tuple("abcd"), length=rows.shape[1], classes=3, settings=settings)
        windows = torch.from_numpy(rows).float().reshape(2, 4, -1)
        found[f"{encoder} {backend}"] = model.eval()(windows).detach().numpy()
np.savez(sys.argv[2], **found)
"""


def signals() -> np.ndarray:
    """(8, 48) float32 in [-1, 1]: noise, a sine that touches both ends, ramps, constants (one at each end), a step."""
    time = np.linspace(0, 1, LENGTH)
    noise = np.random.default_rng(0).uniform(-1, 1, LENGTH)
    constants = [np.full(LENGTH, level) for level in (-0.9, 0.0, 1.0, -1.0)]
    rows = [noise, np.sin(7 * np.pi * time), 2 * time - 1, *constants, np.where(time > 0.3, 0.7, -0.2)]
    return np.stack(rows).astype(np.float32)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """Images by pyts of `signals`, by "method range size"."""
    folder = tmp_path_factory.mktemp("pyts")
    np.save(folder / "rows.npy", signals())
    command = [sys.executable, "-c", REFERENCE, folder / "rows.npy", folder / "out.npz", ",".join(map(str, SIZES))]
    root = Path(__file__).resolve().parent.parent
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(root)}
    subprocess.run(command, check=True, env=environment, cwd=root)
    with np.load(folder / "out.npz") as found:
        return dict(found)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("gaf_range", RANGES)
@pytest.mark.parametrize("method", METHODS)
def test_fields_equal_those_of_pyts(reference: dict[str, np.ndarray], method: str, gaf_range: str, size: int) -> None:
    ours = gramian_fields(torch.from_numpy(signals()), method, gaf_range, size)
    expected = torch.from_numpy(reference[f"{method} {gaf_range} {size}"]).float()
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_pyts_backend_is_pyts_in_the_shape_of_the_signals(reference: dict[str, np.ndarray], method: str) -> None:
    assert reference[f"{method} backend"].shape == (2, 4, LENGTH, LENGTH)
    flat = reference[f"{method} backend"].reshape(8, LENGTH, LENGTH)
    np.testing.assert_allclose(flat, reference[f"{method} train {LENGTH}"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("encoder", ["gramian", "multiscale"])
def test_a_network_answers_the_same_with_images_by_pyts(reference: dict[str, np.ndarray], encoder: str) -> None:
    theirs, ours = reference[f"{encoder} pyts"], reference[f"{encoder} torch"]
    assert np.abs(ours).max() > 1e-2
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_a_buffer_is_written_and_returned(method: str) -> None:
    x = torch.from_numpy(signals()).reshape(2, 4, LENGTH)
    buffer = torch.full((2, 4, LENGTH, LENGTH), torch.nan)
    written = gramian_fields(x, method, out=buffer)
    assert written.data_ptr() == buffer.data_ptr()
    assert torch.equal(buffer, gramian_fields(x, method))


def test_the_level_stays_in_the_train_range_and_is_lost_in_the_window_range() -> None:
    x = torch.rand(1, 20)
    shifted = 0.2 * x + 0.3
    for method in METHODS:
        torch.testing.assert_close(
            gramian_fields(x, method, "window"), gramian_fields(shifted, method, "window"), rtol=0, atol=1e-3
        )
        assert (gramian_fields(x, method) - gramian_fields(shifted, method)).abs().max() > 0.05


def test_a_signal_that_is_constant_but_for_rounding_is_constant() -> None:
    x = torch.full((1, 6), 0.7)
    x[0, 2] = torch.nextafter(x[0, 2], torch.tensor(1.0))
    assert torch.equal(gramian_fields(x, "summation", "window"), torch.ones(1, 6, 6))
    assert torch.equal(gramian_fields(x, "difference", "window"), torch.zeros(1, 6, 6))
    assert torch.equal(gramian_fields(x.double(), "summation", "window"), torch.ones(1, 6, 6, dtype=torch.float64))


def test_values_outside_are_clamped_and_doubles_stay_doubles() -> None:
    x = torch.tensor([[-1.5, -1.0000001, 0.2, 1.0000001, 7.0]], dtype=torch.float64)
    for method in METHODS:
        field = gramian_fields(x, method)
        assert field.dtype == torch.float64
        assert torch.equal(field, gramian_fields(x.clamp(-1, 1), method))
        assert field.abs().max() <= 1.0


def test_derivative_is_that_of_the_fields_inside_and_bounded_everywhere() -> None:
    inside = torch.linspace(-0.99, 0.99, 12, dtype=torch.float64).reshape(2, 6).requires_grad_()
    for method in METHODS:
        assert torch.autograd.gradcheck(lambda x, method=method: gramian_fields(x, method), inside)
    ends = torch.tensor([-1.0, 1.0, 1.0 - 1e-7, -1.0 + 1e-5, 0.99994, 0.5], requires_grad=True)
    sine(ends).sum().backward()
    assert torch.isfinite(ends.grad).all()
    assert ends.grad.abs().max() <= 101.0
    assert ends.grad[5] == pytest.approx(-0.5 / 0.75**0.5)


def test_the_sine_is_exact_where_its_derivative_is_not() -> None:
    x = torch.tensor([-1.0, 1.0, 0.99999, 0.9999, 0.0], dtype=torch.float64)
    torch.testing.assert_close(sine(x), (1 - x.square()).sqrt(), rtol=1e-12, atol=0)


def test_pieces_are_means_of_adjoining_steps() -> None:
    x = torch.arange(10.0).reshape(1, 10)
    assert paa(x, 5).tolist() == [[0.5, 2.5, 4.5, 6.5, 8.5]]
    assert paa(x, 3).tolist() == [pytest.approx([1.0, 4.0, 7.5])]
    assert paa(x, 10) is x


@pytest.mark.parametrize("size", [-1, 11, 100])
def test_image_size_beyond_the_window_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="image_size"):
        gramian(torch.zeros(1, 10), image_size=size)


def test_unknown_names_are_refused_with_the_choices() -> None:
    x = torch.zeros(1, 4)
    with pytest.raises(ValueError, match=r"unknown method 'sum'.*summation, difference"):
        gramian_fields(x, "sum")
    with pytest.raises(ValueError, match=r"unknown gaf_range 'all'.*train, window"):
        gramian(x, "all")
    with pytest.raises(ValueError, match=r"unknown gaf_backend 'numpy'.*torch, pyts"):
        gramian(x, backend="numpy")


def test_both_images_come_from_the_same_factors() -> None:
    field = gramian(torch.rand(2, 3, 9))
    assert isinstance(field, Gramian)
    summation, difference = (field.image(method) for method in METHODS)
    assert summation.shape == difference.shape == (2, 3, 9, 9)
    torch.testing.assert_close(summation, summation.mT, rtol=0, atol=1e-7)
    torch.testing.assert_close(difference, -difference.mT, rtol=0, atol=1e-7)
