"""What a run's network says about its target, whatever the loss it was trained on."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from kansci.storage import Run

__all__ = ["network_answer"]


def network_answer(run: "Run") -> Callable[["np.ndarray"], "np.ndarray"]:
    """X (N, I) -> target (N,): values, rates or chances; of several classes the most probable."""
    import torch

    from kansci.training.user_loss import as_loss

    model = run.model()
    loss = as_loss(run.config["settings"].get("loss", "least_squares"))

    def answer(X: "np.ndarray") -> "np.ndarray":
        values = loss.predict(torch.as_tensor(model.predict(X))).numpy()
        return values[:, 0] if values.shape[1] == 1 else values.argmax(axis=1)

    return answer
