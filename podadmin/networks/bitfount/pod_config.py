"""The configuration of a pod of the Bitfount network, every field of it (bitfount contract, section 1).

Values and their rules, stricter than the real software where that one only complains later: whole names have to match,
paths are absolute, a filter stands only where it is allowed, and a secret is a variable's name and never a value.
Reading and writing the file is the business of `podadmin.pod.yaml_config`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny, model_validator

from podadmin.networks.bitfount.config_values import (
    Address,
    Date,
    HiddenText,
    Place,
    PodName,
    Username,
)
from podadmin.networks.bitfount.source_args import ARGS, FILTERED, SourceArgs

FhirProvider = Literal[
    "nextech intellechartpro r4", "smarthealthit r4", "epic r4", "modmed r4", "generic r4", "advancedmd r4"
]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class APIKeys(_Part):
    """How the pod proves itself to the hub, or to its health record system."""

    access_key_id: HiddenText
    access_key: HiddenText


class HubUrl(_Part):
    url: Address = "https://hub.bitfount.com"


class AccessManagerUrl(_Part):
    url: Address = "https://am.hub.bitfount.com"


class MessageServiceConfig(_Part):
    """Where messages are polled. Without TLS only for a service that is not the public one."""

    url: str = Field(default="messaging.bitfount.com", pattern=r"^[A-Za-z0-9.\-\[\]:]+$", max_length=300)
    port: int = Field(default=443, ge=1, le=65535)
    tls: bool = True
    use_local_storage: bool = False

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        if not self.tls and self.url.endswith(".bitfount.com"):
            raise ValueError("the public message service is reached with TLS only")
        return self


class DPPodConfig(_Part):
    """The most that a requester who uses differential privacy may ask for. No protection by itself."""

    epsilon: float = Field(gt=0, allow_inf_nan=False)
    delta: float = Field(default=1e-6, ge=0, le=1, allow_inf_nan=False)


class PodDbConfig(_Part):
    path: Place


class PodDetailsConfig(_Part):
    """What the hub shows of a datasource."""

    display_name: str
    description: str = ""


class FileSystemFilterConfig(_Part):
    """Which files of a folder are taken. Sizes in megabytes."""

    file_extension: str | tuple[str, ...] | None = None
    strict_file_extension: bool = False
    file_creation_min_date: Date | None = None
    file_creation_max_date: Date | None = None
    file_modification_min_date: Date | None = None
    file_modification_max_date: Date | None = None
    min_file_size: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    max_file_size: float | None = Field(default=None, ge=0, allow_inf_nan=False)


class PercentageSplitter(_Part):
    validation_percentage: int | None = Field(default=None, ge=0, le=100)
    test_percentage: int | None = Field(default=None, ge=0, le=100)
    shuffle: bool | None = None
    seed: int | None = None
    iterative_splitting: bool | None = None
    time_series_sort_by: str | tuple[str, ...] | None = None


class SplitterDefinedInData(_Part):
    column_name: str | None = None
    training_set_label: str | None = None
    validation_set_label: str | None = None
    test_set_label: str | None = None
    infer_data_split_labels: bool | None = None


class DataSplitConfig(_Part):
    """How records are divided into those for training, for validation and for tests."""

    data_splitter: Literal["percentage", "predefined"] = "percentage"
    args: PercentageSplitter | SplitterDefinedInData = PercentageSplitter()

    @model_validator(mode="before")
    @classmethod
    def _of_its_kind(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("args", {}), dict):
            kind = SplitterDefinedInData if value.get("data_splitter") == "predefined" else PercentageSplitter
            return {**value, "args": kind.model_validate(value.get("args", {}))}
        return value


class DataPathModifiers(_Part):
    """What is put before and after the paths that stand in a column."""

    prefix: str | None = None
    suffix: str | None = None


class PodDataConfig(_Part):
    """What a pod is told about the data of one datasource."""

    force_stypes: dict[str, tuple[str, ...]] | dict[str, dict[str, tuple[str, ...]]] | None = None
    column_descriptions: dict[str, str] | dict[str, dict[str, str]] | None = None
    table_descriptions: dict[str, str] | None = None
    description: str | None = None
    ignore_cols: tuple[str, ...] | dict[str, tuple[str, ...]] | None = None
    modifiers: dict[str, DataPathModifiers] | None = None
    datasource_args: SerializeAsAny[SourceArgs] = SourceArgs()
    data_split: DataSplitConfig | None = None
    auto_tidy: bool = False
    file_system_filters: FileSystemFilterConfig | None = None


def _unprefixed(value: Any) -> Any:
    # with the prefix the real software refuses filters (BIT-6091)
    return value.removeprefix("bitfount.") if isinstance(value, str) else value


class DatasourceConfig(_Part):
    """One datasource of a pod. `data_config.datasource_args` are those of its kind."""

    datasource: Annotated[str, BeforeValidator(_unprefixed), Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
    name: PodName
    data_config: PodDataConfig = PodDataConfig()
    datasource_details_config: PodDetailsConfig | None = None
    schema_path: Place | None = Field(default=None, alias="schema")

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)

    @model_validator(mode="before")
    @classmethod
    def _args_of_the_kind(cls, value: Any) -> Any:
        if not isinstance(value, dict) or not isinstance(value.get("data_config", {}), dict):
            return value
        data = dict(value.get("data_config", {}))
        given, kind = data.get("datasource_args", {}), _unprefixed(value.get("datasource"))
        if isinstance(given, dict) and isinstance(kind, str):
            data["datasource_args"] = args_of(kind, given)
        return {**value, "data_config": data}

    @model_validator(mode="after")
    def _filtered_where_allowed(self) -> Self:
        if self.data_config.file_system_filters is not None and self.datasource not in FILTERED:
            raise ValueError(f"a {self.datasource} takes no filter of files")
        return self


def args_of(kind: str, given: dict[str, Any]) -> SourceArgs:
    """The arguments of a datasource of this kind. A plugin's have to fit the table of some kind: others cannot be told.

    Raises ValueError.
    """
    known = ARGS.get(kind)
    if known is not None:
        return known.model_validate(given)
    for each in ARGS.values():
        try:
            return each.model_validate(given)
        except ValueError:
            continue
    raise ValueError("the arguments of this plugin cannot be written in a configuration")


class NextGenEHRConfig(_Part):
    provider: Literal["nextgen enterprise"]
    base_url: Address
    list_resource_ids: tuple[str, ...] | None = None
    enterprise_url: Address | None = None
    smart_on_fhir_url: Address | None = None
    smart_on_fhir_resource_server_url: Address | None = None


class SMARTStandaloneEHRConfig(_Part):
    provider: FhirProvider
    base_url: Address
    list_resource_ids: tuple[str, ...] | None = None


class SMARTBackendKeyPair(_Part):
    public_key: str
    private_key: HiddenText
    kid: str
    alg: str = Field(default="RS384", pattern=r"^(?i:RS384|ES384)$")


class SMARTBackendEHRConfig(_Part):
    provider: FhirProvider
    base_url: Address
    client_id: str
    scopes: tuple[str, ...]
    key_pair: SMARTBackendKeyPair | None = None
    list_resource_ids: tuple[str, ...] | None = None


EHRConfig = NextGenEHRConfig | SMARTStandaloneEHRConfig | SMARTBackendEHRConfig


class PodConfig(_Part):
    """The whole configuration. `pod_db` true means the folder from which the pod happens to be started."""

    name: PodName
    username: Username = "_default"
    secrets: APIKeys | dict[Literal["bitfount", "ehr"], APIKeys] | None = None
    datasources: tuple[DatasourceConfig, ...] | None = None
    access_manager: AccessManagerUrl = AccessManagerUrl()
    hub: HubUrl = HubUrl()
    message_service: MessageServiceConfig = MessageServiceConfig()
    differential_privacy: DPPodConfig | None = None
    approved_pods: tuple[str, ...] | None = None
    update_schema: bool = False
    pod_db: bool | PodDbConfig = False
    show_datapoints_with_results_in_db: bool = True
    version: str | None = None
    ehr_config: EHRConfig | None = None
    config_reload_file_poll_interval_seconds: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    cluster_id: str | None = None

    @model_validator(mode="after")
    def _no_name_twice(self) -> Self:
        names = [each.name for each in self.datasources or ()]
        if len(names) != len(set(names)):
            raise ValueError("two datasources have the same name")
        return self

    @property
    def identifier(self) -> str:
        return f"{self.username}/{self.name}"


def said(part: BaseModel) -> dict[str, Any]:
    """What a part says beyond the defaults, JSON-ready but for references: no nulls, nothing that need not stand there.

    A part that only says its defaults is an empty mapping; the caller leaves it out.
    """
    return part.model_dump(mode="python", by_alias=True, exclude_none=True, exclude_defaults=True)
