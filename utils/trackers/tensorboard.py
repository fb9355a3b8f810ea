"""A training's record for TensorBoard."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from utils.trackers.base import CARD, Tracker


class TensorBoard(Tracker):
    """Event files in `tensorboard/` of the run folder; `tensorboard --logdir results` shows all runs."""

    modules = ("tensorboard",)
    requirements = ("tensorboard>=2.16",)

    def begin(self, run: Path, options: Mapping[str, Any]) -> None:
        """Opens one more event file; those that the folder has tell what is known."""
        from torch.utils.tensorboard import SummaryWriter

        folder = run / "tensorboard"
        if folder.is_dir():
            self._read(folder)
        self._writer = SummaryWriter(str(folder))
        rows = "".join(f"    {name}: {value}\n" for name, value in options.items())  # indented: Markdown's code
        self._text("options", rows, 0)

    def _read(self, folder: Path) -> None:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        record = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0, "images": 1})
        record.Reload()
        tags = record.Tags()
        self.known |= {(tag, event.step) for tag in tags["scalars"] for event in record.Scalars(tag)}
        texts = {tag: tag.removesuffix("/text_summary") for tag in tags["tensors"]}
        self.known |= {(name, event.step) for tag, name in texts.items() for event in record.Tensors(tag)}

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Scalars."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def show(self, run: Path, step: int) -> None:
        """The model card as text, the figures as images."""
        import numpy as np
        from PIL import Image

        if not self._text("model card", (run / CARD).read_text(encoding="utf-8"), step):
            return
        for path in sorted((run / "figures").glob("*.png")):
            with Image.open(path) as image:
                self._writer.add_image(
                    f"figures/{path.stem}", np.asarray(image.convert("RGB")), step, dataformats="HWC"
                )

    def end(self, state: str) -> None:
        """Writes everything out."""
        self._writer.close()

    def _text(self, name: str, text: str, step: int) -> bool:
        new = (name, step) not in self.known
        if new:
            self._writer.add_text(name, text, step)
            self.known.add((name, step))
        return new
