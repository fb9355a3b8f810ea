"""This project's network and windows in the Transformers Trainer, beside `run.py`: the same weights.

    python scripts/train_with_hf_trainer.py --data folder --root_path FOLDER --batch_size 4 \
        --gradient_accumulation_steps 2 --train_epochs 2

Takes the flags of `run.py`, trains twice from the same initial weights in the same order, and prints how far the two
end apart. The Trainer divides each micro-batch's mean by the number of steps, which is right where all micro-batches
weigh the same; other cases are refused here, and `docs/ACCUMULATION.md` measures them. It needs two more packages:
pip install transformers accelerate
"""

import importlib.util
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402

import run  # noqa: E402
from data_provider import Prepared, load_data  # noqa: E402
from data_provider.frames import Batch  # noqa: E402
from exp.training.build import loss_for, optimizer_of  # noqa: E402
from exp.training.loaders import MicroBatches  # noqa: E402
from models.build import model_of  # noqa: E402
from utils.checkpoints import load_checkpoint  # noqa: E402
from utils.command_line import parse  # noqa: E402
from utils.errors import UserError  # noqa: E402
from utils.options import Options  # noqa: E402
from utils.seeding import seed_everything  # noqa: E402
from utils.timm_compat import import_timm  # noqa: E402

LARGEST_DISTANCE = 1e-6


class WithLoss(nn.Module):
    """The network as the Trainer wants it: labels in, mean loss out."""

    def __init__(self, network: nn.Module, loss: nn.Module) -> None:
        super().__init__()
        self.network, self.loss = network, loss

    def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """(B, C, L) windows and (B,) classes to a mean loss and (B, K) logits."""
        logits = self.network(x)
        return {"loss": self.loss(logits, labels).values.mean(), "logits": logits}


class RunOrder:
    """The order of `run.py`: another one in each epoch, a function of the seed."""

    def __init__(self, options: Options, samples: int) -> None:
        self.options, self.samples, self.epoch = options, samples, -1

    def __iter__(self) -> Iterator[list[int]]:
        self.epoch += 1
        return iter(self._batches())

    def __len__(self) -> int:
        return len(self._batches())

    def _batches(self) -> MicroBatches:
        size, seed = self.options.batch_size, self.options.seed
        return MicroBatches(samples=self.samples, sizes=[size], seed=seed, epoch=max(0, self.epoch))


def train_with_trainer(options: Options, data: Prepared) -> nn.Module:
    """The network after `--train_epochs` epochs of the Trainer."""
    import_timm()  # after it torchvision can be imported, also where its operators are missing
    from transformers import Trainer, TrainingArguments

    class Ordered(Trainer):
        def get_train_dataloader(self) -> DataLoader:
            return DataLoader(
                data.train,
                batch_sampler=RunOrder(options, len(data.train)),
                collate_fn=_named,
                generator=torch.Generator(),
            )

    seed_everything(options.seed)
    model = WithLoss(model_of(options, data.info), loss_for(options, data.info))
    optimizer = optimizer_of(options, model.network, options.learning_rate)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            gradient_accumulation_steps=options.gradient_accumulation_steps,
            num_train_epochs=options.train_epochs,
            max_grad_norm=options.clip_grad,
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            use_cpu=True,
        )
        constant = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda _: 1.0)
        Ordered(model=model, args=arguments, train_dataset=data.train, optimizers=(optimizer, constant)).train()
    return model.network


def main(words: list[str]) -> int:
    """Trains both ways; 0 where the weights agree."""
    for package in ("transformers", "accelerate"):
        if importlib.util.find_spec(package) is None:
            raise UserError(f"{package} is missing; pip install transformers accelerate")
    fixed = ["--dropout", "0", "--lr_scheduler", "none", "--patience", "1000000", "--device", "cpu"]
    with tempfile.TemporaryDirectory() as results:
        options = parse([*words, *fixed, "--result_path", results])
        data = load_data(options)
        step = options.batch_size * options.gradient_accumulation_steps
        if len(data.train) % step:
            raise UserError(
                f"{len(data.train)} training windows are no multiple of --batch_size x --gradient_accumulation_steps = "
                f"{step}: in the last, part-filled window the Trainer is wrong; choose other numbers"
            )
        status = run.main([*words, *fixed, "--result_path", results])
        if status:
            return status
        ours = load_checkpoint(next(Path(results).rglob("last.pt")))["model"]
    theirs = train_with_trainer(options, data).state_dict()
    distance = torch.stack([(ours[name] - theirs[name]).double().norm() for name in ours]).norm()
    relative = float(distance / torch.stack([value.double().norm() for value in ours.values()]).norm())
    verdict = "the same weights" if relative <= LARGEST_DISTANCE else "other weights"
    print(f"run.py and the Transformers Trainer: relative distance {relative:.1e}, {verdict}")
    return 0 if relative <= LARGEST_DISTANCE else 1


def _named(batch: Batch) -> dict[str, Tensor]:
    return {"x": batch.x, "labels": batch.y}


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except UserError as error:
        sys.exit(f"train_with_hf_trainer.py: {error}")
