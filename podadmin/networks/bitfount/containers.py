"""What the software of the Bitfount network hands from part to part, by its own names (`bitfount.types`).

Here they carry this application's own values: a datasource is `podadmin.datasources.model.Datasource`, a schema is
`podadmin.schema.model.Document`. What is *minimal* is JSON-ready and holds no more than its use needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from podadmin.core.canon import JSON
from podadmin.core.secret import Secret
from podadmin.datasources.model import Datasource
from podadmin.networks.bitfount.hub import HubClient
from podadmin.networks.bitfount.pod_config import (
    DatasourceConfig,
    DataSplitConfig,
    FileSystemFilterConfig,
    PodDataConfig,
    PodDetailsConfig,
    said,
)
from podadmin.networks.service import ApiKey
from podadmin.schema.config import GenerationConfig
from podadmin.schema.model import Document


@dataclass(frozen=True)
class HubConfig:
    """Who asks a hub. `secrets` is an API key or an access token; `session` stands in the place of both."""

    username: str | None
    secrets: ApiKey | Secret[str] | None
    session: HubClient | None = None
    session_info: Mapping[str, Any] | None = None

    def headers(self) -> dict[str, str]:
        """How each question proves who asks. The hub takes the part of an API key before its colon only."""
        if isinstance(self.secrets, ApiKey):
            return {"x-api-key-id": self.secrets.id, "x-api-key": self.secrets.key.reveal().partition(":")[0]}
        if self.secrets is not None:
            return {"authorization": f"Bearer {self.secrets.reveal()}"}
        return {}

    def client(self, url: str) -> HubClient:
        """A client of the hub at `url`. Raises Refused (`hub.needs-tls`)."""
        return self.session if self.session is not None else HubClient(url, self.headers())


@dataclass(frozen=True)
class DatasourceContainerConfig:
    """A datasource before it was looked at: what else is known of it may be missing."""

    name: str
    datasource: Datasource
    datasource_details: PodDetailsConfig | None = None
    data_config: PodDataConfig | None = None
    schema: Path | Document | None = None


@dataclass(frozen=True)
class DatasourceContainer:
    """A datasource with everything that is needed to offer it."""

    name: str
    datasource: Datasource
    datasource_details: PodDetailsConfig
    data_config: PodDataConfig
    schema: Document

    @classmethod
    def completed(cls, config: DatasourceContainerConfig, schema: Document) -> DatasourceContainer:
        """The container of a datasource whose schema is known: what was not said is filled in as the field does."""
        details = config.datasource_details or PodDetailsConfig(display_name=config.name, description=config.name)
        return cls(config.name, config.datasource, details, config.data_config or PodDataConfig(), schema)


@dataclass(frozen=True)
class MinimalDatasourceConfig:
    """What it takes to make a datasource again in another process."""

    datasource_cls_name: str
    name: str
    datasource_args: JSON
    file_system_filters: FileSystemFilterConfig | None
    data_split: DataSplitConfig | None
    is_reconnection: bool = False

    @classmethod
    def of(cls, config: DatasourceConfig) -> MinimalDatasourceConfig:
        data = config.data_config
        return cls(
            config.datasource,
            config.name,
            said(data.datasource_args),
            data.file_system_filters,
            data.data_split,
        )


@dataclass(frozen=True)
class MinimalSchemaGenerationConfig:
    """What it takes to generate a schema. `podadmin.schema.config` reads and judges it."""

    datasource_name: str
    description: str | None = None
    column_descriptions: Mapping[str, Mapping[str, str]] | Mapping[str, str] | None = None
    ignore_cols: list[str] | None = None
    force_stypes: Mapping[str, list[str]] | None = None

    @classmethod
    def of(cls, config: GenerationConfig) -> MinimalSchemaGenerationConfig:
        return cls(**config.as_dict())

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class FileProcessingMetadata:
    """How many files of a folder could be used, and why others were not (bitfount contract, section 7)."""

    total_files_found: int
    total_files_successfully_processed: int
    total_files_skipped: int
    files_with_errors: int = 0
    skip_reasons: Mapping[str, int] = field(default_factory=dict)
    additional_metrics: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """By the names of the wire."""
        return {
            "totalFilesFound": self.total_files_found,
            "totalFilesSuccessfullyProcessed": self.total_files_successfully_processed,
            "totalFilesSkipped": self.total_files_skipped,
            "filesWithErrors": self.files_with_errors,
            "skipReasons": dict(self.skip_reasons),
            "additionalMetrics": dict(self.additional_metrics),
        }


@dataclass(frozen=True)
class PodPublicMetadata:
    """What everybody who may see the hub's entry of a datasource sees of it."""

    name: str
    display_name: str
    description: str
    schema: JSON
    number_of_records: int | None = None
    file_processing_metadata: FileProcessingMetadata | None = None

    @classmethod
    def of(cls, container: DatasourceContainer) -> PodPublicMetadata:
        """The entry of a datasource whose schema was released."""
        details = container.datasource_details
        return cls(
            container.name,
            details.display_name,
            details.description,
            container.schema.as_dict(),
            container.schema.records,
        )


@dataclass(frozen=True)
class MinimalSchemaUploadConfig:
    """What it takes to publish a schema. Both keys are OpenSSH lines, as the hub takes them."""

    public_metadata: PodPublicMetadata
    access_manager_public_key: str
    pod_public_key: str
