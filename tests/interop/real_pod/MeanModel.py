"""A model of pure Python for the real software: its prediction for a person is the age. It runs inside the pod.

With `waits_at`, a named pipe, it predicts nothing before somebody has opened the other end.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from bitfount.types import PredictReturnType


class MeanModel:
    """What the real software asks of a model that infers, and nothing else."""

    def __init__(self, datastructure: Any, schema: Any, waits_at: str = "", **parameters: Any) -> None:
        self.datastructure = datastructure
        self.schema = schema
        self._waits_at = waits_at
        self._begun = False

    @property
    def initialised(self) -> bool:
        return self._begun

    def initialise_model(self, data: Any = None, data_splitter: Any = None, context: Any = None) -> None:
        self._begun = True

    def deserialize(self, content: Any, **more: Any) -> None:
        return

    def predict(self, data: Any, **more: Any) -> Any:
        if self._waits_at:
            Path(self._waits_at).read_bytes()
        ages = pd.concat(list(data.yield_data()))["age"].astype(float)
        return PredictReturnType(preds=pd.DataFrame({"age": ages.to_list()}))
