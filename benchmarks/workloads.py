"""The work that is measured: training steps, fields and detection, as the program does them.

Letters: B windows of a micro-batch, C signals, L steps, K classes, n windows.
"""

import os
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from data_provider import Recipe, Scaler, WindowSet
from data_provider.segments import Run, Segments
from data_provider.splits.split import Windows
from exp.evaluation.inference import answer, exact, in_batches
from layers.gramian import METHODS, Gramian, gramian
from models import MODELS, ModelSettings
from utils.cuda_graphs import GraphAccumulator
from utils.gradient_accumulation import GradientAccumulator
from utils.loss_presets import build_loss
from utils.optimizers import build_optimizer
from utils.options import Options

SIGNALS, STEPS, CLASSES, MICRO_BATCH = 26, 96, 9, 4


def windows(count: int, signals: int = SIGNALS, seed: int = 0) -> Tensor:
    """(n, C, L) random walks in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, signals, STEPS, generator=generator).mul_(0.1).cumsum(-1).clamp_(-1, 1)


def network(
    settings: ModelSettings, *, name: str = "DualGAFNet", signals: int = SIGNALS, classes: int = CLASSES
) -> nn.Module:
    """A network of `MODELS` for windows of these signals."""
    torch.manual_seed(0)
    columns = tuple(f"signal {i}" for i in range(signals))
    return MODELS[name](columns=columns, length=STEPS, classes=classes, settings=settings)


class Training:
    """Training with the program's own engine, loss and optimizer; a call is one micro-batch and its optimizer step.

    Args:
        settings: of the network.
        name: of the network.
        batch: B.
        signals, classes: C and K.
        device: where.
        amp: type of automatic mixed precision, None for none.
        compiled: whether the network is compiled.
        channels_last: whether weights of convolutions lie channels last.
        steps: micro-batches of an optimizer step.
        replayed: whether CUDA graphs replay the steps.
    """

    def __init__(
        self,
        settings: ModelSettings,
        *,
        name: str = "DualGAFNet",
        batch: int = MICRO_BATCH,
        signals: int = SIGNALS,
        classes: int = CLASSES,
        device: str = "cpu",
        amp: torch.dtype | None = None,
        compiled: bool = False,
        channels_last: bool = False,
        steps: int = 1,
        replayed: bool = False,
    ) -> None:
        self.device, self.amp = torch.device(device), amp
        self.model = network(settings, name=name, signals=signals, classes=classes).to(self.device).train()
        if channels_last:
            self.model = self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if compiled:
            self.model.compile()
        defaults = Options()
        optimizer = build_optimizer(
            self.model,
            name=defaults.optimizer,
            learning_rate=defaults.learning_rate,
            weight_decay=defaults.weight_decay,
        )
        self.loss = default_loss().to(self.device)
        engine: dict[str, Any] = {"steps": steps, "clip_norm": defaults.clip_grad}
        self.accumulator = (
            GraphAccumulator(self.model, optimizer, size=batch, constants=(self.model, self.loss), **engine)
            if replayed
            else GradientAccumulator(self.model, optimizer, **engine)
        )
        self.x = windows(batch, signals).to(self.device)
        self.y = (torch.arange(batch) % classes).to(self.device)

    def __call__(self) -> int:
        """One micro-batch; returns its windows."""
        self.step(self.x, self.y)
        return len(self.y)

    def step(self, x: Tensor, y: Tensor) -> None:
        """Forward, loss, backward, and the optimizer where this closes a window."""
        self.accumulator.run(self._compute, x, y)
        self.accumulator.end_micro_batch()

    def _compute(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast(self.device.type, dtype=self.amp or torch.float32, enabled=self.amp is not None):
            logits = self.model(x)
        return self.loss(logits.float(), y)


def default_loss() -> nn.Module:
    """The loss of a run without flags."""
    names = ("loss", "label_smoothing", "focal_alpha", "focal_gamma", "confidence_penalty")
    chosen: dict[str, Any] = {name: getattr(Options(), name) for name in names}
    return build_loss(preset=Options().loss_preset, class_weights=None, **chosen)


class Detection:
    """A call is a forward pass, statistics included, of n windows as the program evaluates them."""

    def __init__(self, settings: ModelSettings, *, count: int = 256, device: str = "cpu") -> None:
        self.device = torch.device(device)
        self.model = exact(network(settings).to(self.device))
        self.x = windows(count)

    def __call__(self) -> int:
        """Returns n."""

        def work(places: np.ndarray) -> Tensor:
            return answer(self.model, self.x[places], self.device)[0]

        return sum(map(len, in_batches(work, self.model, np.arange(len(self.x)), self.device)))


def window_set(count: int, signals: int, classes: int) -> WindowSet:
    """n windows of C signals as a data set gives them to a loader: cut and scaled on demand."""
    readings = windows(count, signals).transpose(1, 2).flatten(0, 1).numpy()  # (n L, C)
    segments = Segments(
        recipe=Recipe(columns=tuple(f"signal {i}" for i in range(signals)), period_seconds=60, hold_seconds=0),
        values=readings,
        runs=(Run("run", "class", "", ""),),
        run=np.zeros(1, np.int64),
        first=np.zeros(1, np.int64),
        rows=np.array([len(readings)]),
        start=np.zeros(1, "datetime64[s]"),
    )
    nothing = np.zeros(count, np.int64)
    places = Windows(
        first=np.arange(count) * STEPS, run=nothing, start=nothing.astype("datetime64[s]"), part=nothing, block=nothing
    )
    return WindowSet(
        segments=segments,
        windows=places,
        targets=np.arange(count) % classes,
        scaler=Scaler.fit(readings),
        seq_len=STEPS,
    )


class Fields:
    """A call is both fields of every signal of n windows, window by window, into memory that is used again.

    The images of a window fit in the processor's cache, as they do where a window is evaluated as it comes in.
    """

    def __init__(self, count: int) -> None:
        self.x = windows(count)
        self.images = [torch.empty(SIGNALS, STEPS, STEPS) for _ in METHODS]

    def __call__(self) -> int:
        """Returns the number of pairs of images."""
        factors = gramian(self.x)
        for cos, sin in zip(factors.cos, factors.sin, strict=True):
            for method, image in zip(METHODS, self.images, strict=True):
                Gramian(cos, sin).image(method, out=image)
        return self.x.shape[0] * SIGNALS


class PytsFields:
    """The same fields by pyts, n windows a call.

    Importing it takes up to 20 s, in which numba compiles: pyts as fast as it can be. That is not measured.
    """

    def __init__(self, count: int) -> None:
        os.environ.pop("NUMBA_DISABLE_JIT", None)  # read when numba is imported
        from pyts.image import GramianAngularField

        self.x = windows(count).flatten(0, 1).double().numpy()
        self.transformers = [GramianAngularField(sample_range=None, method=method) for method in METHODS]

    def __call__(self) -> int:
        """Returns the number of pairs of images."""
        for transformer in self.transformers:
            transformer.transform(self.x)
        return len(self.x)
