"""A model of pure Python for the real software that can be trained: its one parameter comes to be the average age.

Each round of training goes half of the way from where it stands to the average of the data. It runs inside the pod, and
at the requester, who adds what the pod has learnt.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


class AverageModel:
    """What the real software asks of a model that is trained, and nothing else."""

    def __init__(self, datastructure: Any, schema: Any, epochs: int = 1, **parameters: Any) -> None:
        self.datastructure = datastructure
        self.schema = schema
        self.epochs = epochs
        self.steps = None
        self._begun = False
        self._average = np.zeros(1)

    @property
    def initialised(self) -> bool:
        return self._begun

    def initialise_model(self, data: Any = None, data_splitter: Any = None, context: Any = None) -> None:
        self._begun = True

    def tensor_precision(self) -> Any:
        return np.float64

    def get_param_states(self) -> Any:
        return self._average

    def diff_params(self, old_params: Any, new_params: Any) -> Any:
        return new_params - old_params

    def apply_weight_updates(self, updates: Any) -> Any:
        self._average = self._average + sum(updates) / len(updates)
        return self._average

    def update_params(self, params: Any) -> None:
        self._average = params

    def serialize_params(self, params: Any) -> Any:
        return params.tolist()

    def deserialize_params(self, params: Any) -> Any:
        return np.array(params)

    def set_model_training_iterations(self, iterations: int) -> None:
        self.epochs = iterations

    def reset_trainer(self) -> None:
        return

    def fit(self, data: Any, **more: Any) -> Any:
        ages = pd.concat(list(data.yield_data()))["age"].astype(float)
        for _ in range(self.epochs):
            self._average = self._average + (ages.mean() - self._average) / 2
        return {"distance": str(float(abs(ages.mean() - self._average[0])))}

    def log_(self, name: str, value: Any, **more: Any) -> None:
        return

    def serialize(self, filename: Any) -> None:
        Path(filename).write_text(str(self._average.tolist()), encoding="utf-8")

    def deserialize(self, content: Any, **more: Any) -> None:
        return
