"""scikit-learn's random_state as the one number our own generators start from."""

from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from kansci.errors import SettingsError


def as_seed(random_state: Any) -> int:
    """Give a seed.

    Args:
        random_state: a number from 0, None, or a RandomState to draw from.

    Returns:
        The seed.

    Raises:
        SettingsError: the number is negative.
    """
    if isinstance(random_state, int | np.integer):
        if random_state < 0:
            raise SettingsError(f"random_state={random_state}: choose 0 or more")
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31))
