"""What every kind of datasource can be told besides where its data lies: how a pod reads it, parts it and calls it.

All of it is written into the pod's configuration (bitfount contract, sections 1.2, 1.3, 1.5 and 2.1). Columns to
ignore, forced types and descriptions of columns are the custodian's choices about columns and are no fields here. Three
arguments that a pod knows (`iterable`, `fast_load`, `cache_images`) take a single value: there is nothing to choose.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import model_validator

from podadmin.datasources.kinds.fields import ADVANCED, SPLIT, Declared, declared

_PERCENTAGE = ("data_splitter", "percentage")
_PREDEFINED = ("data_splitter", "predefined")
_INT64 = 2**63 - 1


class PodSettings(Declared):
    """The fields of every kind."""

    display_name: str = declared(
        "Display name",
        "The name that people read at the network; without it, the name of the datasource.",
        default="",
        group=ADVANCED,
        max_length=200,
    )
    description: str = declared(
        "Description",
        "What people read about the datasource at the network. It is published.",
        default="",
        takes="lines",
        group=ADVANCED,
        max_length=10_000,
    )
    table_descriptions: dict[str, str] = declared(
        "Descriptions of tables",
        "Table and what people read about it. They are published.",
        default={},
        takes="pairs",
        group=ADVANCED,
    )
    data_splitter: Literal["", "percentage", "predefined"] = declared(
        "Split of the records",
        "Which records a model is trained with, validated with and tested with.",
        default="",
        takes="choice",
        group=SPLIT,
        choices={
            "": "As the pod does it: 80 % training, 10 % validation, 10 % test",
            "percentage": "By percentages",
            "predefined": "By a column of the data",
        },
    )
    validation_percentage: int = declared(
        "Validation",
        "Share of the records with which a model is validated while it is trained, in percent.",
        default=10,
        takes="number",
        group=SPLIT,
        only_with=_PERCENTAGE,
        ge=0,
        le=100,
    )
    test_percentage: int = declared(
        "Test",
        "Share of the records with which a model is tested in the end, in percent.",
        default=10,
        takes="number",
        group=SPLIT,
        only_with=_PERCENTAGE,
        ge=0,
        le=100,
    )
    shuffle: bool = declared(
        "Shuffle",
        "Part the records in a random order.",
        default=True,
        takes="switch",
        group=SPLIT,
        only_with=_PERCENTAGE,
    )
    split_seed: int | None = declared(
        "Seed of the split",
        "A number that makes the same split again; without it, the pod's own.",
        default=None,
        takes="number",
        group=SPLIT,
        only_with=_PERCENTAGE,
        ge=0,
        le=2**32 - 1,
    )
    iterative_splitting: bool = declared(
        "Split while reading",
        "Part the records batch by batch instead of all at once.",
        default=False,
        takes="switch",
        group=SPLIT,
        only_with=_PERCENTAGE,
    )
    time_series_sort_by: tuple[str, ...] = declared(
        "Order of a time series",
        "Columns by which the records are put in order before they are parted.",
        default=(),
        takes="list",
        group=SPLIT,
        only_with=_PERCENTAGE,
    )
    column_name: str = declared(
        "Column of the split",
        "The column that says to which part a record belongs.",
        default="BITFOUNT_SPLIT_CATEGORY",
        group=SPLIT,
        only_with=_PREDEFINED,
        min_length=1,
        max_length=1000,
    )
    training_set_label: str = declared(
        "Label of training",
        "What the column says of records for training.",
        default="TRAIN",
        group=SPLIT,
        only_with=_PREDEFINED,
        min_length=1,
        max_length=1000,
    )
    validation_set_label: str = declared(
        "Label of validation",
        "What the column says of records for validation.",
        default="VALIDATION",
        group=SPLIT,
        only_with=_PREDEFINED,
        min_length=1,
        max_length=1000,
    )
    test_set_label: str = declared(
        "Label of test",
        "What the column says of records for the test.",
        default="TEST",
        group=SPLIT,
        only_with=_PREDEFINED,
        min_length=1,
        max_length=1000,
    )
    infer_data_split_labels: bool = declared(
        "Find the labels out",
        "Let the pod find out which labels the column has.",
        default=False,
        takes="switch",
        group=SPLIT,
        only_with=_PREDEFINED,
    )
    path_prefixes: dict[str, str] = declared(
        "Prefixes of paths",
        "Column that holds names of files, and what is put before each of them.",
        default={},
        takes="pairs",
        group=ADVANCED,
    )
    path_suffixes: dict[str, str] = declared(
        "Suffixes of paths",
        "Column that holds names of files, and what is put behind each of them.",
        default={},
        takes="pairs",
        group=ADVANCED,
    )
    auto_tidy: bool = declared(
        "Tidy up",
        "Let the pod remove empty values and normalise numbers before a task sees them.",
        default=False,
        takes="switch",
        group=ADVANCED,
    )
    partition_size: int | None = declared(
        "Records at a time",
        "How many records or files the pod reads at a time; without it, 16.",
        default=None,
        takes="number",
        group=ADVANCED,
        ge=1,
        le=1_000_000,
    )
    seed: int | None = declared(
        "Seed",
        "A number that makes the pod's random choices the same again.",
        default=None,
        takes="number",
        group=ADVANCED,
        ge=0,
        le=_INT64,
    )
    required_fields: dict[str, Any] = declared(
        "Required fields",
        "Fields that tasks can rely on, as one JSON object; published before there is a schema.",
        default={},
        takes="lines",
        group=ADVANCED,
    )

    @model_validator(mode="after")
    def _parts(self) -> Self:
        if self.validation_percentage + self.test_percentage > 100:
            raise ValueError("Validation and test together are more than 100 percent.")
        labels = (self.training_set_label, self.validation_set_label, self.test_set_label)
        if len(set(labels)) < len(labels):
            raise ValueError("Two parts of the split have the same label.")
        return self

    def split(self) -> Mapping[str, Any] | None:
        """The split as the pod's configuration writes it (bitfount contract, section 1.5); None for the pod's own."""
        if self.data_splitter == "percentage":
            given: dict[str, Any] = {
                "validation_percentage": self.validation_percentage,
                "test_percentage": self.test_percentage,
                "shuffle": self.shuffle,
                "iterative_splitting": self.iterative_splitting,
            }
            if self.split_seed is not None:
                given["seed"] = self.split_seed
            if self.time_series_sort_by:
                given["time_series_sort_by"] = list(self.time_series_sort_by)
            return {"data_splitter": "percentage", "args": given}
        if self.data_splitter == "predefined":
            names = ("column_name", "training_set_label", "validation_set_label", "test_set_label")
            args = {name: getattr(self, name) for name in (*names, "infer_data_split_labels")}
            return {"data_splitter": "predefined", "args": args}
        return None

    def modifiers(self) -> Mapping[str, Mapping[str, str]]:
        """Column -> prefix and suffix of the paths in it, as the pod's configuration writes it."""
        columns = sorted({*self.path_prefixes, *self.path_suffixes})
        parts = (("prefix", self.path_prefixes), ("suffix", self.path_suffixes))
        return {column: {part: of[column] for part, of in parts if column in of} for column in columns}
