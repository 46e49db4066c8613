"""All kinds in one table: what each is, what podadmin reads of it, and the model of its fields.

The models are imported when a form is first needed: a list of datasources has to be on the screen before that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final, Literal

from podadmin.core.errors import NotFound
from podadmin.core.late import Late
from podadmin.core.text import stranger
from podadmin.datasources.model import ENGINES, Kind, Source

if TYPE_CHECKING:
    from podadmin.datasources.kinds import fields
    from podadmin.datasources.kinds.fields import Declared, FieldForm
else:
    fields = Late("podadmin.datasources.kinds.fields")

Reads = Literal["profile", "inventory", "nothing"]
Group = Literal["table", "database", "engine", "images", "eye", "service", "none"]
_FROM_POD: Final = (
    "Its format belongs to the maker of the camera: podadmin counts and watches the files, and the schema comes from "
    "the pod."
)
_HEADERS: Final = "podadmin reads the headers of the files and generates the schema from them."
_ENGINE: Final = "The engine counts for podadmin, which generates the schema without fetching the rows."
_SECRET_FORMS: Final = {
    "password": ("Password", "The password of the account. It is kept where secrets live, and nowhere else."),
    "token": ("Token", "The token of an account at the service, where it asks for one. It is kept where secrets live."),
}


@dataclass(frozen=True)
class KindDeclaration:
    """A kind. `words` say what it is, `reads_words` what podadmin does with it; `endings` of the files it is made of.

    `reads`: profile (its schema is generated here) | inventory (its files are counted; the schema comes from the
    pod) | nothing.
    """

    kind: Kind
    title: str
    words: str
    group: Group
    reads: Reads
    reads_words: str
    declared_in: str
    endings: tuple[str, ...] = ()

    @property
    def model(self) -> type[Declared]:
        """The declared fields."""
        module, name = self.declared_in.split(":")
        found: type[Declared] = getattr(import_module(f"podadmin.datasources.kinds.{module}"), name)
        return found

    def forms(self) -> tuple[FieldForm, ...]:
        """The fields as a form shows them; that of the secret stands behind the first one."""
        model = self.model
        found = fields.forms_of(model)
        if not model.SECRET:
            return found
        label, words = _SECRET_FORMS[model.SECRET]
        secret = fields.FieldForm(model.SECRET, label, words, "secret", (), "", False, "basic", ("", ""))
        return (found[0], secret, *found[1:])


KINDS: Final[tuple[KindDeclaration, ...]] = (
    KindDeclaration(
        Kind.CSV,
        "CSV file",
        "One text file of rows and cells.",
        "table",
        "profile",
        "podadmin reads the file and generates its schema.",
        "files:CsvFields",
        (".csv",),
    ),
    KindDeclaration(
        Kind.PARQUET,
        "Parquet file",
        "One table in a Parquet file. Bitfount's own pods do not know this kind.",
        "table",
        "profile",
        "podadmin reads the file and generates its schema.",
        "files:ParquetFields",
        (".parquet",),
    ),
    KindDeclaration(
        Kind.JSON_LINES,
        "JSON lines file",
        "One JSON object a line (NDJSON), as health record systems export. Bitfount's own pods do not know this kind.",
        "table",
        "profile",
        "podadmin reads the file and generates its schema. A value that is an object or a list is text in it.",
        "files:JsonLinesFields",
        (".ndjson", ".jsonl"),
    ),
    KindDeclaration(
        Kind.SQL,
        "Database table or query",
        "A table, a view or the rows of one SELECT of PostgreSQL, MySQL, MariaDB, SQL Server, Oracle or SQLite. "
        "Bitfount's own pods do not know this kind.",
        "database",
        "profile",
        "The database counts for podadmin, which generates the schema without fetching the rows.",
        "databases:SqlFields",
    ),
    KindDeclaration(
        Kind.OMOP,
        "OMOP database",
        "A database that follows the OMOP common data model.",
        "database",
        "profile",
        "The model as a whole has the schema of its version, which the pod knows. Where one table is chosen, the "
        "database counts for podadmin, which generates the schema without fetching the rows.",
        "databases:OmopFields",
    ),
    KindDeclaration(
        Kind.SPARK,
        "Spark table",
        "A table that Apache Spark knows, or Parquet files that it finds. Bitfount's own pods do not know this kind.",
        "engine",
        "profile",
        _ENGINE,
        "engines:SparkFields",
    ),
    KindDeclaration(
        Kind.TRINO,
        "Trino table",
        "A table or view of a Trino catalogue. Bitfount's own pods do not know this kind.",
        "engine",
        "profile",
        _ENGINE,
        "engines:TrinoFields",
    ),
    KindDeclaration(
        Kind.SNOWFLAKE,
        "Snowflake table",
        "A table or view in Snowflake, which bills the counting. Bitfount's own pods do not know this kind.",
        "engine",
        "profile",
        _ENGINE,
        "engines:SnowflakeFields",
    ),
    KindDeclaration(
        Kind.BIGQUERY,
        "BigQuery table",
        "A table or view in BigQuery, which bills the counting, read as the account of this computer. Pods of the "
        "field do not know this kind.",
        "engine",
        "profile",
        _ENGINE,
        "engines:BigQueryFields",
    ),
    KindDeclaration(
        Kind.IMAGE,
        "Images",
        "A folder of pictures: JPEG, PNG, BMP or TIFF.",
        "images",
        "profile",
        _HEADERS,
        "folders:ImageFields",
        (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"),
    ),
    KindDeclaration(
        Kind.NIFTI,
        "NIfTI volumes",
        "A folder of volumes in three or four dimensions.",
        "images",
        "profile",
        _HEADERS,
        "folders:NiftiFields",
        (".nii", ".nii.gz"),
    ),
    KindDeclaration(
        Kind.DICOM,
        "DICOM",
        "A folder of DICOM files.",
        "images",
        "profile",
        _HEADERS,
        "folders:DicomFields",
        (".dcm",),
    ),
    KindDeclaration(
        Kind.DICOM_OPHTHALMOLOGY,
        "DICOM of eyes",
        "A folder of DICOM files of eye cameras.",
        "eye",
        "profile",
        _HEADERS,
        "folders:DicomOphthalmologyFields",
        (".dcm",),
    ),
    KindDeclaration(
        Kind.HEIDELBERG,
        "Heidelberg SDB",
        "A folder of .sdb files of Heidelberg eye cameras.",
        "eye",
        "inventory",
        _FROM_POD,
        "folders:HeidelbergFields",
        (".sdb",),
    ),
    KindDeclaration(
        Kind.HEIDELBERG_E2E,
        "Heidelberg E2E",
        "A folder of .e2e files of Heidelberg eye cameras.",
        "eye",
        "inventory",
        _FROM_POD,
        "folders:HeidelbergE2EFields",
        (".e2e",),
    ),
    KindDeclaration(
        Kind.TOPCON,
        "Topcon FDA",
        "A folder of .fda files of Topcon eye cameras.",
        "eye",
        "inventory",
        _FROM_POD,
        "folders:TopconFields",
        (".fda",),
    ),
    KindDeclaration(
        Kind.INTERMINE,
        "InterMine",
        "The rows of a template query of an InterMine web service.",
        "service",
        "nothing",
        "podadmin asks the service whether it answers and knows the template; the schema comes from the pod.",
        "services:InterMineFields",
    ),
    KindDeclaration(
        Kind.NULL,
        "No data",
        "No data of its own: for a pod that works on health records only.",
        "none",
        "nothing",
        "There is nothing to read, and there is no schema.",
        "services:NullFields",
    ),
)
OURS: Final = frozenset({Kind.PARQUET, Kind.JSON_LINES, Kind.SQL, *ENGINES})
"""Kinds that pods of the field do not know."""
_BY_KIND: Final[Mapping[Kind, KindDeclaration]] = {each.kind: each for each in KINDS}


def declaration(kind: Kind) -> KindDeclaration:
    return _BY_KIND[kind]


def kind_named(name: str) -> Kind:
    """The kind of this name, as it is written in a pod's configuration or without `Source`, in any case of letters.

    Raises NotFound (`datasource.unknown-kind`).
    """
    wanted = name.strip().lower().removeprefix("bitfount.")
    for each in KINDS:
        full = each.kind.value.lower()
        if wanted in {full, full.removesuffix("source"), each.kind.name.lower()}:
            return each.kind
    raise NotFound(
        "datasource.unknown-kind",
        f"There is no kind of datasource “{stranger(name, 40)}”.",
        f"There are {', '.join(each.kind.value for each in KINDS)}.",
        "See what each of them is with `podadmin datasource kinds`.",
    )


def source_of(kind: Kind, values: Mapping[str, str], secret: str = "") -> Source:
    """The source that the texts of a form describe. Raises BadInput (`datasource.*`, see `fields.from_texts`)."""
    model = _BY_KIND[kind].model
    return fields.from_texts(model, values).source(secret)


def values_of(source: Source) -> dict[str, str]:
    """The texts that describe a source; `source_of` makes the same source of them."""
    return fields.to_texts(settings_of(source))


def settings_of(source: Source) -> Declared:
    """The declared fields of a source, for who writes a pod's configuration."""
    return _BY_KIND[source.kind].model.of(source)
