"""The kinds that are a folder of files: images, NIfTI, DICOM, and the formats of eye cameras.

Fields by the names of the pod's configuration (bitfount contract, sections 1.4 and 2).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from podadmin.datasources.folders import FileFilter, extensions
from podadmin.datasources.kinds.fields import ADVANCED, BASIC, FILTER, declared
from podadmin.datasources.kinds.pod_settings import PodSettings
from podadmin.datasources.model import FolderSource, Kind, Source

# field of the form -> attribute of the filter
_FILTER = {
    "file_extension": "extensions",
    "strict_file_extension": "strict",
    "file_creation_min_date": "created_from",
    "file_creation_max_date": "created_until",
    "file_modification_min_date": "modified_from",
    "file_modification_max_date": "modified_until",
    "min_file_size": "smallest",
    "max_file_size": "largest",
}


class FolderFields(PodSettings):
    """What every folder has: its place, and which of its files count."""

    OWN: ClassVar[frozenset[str]] = frozenset({"path", *_FILTER})
    KIND: ClassVar[Kind]

    path: str = declared(
        "Folder", "The folder that holds the files, also in folders in it.", takes="folder", min_length=1
    )
    file_extension: tuple[str, ...] = declared(
        "Endings",
        "Only files whose names end in one of these count, such as .dcm; without any, those of the kind.",
        default=(),
        takes="list",
        group=FILTER,
    )
    strict_file_extension: bool = declared(
        "By the ending alone",
        "Only the name counts. Otherwise a pod also takes files without an ending whose first bytes look right.",
        default=False,
        takes="switch",
        group=FILTER,
    )
    file_creation_min_date: date | None = declared(
        "Created from",
        "Files created before this day do not count.",
        default=None,
        takes="date",
        group=FILTER,
    )
    file_creation_max_date: date | None = declared(
        "Created until",
        "Files created after this day do not count.",
        default=None,
        takes="date",
        group=FILTER,
    )
    file_modification_min_date: date | None = declared(
        "Changed from", "Files last changed before this day do not count.", default=None, takes="date", group=FILTER
    )
    file_modification_max_date: date | None = declared(
        "Changed until", "Files last changed after this day do not count.", default=None, takes="date", group=FILTER
    )
    min_file_size: float | None = declared(
        "Smallest file", "Smaller files do not count; in megabytes.", default=None, takes="number", group=FILTER
    )
    max_file_size: float | None = declared(
        "Largest file", "Larger files do not count; in megabytes.", default=None, takes="number", group=FILTER
    )
    infer_class_labels_from_filepaths: bool = declared(
        "Labels from folders",
        "Let the pod take the label of a file, and to which part of the split it belongs, from the folders it lies in.",
        default=False,
        takes="switch",
        group=ADVANCED,
    )
    output_path: str = declared(
        "Folder for what is derived",
        "Where the pod keeps what it derives from the files; without it, its own cache.",
        default="",
        takes="folder",
        group=ADVANCED,
    )

    def source(self, secret: str = "") -> Source:
        given = {attribute: getattr(self, name) for name, attribute in _FILTER.items()}
        given["extensions"] = extensions(given["extensions"])
        return FolderSource(self.KIND, Path(self.path), FileFilter(**given), self.settings())

    @classmethod
    def fields_of(cls, source: Source) -> dict[str, Any]:
        assert isinstance(source, FolderSource)
        chosen = {name: getattr(source.chosen, attribute) for name, attribute in _FILTER.items()}
        return {"path": str(source.path), **chosen}


class ImageFields(FolderFields):
    KIND: ClassVar[Kind] = Kind.IMAGE

    file_extensions: tuple[str, ...] = declared(
        "Kinds of image",
        "The endings that the pod takes for images; without any: .jpg, .jpeg, .png, .bmp, .tif, .tiff.",
        default=(),
        takes="list",
        group=ADVANCED,
    )


class NiftiFields(FolderFields):
    KIND: ClassVar[Kind] = Kind.NIFTI

    file_extensions: tuple[str, ...] = declared(
        "Kinds of volume",
        "The endings that the pod takes for NIfTI; without any: .nii, .nii.gz.",
        default=(),
        takes="list",
        group=ADVANCED,
    )


class DicomFields(FolderFields):
    KIND: ClassVar[Kind] = Kind.DICOM

    images_only: bool = declared(
        "Images only",
        "Leave out DICOM files without pixels, such as reports.",
        default=True,
        takes="switch",
        group=ADVANCED,
    )


class Ophthalmology(FolderFields):
    """What every kind of eye image can be told (bitfount contract, section 2.2, `OphthalmologyDataSourceArgs`)."""

    modality: Literal["", "OCT", "SLO"] = declared(
        "Modality",
        "Which kind of eye image counts.",
        default="",
        takes="choice",
        group=FILTER,
        choices={"": "All", "OCT": "OCT: layers of the retina", "SLO": "SLO: the retina from the front"},
    )
    match_slo: bool = declared(
        "With the SLO image",
        "Bring each OCT together with the SLO image that was taken with it.",
        default=False,
        takes="switch",
        group=ADVANCED,
    )
    drop_row_on_missing_slo: bool = declared(
        "Only with an SLO image",
        "Leave out an OCT that has no SLO image.",
        default=False,
        takes="switch",
        group=ADVANCED,
        only_with=("match_slo", "yes"),
    )
    minimum_dob: date | None = declared(
        "Born from", "Patients who were born before this day do not count.", default=None, takes="date", group=FILTER
    )
    maximum_dob: date | None = declared(
        "Born until", "Patients who were born after this day do not count.", default=None, takes="date", group=FILTER
    )
    minimum_num_bscans: int | None = declared(
        "Fewest B-scans",
        "Scans with fewer slices do not count.",
        default=None,
        takes="number",
        group=FILTER,
        ge=0,
        le=1_000_000,
    )
    maximum_num_bscans: int | None = declared(
        "Most B-scans",
        "Scans with more slices do not count.",
        default=None,
        takes="number",
        group=FILTER,
        ge=0,
        le=1_000_000,
    )
    minimum_acquisition_date: date | None = declared(
        "Taken from", "Images that were taken before this day do not count.", default=None, takes="date", group=FILTER
    )
    maximum_acquisition_date: date | None = declared(
        "Taken until", "Images that were taken after this day do not count.", default=None, takes="date", group=FILTER
    )
    series_description: str = declared(
        "Series", "Only series of this description count.", default="", group=FILTER, max_length=1000
    )
    inferred_scan_type: Literal[
        "", "Optic Disc (allow unknowns)", "Optic Disc (strict)", "Macular (allow unknowns)", "Macular (strict)"
    ] = declared(
        "Part of the eye",
        "Which part of the eye is shown, as the pod infers it.",
        default="",
        takes="choice",
        group=FILTER,
        choices={
            "": "All",
            "Optic Disc (allow unknowns)": "Optic disc, and scans of which it is not known",
            "Optic Disc (strict)": "Optic disc only",
            "Macular (allow unknowns)": "Macula, and scans of which it is not known",
            "Macular (strict)": "Macula only",
        },
    )
    check_required_fields: bool = declared(
        "Complete files only",
        "Leave out files in which one of the fields below is missing.",
        default=False,
        takes="switch",
        group=ADVANCED,
    )
    required_field_names: tuple[str, ...] = declared(
        "Fields that must be there",
        "Names of fields of a file.",
        default=(),
        takes="list",
        group=ADVANCED,
        only_with=("check_required_fields", "yes"),
    )

    @model_validator(mode="after")
    def _ends(self) -> Self:
        for low, high, what in (
            (self.minimum_dob, self.maximum_dob, "The days of birth"),
            (self.minimum_num_bscans, self.maximum_num_bscans, "The numbers of B-scans"),
            (self.minimum_acquisition_date, self.maximum_acquisition_date, "The days on which images were taken"),
        ):
            if low is not None and high is not None and low > high:  # type: ignore[operator]
                raise ValueError(f"{what} begin at {low}, which is after {high}: no file would count.")
        if self.check_required_fields and not self.required_field_names:
            raise ValueError("Only complete files are to count, and no field is named that must be there.")
        return self


class DicomOphthalmologyFields(Ophthalmology, DicomFields):
    KIND: ClassVar[Kind] = Kind.DICOM_OPHTHALMOLOGY

    oct_column: str = declared(
        "Column of the OCT", "The column that names the OCT file.", default="oct", group=ADVANCED, max_length=1000
    )
    slo_column: str = declared(
        "Column of the SLO",
        "The column that names the SLO file, where there is one.",
        default="",
        group=ADVANCED,
        max_length=1000,
    )


class HeidelbergFields(Ophthalmology):
    KIND: ClassVar[Kind] = Kind.HEIDELBERG

    heidelberg_files_col: str = declared(
        "Column of the files",
        "The column that names the file.",
        default="heidelberg_file",
        group=ADVANCED,
        min_length=1,
        max_length=1000,
    )


class HeidelbergE2EFields(HeidelbergFields):
    KIND: ClassVar[Kind] = Kind.HEIDELBERG_E2E

    laterality: Literal["L", "R", "B", "U"] = declared(
        "Eye",
        "Which eye counts.",
        takes="choice",
        group=BASIC,
        choices={"L": "Left", "R": "Right", "B": "Both", "U": "Unknown"},
    )
    series_protocol: str = declared(
        "Protocol of the series",
        "Which series of a file counts, by the name of its protocol, such as “OCT ART Volume” or “Images”.",
        group=BASIC,
        min_length=1,
        max_length=1000,
    )


class TopconFields(Ophthalmology):
    KIND: ClassVar[Kind] = Kind.TOPCON
