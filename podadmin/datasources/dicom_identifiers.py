"""Which attributes of DICOM point at people, by the names that they have as columns.

A selection of the attributes that the standard's Basic Application Level Confidentiality Profile removes or replaces
(DICOM PS3.15, table E.1-1): what names a person, a place, an examination or a device, and what was typed freely.
"""

from __future__ import annotations

from typing import Final

from podadmin.datasources.identifiers import FREE_TEXT, suspected

_PEOPLE: Final = (
    "Patient's Name", "Other Patient Names", "Patient's Birth Name", "Patient's Mother's Birth Name",
    "Referring Physician's Name", "Performing Physician's Name", "Operators' Name", "Physician(s) of Record",
    "Name of Physician(s) Reading Study", "Requesting Physician", "Scheduled Performing Physician's Name",
    "Consulting Physician's Name", "Responsible Person", "Responsible Organization", "Content Creator's Name",
    "Verifying Observer Name", "Person Name", "Reviewer Name", "Interpretation Author",
    "Physician Approving Interpretation", "Interpretation Recorder", "Interpretation Transcriber",
    "Distribution Name", "Names of Intended Recipients of Results", "Order Entered By",
    "Admitting Diagnoses Description", "Evaluator Name", "Human Performer's Name",
)  # fmt: skip
_PATIENTS: Final = (
    "Patient ID", "Other Patient IDs", "Issuer of Patient ID", "Issuer of Patient ID Qualifiers",
    "Medical Record Locator", "Patient's Insurance Plan Code Sequence", "Insurance Plan Identification",
    "Clinical Trial Subject ID", "Clinical Trial Subject Reading ID", "Patient Alternative Calendar",
)  # fmt: skip
_BIRTH: Final = (
    "Patient's Birth Date", "Patient's Birth Time", "Patient's Birth Date in Alternative Calendar",
    "Patient's Death Date in Alternative Calendar", "Last Menstrual Date",
)  # fmt: skip
_EXAMINATIONS: Final = (
    "Accession Number", "Study ID", "Study Instance UID", "Series Instance UID", "SOP Instance UID",
    "Frame of Reference UID", "Synchronization Frame of Reference UID", "Concatenation UID",
    "Irradiation Event UID", "Requested Procedure ID", "Scheduled Procedure Step ID", "Performed Procedure Step ID",
    "Admission ID", "Service Episode ID", "Placer Order Number / Imaging Service Request",
    "Filler Order Number / Imaging Service Request", "Instance Creator UID", "Storage Media File-set UID",
    "Dimension Organization UID", "Specimen UID", "Tracking UID", "Failed SOP Instance UID List",
    "Container Identifier", "Specimen Identifier", "Tracking ID", "Clinical Trial Protocol ID", "Acquisition UID",
)  # fmt: skip
_DEVICES: Final = (
    "Device Serial Number", "Station Name", "Detector ID", "Plate ID", "Cassette ID", "Gantry ID", "Generator ID",
    "Device UID", "Performed Station AE Title", "Scheduled Station AE Title", "Scheduled Station Name",
    "Performed Station Name", "Retrieve AE Title", "Source Serial Number", "Scanner ID",
    "Digitizing Device Serial Number",
)  # fmt: skip
_PLACES: Final = (
    "Institution Name", "Institution Address", "Institutional Department Name", "Performed Location",
    "Current Patient Location", "Patient's Institution Residence", "Scheduled Procedure Step Location",
    "Clinical Trial Site ID", "Clinical Trial Site Name", "Clinical Trial Sponsor Name", "Patient's Address",
    "Country of Residence", "Region of Residence", "Verifying Organization", "Custodial Organization",
)  # fmt: skip
_TELEPHONES: Final = (
    "Patient's Telephone Numbers", "Referring Physician's Telephone Numbers", "Person's Telephone Numbers",
    "Order Callback Phone Number", "Patient's Telecom Information",
)  # fmt: skip
_TYPED: Final = (
    "Patient Comments", "Image Comments", "Study Comments", "Additional Patient History", "Study Description",
    "Series Description", "Derivation Description", "Requested Procedure Description",
    "Requested Procedure Comments", "Imaging Service Request Comments", "Reason for Study",
    "Reason for the Requested Procedure", "Allergies", "Medical Alerts", "Contrast Allergies", "Special Needs",
    "Patient State", "Visit Comments", "Acquisition Comments", "Performed Procedure Step Description",
    "Scheduled Procedure Step Description", "Frame Comments", "Occupation",
    "Comments on the Performed Procedure Step", "Comments on the Scheduled Procedure Step",
    "Discharge Diagnosis Description", "Interpretation Text", "Text Comments", "Text String",
    "Acquisition Protocol Description", "Protocol Name", "Identifying Comments", "Results Comments", "Impressions",
    "Patient Transport Arrangements", "Ethnic Group", "Patient's Religious Preference", "Military Rank",
    "Branch of Service", "Acquisition Device Processing Description", "Contribution Description", "Content Label",
    "Content Description", "Overlay Comments", "Curve Data",
)  # fmt: skip

_KINDS: Final = {
    name: kind
    for names, kind in (
        (_PEOPLE, "names of people"),
        (_PATIENTS, "identifiers of patients"),
        (_BIRTH, "dates of birth"),
        (_EXAMINATIONS, "numbers of examinations"),
        (_DEVICES, "numbers of devices"),
        (_PLACES, "addresses"),
        (_TELEPHONES, "telephone numbers"),
        (_TYPED, FREE_TEXT),
    )
    for name in names
}
_NOT_PEOPLE: Final = (
    "SOP Class UID", "Manufacturer's Model Name", "Code Set Extension Creator UID", "Series Number",
    "Transfer Syntax UID", "Media Storage SOP Class UID",
)  # fmt: skip
"""Attributes whose names would be taken for identifiers, and which are the same for everybody."""


def identifying(column: str) -> str | None:
    """The kind of identifier that an attribute of this name is, "" for one known to be none, None where unknown."""
    return "" if column in _NOT_PEOPLE else _KINDS.get(column)


PATHS_OF_FILES: Final = "names of files and folders"
"""Often carry the names or numbers of patients, and are therefore looked at like them."""
_PATHS: Final = ("Filename", "FilePath", "_original_filename")


def pointing_at(column: str) -> str:
    """The kind of identifier that a column of this name holds, whatever table a pod makes of files; "" for none."""
    if column in _PATHS:
        return PATHS_OF_FILES
    known = identifying(column)
    return suspected(column) if known is None else known
