"""What a pod is told about each kind of datasource, by the names of its software (bitfount contract, section 2).

One declared model for each table of arguments that a pod's configuration knows, as the software's own description of
its configuration gives them. A field that is None is not said, and the software's own default holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from podadmin.networks.bitfount.config_values import Date, Handed, HiddenText, Place

Laterality = Literal["L", "R", "B", "U"]
ScanType = Literal["Optic Disc (allow unknowns)", "Optic Disc (strict)", "Macular (allow unknowns)", "Macular (strict)"]


class SourceArgs(BaseModel):
    """What every kind of datasource takes. `partition_size`: rows or files read at once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int | None = None
    ignore_cols: str | tuple[str, ...] | None = None
    iterable: Literal[True] | None = None
    partition_size: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    required_fields: Handed | None = None


class CSVSourceArgs(SourceArgs):
    """One text file. The address of a file on the web does not survive the real software's reading of its own file."""

    path: Place | None = None
    read_csv_kwargs: Handed | None = None


class _FolderArgs(SourceArgs):
    """What every kind that is a folder of files takes."""

    path: Place | None = None
    output_path: Place | None = None
    fast_load: Literal[True] | None = None
    cache_images: Literal[False] | None = None
    infer_class_labels_from_filepaths: bool | None = None


class ImageSourceArgs(_FolderArgs):
    """Images, and volumes in NIfTI files: those have no table of their own."""

    file_extensions: tuple[str, ...] | None = None


class DICOMSourceArgs(_FolderArgs):
    images_only: bool | None = None


class OphthalmologyDataSourceArgs(BaseModel):
    """Which scans of the eye are taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    modality: Literal["OCT", "SLO"] | None = None
    match_slo: bool | None = None
    drop_row_on_missing_slo: bool | None = None
    minimum_dob: Date | None = None
    maximum_dob: Date | None = None
    minimum_num_bscans: int | None = None
    maximum_num_bscans: int | None = None
    check_required_fields: bool | None = None
    required_field_names: tuple[str, ...] | None = None
    minimum_acquisition_date: Date | None = None
    maximum_acquisition_date: Date | None = None
    series_description: str | None = None
    inferred_scan_type: ScanType | None = None


class DICOMOphthalmologyCSVColumns(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    oct_column: str | None = None
    slo_column: str | None = None


class HeidelbergCSVColumns(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    heidelberg_files_col: str | None = None


class _EyeArgs(_FolderArgs):
    ophthalmology_args: OphthalmologyDataSourceArgs | None = None


class DICOMOphthalmologySourceArgs(_EyeArgs):
    images_only: bool | None = None
    dicom_ophthalmology_csv_columns: DICOMOphthalmologyCSVColumns | None = None


class HeidelbergSourceArgs(_EyeArgs):
    heidelberg_csv_columns: HeidelbergCSVColumns | None = None


class HeidelbergE2ESourceArgs(HeidelbergSourceArgs):
    laterality: Laterality
    series_protocol: str


class TopconSourceArgs(_EyeArgs):
    pass


class InterMineSourceArgs(SourceArgs):
    service_url: str
    template_name: str
    token: HiddenText | None = None


class OMOPSourceArgs(SourceArgs):
    connection_string: HiddenText
    version: Literal["v3.0", "v5.3", "v5.4"] | None = None
    read_sql_kwargs: Handed | None = None


class NullSourceArgs(SourceArgs):
    pass


ARGS: Mapping[str, type[SourceArgs]] = {
    "CSVSource": CSVSourceArgs,
    "ImageSource": ImageSourceArgs,
    "NIFTISource": ImageSourceArgs,
    "DICOMSource": DICOMSourceArgs,
    "DICOMOphthalmologySource": DICOMOphthalmologySourceArgs,
    "HeidelbergSource": HeidelbergSourceArgs,
    "HeidelbergE2ESource": HeidelbergE2ESourceArgs,
    "TopconSource": TopconSourceArgs,
    "OMOPSource": OMOPSourceArgs,
    "InterMineSource": InterMineSourceArgs,
    "NullSource": NullSourceArgs,
}
"""The kinds that a pod knows by name, and what each is told."""

FILTERED = frozenset(
    {"HeidelbergSource", "HeidelbergE2ESource", "DICOMOphthalmologySource", "DICOMSource", "ImageSource"}
    | {"TopconSource", "NIFTISource"}
)
"""The kinds that take a filter of files (bitfount contract, section 1.2)."""
