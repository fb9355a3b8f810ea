"""RAdam in one pass over the memory, where PyTorch has the kernel for it: on a CPU.

RAdam (Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR 2020) steps, at time t, by

    lr r_t sqrt(1 - b2^t) / (1 - b1^t)  m / (sqrt(v) + eps)

once r_t exists, which is from the sixth step on for b2 = 0.999. That is a step of Adam with the learning rate lr r_t
and the epsilon eps / sqrt(1 - b2^t). Adam has a fused kernel, which reads and writes every number once; RAdam's own
code makes a dozen passes, each of them over every tensor.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim.adam import adam

from utils.plain_optimizers import plain


def rectification(step: int, beta2: float) -> float:
    """r_t, by which RAdam shortens the step at time `step` (from 1); 0 where it is not defined yet."""
    longest = 2 / (1 - beta2) - 1
    length = longest - 2 * step * beta2**step / (1 - beta2**step)
    if length <= 5:
        return 0.0
    return ((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)) ** 0.5


class RAdam(plain(torch.optim.RAdam)):  # type: ignore[misc]
    """`torch.optim.RAdam` with the same state and the same numbers, but for rounding."""

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of every parameter that has a gradient; by PyTorch's own code where the kernel cannot do it."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        if not all(map(self._can_be_fused, self.param_groups)):
            super().step()
            return loss
        for group in self.param_groups:
            same_age = defaultdict(list)  # a parameter that had no gradient in some windows has made fewer steps
            for parameter in group["params"]:
                if parameter.grad is not None:
                    same_age[self._age(parameter)].append(parameter)
            for age, parameters in same_age.items():
                self._step_together(group, age + 1, parameters)
        return loss

    def _can_be_fused(self, group: dict[str, Any]) -> bool:
        """Whether all parameters of a group lie on a CPU and are past the steps without rectification."""
        if group["capturable"] or group["differentiable"] or group["decoupled_weight_decay"]:
            return False
        trained = [p for p in group["params"] if p.grad is not None]
        ages = {self._age(p) for p in trained}
        return all(p.is_cpu for p in trained) and all(rectification(age + 1, group["betas"][1]) for age in ages)

    def _age(self, parameter: Tensor) -> int:
        """Steps that a parameter has made."""
        state = self.state.get(parameter)
        return int(state["step"]) if state else 0

    def _step_together(self, group: dict[str, Any], step: int, parameters: list[Tensor]) -> None:
        """The step number `step` of some parameters of a group."""
        (beta1, beta2), states = group["betas"], [self.state[p] for p in parameters]
        adam(
            parameters,
            [p.grad for p in parameters if p.grad is not None],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            fused=True,
            amsgrad=False,
            beta1=beta1,
            beta2=beta2,
            lr=group["lr"] * rectification(step, beta2),
            weight_decay=group["weight_decay"],
            eps=group["eps"] / (1 - beta2**step) ** 0.5,
            maximize=group["maximize"],
        )
