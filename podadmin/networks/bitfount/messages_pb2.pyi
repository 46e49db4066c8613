# mypy: disable-error-code="type-arg"
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TaskTransferRequests(_message.Message):
    __slots__ = ("podTasks", "projectId", "multipartUpload")
    PODTASKS_FIELD_NUMBER: _ClassVar[int]
    PROJECTID_FIELD_NUMBER: _ClassVar[int]
    MULTIPARTUPLOAD_FIELD_NUMBER: _ClassVar[int]
    podTasks: _containers.RepeatedCompositeFieldContainer[TaskTransferRequest]
    projectId: str
    multipartUpload: bool
    def __init__(self, podTasks: _Optional[_Iterable[_Union[TaskTransferRequest, _Mapping]]] = ..., projectId: _Optional[str] = ..., multipartUpload: _Optional[bool] = ...) -> None: ...

class TaskTransferRequest(_message.Message):
    __slots__ = ("podIdentifier", "contentSize")
    PODIDENTIFIER_FIELD_NUMBER: _ClassVar[int]
    CONTENTSIZE_FIELD_NUMBER: _ClassVar[int]
    podIdentifier: str
    contentSize: int
    def __init__(self, podIdentifier: _Optional[str] = ..., contentSize: _Optional[int] = ...) -> None: ...

class TaskTransferMetadata(_message.Message):
    __slots__ = ("taskStorage", "taskId")
    TASKSTORAGE_FIELD_NUMBER: _ClassVar[int]
    TASKID_FIELD_NUMBER: _ClassVar[int]
    taskStorage: _containers.RepeatedCompositeFieldContainer[BlobStorageData]
    taskId: str
    def __init__(self, taskStorage: _Optional[_Iterable[_Union[BlobStorageData, _Mapping]]] = ..., taskId: _Optional[str] = ...) -> None: ...

class PodData(_message.Message):
    __slots__ = ("podName", "processor", "podOS", "cpuCount", "totalMemoryBytes", "gpuCount", "gpuName", "datasetNames", "instanceId")
    PODNAME_FIELD_NUMBER: _ClassVar[int]
    PROCESSOR_FIELD_NUMBER: _ClassVar[int]
    PODOS_FIELD_NUMBER: _ClassVar[int]
    CPUCOUNT_FIELD_NUMBER: _ClassVar[int]
    TOTALMEMORYBYTES_FIELD_NUMBER: _ClassVar[int]
    GPUCOUNT_FIELD_NUMBER: _ClassVar[int]
    GPUNAME_FIELD_NUMBER: _ClassVar[int]
    DATASETNAMES_FIELD_NUMBER: _ClassVar[int]
    INSTANCEID_FIELD_NUMBER: _ClassVar[int]
    podName: str
    processor: str
    podOS: str
    cpuCount: int
    totalMemoryBytes: int
    gpuCount: int
    gpuName: str
    datasetNames: _containers.RepeatedScalarFieldContainer[str]
    instanceId: str
    def __init__(self, podName: _Optional[str] = ..., processor: _Optional[str] = ..., podOS: _Optional[str] = ..., cpuCount: _Optional[int] = ..., totalMemoryBytes: _Optional[int] = ..., gpuCount: _Optional[int] = ..., gpuName: _Optional[str] = ..., datasetNames: _Optional[_Iterable[str]] = ..., instanceId: _Optional[str] = ...) -> None: ...

class BitfountTask(_message.Message):
    __slots__ = ("podIdentifier", "encryptedTask", "taskURL", "multipartUploadMetadata")
    PODIDENTIFIER_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTEDTASK_FIELD_NUMBER: _ClassVar[int]
    TASKURL_FIELD_NUMBER: _ClassVar[int]
    MULTIPARTUPLOADMETADATA_FIELD_NUMBER: _ClassVar[int]
    podIdentifier: str
    encryptedTask: bytes
    taskURL: bytes
    multipartUploadMetadata: MultipartUploadMetadata
    def __init__(self, podIdentifier: _Optional[str] = ..., encryptedTask: _Optional[bytes] = ..., taskURL: _Optional[bytes] = ..., multipartUploadMetadata: _Optional[_Union[MultipartUploadMetadata, _Mapping]] = ...) -> None: ...

class BitfountTasks(_message.Message):
    __slots__ = ("tasks", "taskId", "projectId", "taskMetadata")
    TASKS_FIELD_NUMBER: _ClassVar[int]
    TASKID_FIELD_NUMBER: _ClassVar[int]
    PROJECTID_FIELD_NUMBER: _ClassVar[int]
    TASKMETADATA_FIELD_NUMBER: _ClassVar[int]
    tasks: _containers.RepeatedCompositeFieldContainer[BitfountTask]
    taskId: str
    projectId: str
    taskMetadata: TaskMetadata
    def __init__(self, tasks: _Optional[_Iterable[_Union[BitfountTask, _Mapping]]] = ..., taskId: _Optional[str] = ..., projectId: _Optional[str] = ..., taskMetadata: _Optional[_Union[TaskMetadata, _Mapping]] = ...) -> None: ...

class TaskMetadata(_message.Message):
    __slots__ = ("protocol", "algorithm", "aggregator", "model", "epsilon", "delta", "task_run_metadata")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    AGGREGATOR_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    TASK_RUN_METADATA_FIELD_NUMBER: _ClassVar[int]
    protocol: str
    algorithm: str
    aggregator: str
    model: str
    epsilon: str
    delta: str
    task_run_metadata: str
    def __init__(self, protocol: _Optional[str] = ..., algorithm: _Optional[str] = ..., aggregator: _Optional[str] = ..., model: _Optional[str] = ..., epsilon: _Optional[str] = ..., delta: _Optional[str] = ..., task_run_metadata: _Optional[str] = ...) -> None: ...

class CommunicationDetails(_message.Message):
    __slots__ = ("mailboxId", "podMailboxIds", "taskId", "computeClusterId")
    class PodMailboxIdsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    MAILBOXID_FIELD_NUMBER: _ClassVar[int]
    PODMAILBOXIDS_FIELD_NUMBER: _ClassVar[int]
    TASKID_FIELD_NUMBER: _ClassVar[int]
    COMPUTECLUSTERID_FIELD_NUMBER: _ClassVar[int]
    mailboxId: str
    podMailboxIds: _containers.ScalarMap[str, str]
    taskId: str
    computeClusterId: str
    def __init__(self, mailboxId: _Optional[str] = ..., podMailboxIds: _Optional[_Mapping[str, str]] = ..., taskId: _Optional[str] = ..., computeClusterId: _Optional[str] = ...) -> None: ...

class BitfountMessage(_message.Message):
    __slots__ = ("messageType", "body", "recipient", "recipientMailboxId", "sender", "senderMailboxId", "timestamp", "podMailboxIds", "receiptHandle", "taskId", "messageMetadata", "multipartUploadMetadata", "sequenceNumber", "algorithmIdentifierMeta")
    class MessageType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        UNDEFINED: _ClassVar[BitfountMessage.MessageType]
        ALGORITHM_EXCHANGE: _ClassVar[BitfountMessage.MessageType]
        JOB_REQUEST: _ClassVar[BitfountMessage.MessageType]
        JOB_ACCEPT: _ClassVar[BitfountMessage.MessageType]
        JOB_REJECT: _ClassVar[BitfountMessage.MessageType]
        TRAINING_UPDATE: _ClassVar[BitfountMessage.MessageType]
        TRAINING_COMPLETE: _ClassVar[BitfountMessage.MessageType]
        EVALUATION_RESULTS: _ClassVar[BitfountMessage.MessageType]
        SECURE_SHARE: _ClassVar[BitfountMessage.MessageType]
        MODEL_PARAMETERS: _ClassVar[BitfountMessage.MessageType]
        TASK_ABORT: _ClassVar[BitfountMessage.MessageType]
        LARGE_OBJECT_STORAGE_REQUEST: _ClassVar[BitfountMessage.MessageType]
        KEY_EXCHANGE: _ClassVar[BitfountMessage.MessageType]
        POD_DATA: _ClassVar[BitfountMessage.MessageType]
        SAML_REQUEST: _ClassVar[BitfountMessage.MessageType]
        SAML_RESPONSE: _ClassVar[BitfountMessage.MessageType]
        LOG_MESSAGE: _ClassVar[BitfountMessage.MessageType]
        TRAINING_METRICS: _ClassVar[BitfountMessage.MessageType]
        TASK_COMPLETE: _ClassVar[BitfountMessage.MessageType]
        OIDC_CHALLENGE: _ClassVar[BitfountMessage.MessageType]
        OIDC_AFC_PKCE_RESPONSE: _ClassVar[BitfountMessage.MessageType]
        OIDC_DEVICE_CODE_RESPONSE: _ClassVar[BitfountMessage.MessageType]
        ONLINE_CHECK: _ClassVar[BitfountMessage.MessageType]
        ONLINE_RESPONSE: _ClassVar[BitfountMessage.MessageType]
        PSI_DATASET: _ClassVar[BitfountMessage.MessageType]
        TASK_START: _ClassVar[BitfountMessage.MessageType]
        NUMBER_OF_BATCHES: _ClassVar[BitfountMessage.MessageType]
        MODEL_PROMPT: _ClassVar[BitfountMessage.MessageType]
        MODEL_RESPONSE: _ClassVar[BitfountMessage.MessageType]
        BATCHES_COMPLETE: _ClassVar[BitfountMessage.MessageType]
        CURRENT_BATCH_ID: _ClassVar[BitfountMessage.MessageType]
        WORKER_REQUEST: _ClassVar[BitfountMessage.MessageType]
        MODELLER_RESPONSE: _ClassVar[BitfountMessage.MessageType]
        TRANSFER_RECEIPT: _ClassVar[BitfountMessage.MessageType]
        TASK_CANCEL: _ClassVar[BitfountMessage.MessageType]
        PREPARING_DATA: _ClassVar[BitfountMessage.MessageType]
        CONFIGURING_TASK: _ClassVar[BitfountMessage.MessageType]
        PREPARING_DATA_BATCHES: _ClassVar[BitfountMessage.MessageType]
        DATASET_PROJECT_LINKED: _ClassVar[BitfountMessage.MessageType]
        JOB_REQUEST_FROM_HUB: _ClassVar[BitfountMessage.MessageType]
    UNDEFINED: BitfountMessage.MessageType
    ALGORITHM_EXCHANGE: BitfountMessage.MessageType
    JOB_REQUEST: BitfountMessage.MessageType
    JOB_ACCEPT: BitfountMessage.MessageType
    JOB_REJECT: BitfountMessage.MessageType
    TRAINING_UPDATE: BitfountMessage.MessageType
    TRAINING_COMPLETE: BitfountMessage.MessageType
    EVALUATION_RESULTS: BitfountMessage.MessageType
    SECURE_SHARE: BitfountMessage.MessageType
    MODEL_PARAMETERS: BitfountMessage.MessageType
    TASK_ABORT: BitfountMessage.MessageType
    LARGE_OBJECT_STORAGE_REQUEST: BitfountMessage.MessageType
    KEY_EXCHANGE: BitfountMessage.MessageType
    POD_DATA: BitfountMessage.MessageType
    SAML_REQUEST: BitfountMessage.MessageType
    SAML_RESPONSE: BitfountMessage.MessageType
    LOG_MESSAGE: BitfountMessage.MessageType
    TRAINING_METRICS: BitfountMessage.MessageType
    TASK_COMPLETE: BitfountMessage.MessageType
    OIDC_CHALLENGE: BitfountMessage.MessageType
    OIDC_AFC_PKCE_RESPONSE: BitfountMessage.MessageType
    OIDC_DEVICE_CODE_RESPONSE: BitfountMessage.MessageType
    ONLINE_CHECK: BitfountMessage.MessageType
    ONLINE_RESPONSE: BitfountMessage.MessageType
    PSI_DATASET: BitfountMessage.MessageType
    TASK_START: BitfountMessage.MessageType
    NUMBER_OF_BATCHES: BitfountMessage.MessageType
    MODEL_PROMPT: BitfountMessage.MessageType
    MODEL_RESPONSE: BitfountMessage.MessageType
    BATCHES_COMPLETE: BitfountMessage.MessageType
    CURRENT_BATCH_ID: BitfountMessage.MessageType
    WORKER_REQUEST: BitfountMessage.MessageType
    MODELLER_RESPONSE: BitfountMessage.MessageType
    TRANSFER_RECEIPT: BitfountMessage.MessageType
    TASK_CANCEL: BitfountMessage.MessageType
    PREPARING_DATA: BitfountMessage.MessageType
    CONFIGURING_TASK: BitfountMessage.MessageType
    PREPARING_DATA_BATCHES: BitfountMessage.MessageType
    DATASET_PROJECT_LINKED: BitfountMessage.MessageType
    JOB_REQUEST_FROM_HUB: BitfountMessage.MessageType
    class PodMailboxIdsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    MESSAGETYPE_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_FIELD_NUMBER: _ClassVar[int]
    RECIPIENTMAILBOXID_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    SENDERMAILBOXID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    PODMAILBOXIDS_FIELD_NUMBER: _ClassVar[int]
    RECEIPTHANDLE_FIELD_NUMBER: _ClassVar[int]
    TASKID_FIELD_NUMBER: _ClassVar[int]
    MESSAGEMETADATA_FIELD_NUMBER: _ClassVar[int]
    MULTIPARTUPLOADMETADATA_FIELD_NUMBER: _ClassVar[int]
    SEQUENCENUMBER_FIELD_NUMBER: _ClassVar[int]
    ALGORITHMIDENTIFIERMETA_FIELD_NUMBER: _ClassVar[int]
    messageType: BitfountMessage.MessageType
    body: bytes
    recipient: str
    recipientMailboxId: str
    sender: str
    senderMailboxId: str
    timestamp: str
    podMailboxIds: _containers.ScalarMap[str, str]
    receiptHandle: str
    taskId: str
    messageMetadata: MessageMetadata
    multipartUploadMetadata: MultipartUploadMetadata
    sequenceNumber: int
    algorithmIdentifierMeta: AlgorithmIdentifierMeta
    def __init__(self, messageType: _Optional[_Union[BitfountMessage.MessageType, str]] = ..., body: _Optional[bytes] = ..., recipient: _Optional[str] = ..., recipientMailboxId: _Optional[str] = ..., sender: _Optional[str] = ..., senderMailboxId: _Optional[str] = ..., timestamp: _Optional[str] = ..., podMailboxIds: _Optional[_Mapping[str, str]] = ..., receiptHandle: _Optional[str] = ..., taskId: _Optional[str] = ..., messageMetadata: _Optional[_Union[MessageMetadata, _Mapping]] = ..., multipartUploadMetadata: _Optional[_Union[MultipartUploadMetadata, _Mapping]] = ..., sequenceNumber: _Optional[int] = ..., algorithmIdentifierMeta: _Optional[_Union[AlgorithmIdentifierMeta, _Mapping]] = ...) -> None: ...

class MultipartUploadMetadata(_message.Message):
    __slots__ = ("key", "uploadId", "multipartUploadParts")
    KEY_FIELD_NUMBER: _ClassVar[int]
    UPLOADID_FIELD_NUMBER: _ClassVar[int]
    MULTIPARTUPLOADPARTS_FIELD_NUMBER: _ClassVar[int]
    key: str
    uploadId: str
    multipartUploadParts: _containers.RepeatedCompositeFieldContainer[MultipartUploadPart]
    def __init__(self, key: _Optional[str] = ..., uploadId: _Optional[str] = ..., multipartUploadParts: _Optional[_Iterable[_Union[MultipartUploadPart, _Mapping]]] = ...) -> None: ...

class MultipartUploadPart(_message.Message):
    __slots__ = ("ETag", "PartNumber")
    ETAG_FIELD_NUMBER: _ClassVar[int]
    PARTNUMBER_FIELD_NUMBER: _ClassVar[int]
    ETag: str
    PartNumber: int
    def __init__(self, ETag: _Optional[str] = ..., PartNumber: _Optional[int] = ...) -> None: ...

class MessageMetadata(_message.Message):
    __slots__ = ("reason", "taskNotification", "resourcesConsumed", "algorithmIdentifierMeta")
    class Reason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        WORKER_ERROR: _ClassVar[MessageMetadata.Reason]
        NO_NEW_DATA: _ClassVar[MessageMetadata.Reason]
        MODELLER_TIMEOUT: _ClassVar[MessageMetadata.Reason]
        NO_DATA: _ClassVar[MessageMetadata.Reason]
        LIMITS_EXCEEDED: _ClassVar[MessageMetadata.Reason]
        TASK_COMPLETE_MODELLER_TIMEOUT: _ClassVar[MessageMetadata.Reason]
        DATA_NOT_AVAILABLE: _ClassVar[MessageMetadata.Reason]
        CANCELLED_BY_MODELLER: _ClassVar[MessageMetadata.Reason]
        EHR_ERROR: _ClassVar[MessageMetadata.Reason]
        INVALID_SIGNATURE: _ClassVar[MessageMetadata.Reason]
        STALE_REQUEST: _ClassVar[MessageMetadata.Reason]
    WORKER_ERROR: MessageMetadata.Reason
    NO_NEW_DATA: MessageMetadata.Reason
    MODELLER_TIMEOUT: MessageMetadata.Reason
    NO_DATA: MessageMetadata.Reason
    LIMITS_EXCEEDED: MessageMetadata.Reason
    TASK_COMPLETE_MODELLER_TIMEOUT: MessageMetadata.Reason
    DATA_NOT_AVAILABLE: MessageMetadata.Reason
    CANCELLED_BY_MODELLER: MessageMetadata.Reason
    EHR_ERROR: MessageMetadata.Reason
    INVALID_SIGNATURE: MessageMetadata.Reason
    STALE_REQUEST: MessageMetadata.Reason
    REASON_FIELD_NUMBER: _ClassVar[int]
    TASKNOTIFICATION_FIELD_NUMBER: _ClassVar[int]
    RESOURCESCONSUMED_FIELD_NUMBER: _ClassVar[int]
    ALGORITHMIDENTIFIERMETA_FIELD_NUMBER: _ClassVar[int]
    reason: MessageMetadata.Reason
    taskNotification: TaskNotification
    resourcesConsumed: _containers.RepeatedCompositeFieldContainer[ResourcesConsumed]
    algorithmIdentifierMeta: AlgorithmIdentifierMeta
    def __init__(self, reason: _Optional[_Union[MessageMetadata.Reason, str]] = ..., taskNotification: _Optional[_Union[TaskNotification, _Mapping]] = ..., resourcesConsumed: _Optional[_Iterable[_Union[ResourcesConsumed, _Mapping]]] = ..., algorithmIdentifierMeta: _Optional[_Union[AlgorithmIdentifierMeta, _Mapping]] = ...) -> None: ...

class AlgorithmIdentifierMeta(_message.Message):
    __slots__ = ("batchNumber", "totalBatches", "algorithmName", "algorithmIndex", "totalAlgorithms")
    BATCHNUMBER_FIELD_NUMBER: _ClassVar[int]
    TOTALBATCHES_FIELD_NUMBER: _ClassVar[int]
    ALGORITHMNAME_FIELD_NUMBER: _ClassVar[int]
    ALGORITHMINDEX_FIELD_NUMBER: _ClassVar[int]
    TOTALALGORITHMS_FIELD_NUMBER: _ClassVar[int]
    batchNumber: int
    totalBatches: int
    algorithmName: str
    algorithmIndex: int
    totalAlgorithms: int
    def __init__(self, batchNumber: _Optional[int] = ..., totalBatches: _Optional[int] = ..., algorithmName: _Optional[str] = ..., algorithmIndex: _Optional[int] = ..., totalAlgorithms: _Optional[int] = ...) -> None: ...

class TaskNotification(_message.Message):
    __slots__ = ("message", "email")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    message: str
    email: bool
    def __init__(self, message: _Optional[str] = ..., email: _Optional[bool] = ...) -> None: ...

class ResourcesConsumed(_message.Message):
    __slots__ = ("resourceType", "resourceIdentifier", "amount")
    class ResourceType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MODEL_INFERENCE: _ClassVar[ResourcesConsumed.ResourceType]
    MODEL_INFERENCE: ResourcesConsumed.ResourceType
    RESOURCETYPE_FIELD_NUMBER: _ClassVar[int]
    RESOURCEIDENTIFIER_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    resourceType: ResourcesConsumed.ResourceType
    resourceIdentifier: str
    amount: float
    def __init__(self, resourceType: _Optional[_Union[ResourcesConsumed.ResourceType, str]] = ..., resourceIdentifier: _Optional[str] = ..., amount: _Optional[float] = ...) -> None: ...

class Acknowledgement(_message.Message):
    __slots__ = ("mailboxId", "receiptHandle", "deleteMailbox")
    MAILBOXID_FIELD_NUMBER: _ClassVar[int]
    RECEIPTHANDLE_FIELD_NUMBER: _ClassVar[int]
    DELETEMAILBOX_FIELD_NUMBER: _ClassVar[int]
    mailboxId: str
    receiptHandle: str
    deleteMailbox: bool
    def __init__(self, mailboxId: _Optional[str] = ..., receiptHandle: _Optional[str] = ..., deleteMailbox: _Optional[bool] = ...) -> None: ...

class SuccessResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LargeStorageRequest(_message.Message):
    __slots__ = ("senderMailboxId", "podName", "contentSize", "taskId", "multipartUpload")
    SENDERMAILBOXID_FIELD_NUMBER: _ClassVar[int]
    PODNAME_FIELD_NUMBER: _ClassVar[int]
    CONTENTSIZE_FIELD_NUMBER: _ClassVar[int]
    TASKID_FIELD_NUMBER: _ClassVar[int]
    MULTIPARTUPLOAD_FIELD_NUMBER: _ClassVar[int]
    senderMailboxId: str
    podName: str
    contentSize: int
    taskId: str
    multipartUpload: bool
    def __init__(self, senderMailboxId: _Optional[str] = ..., podName: _Optional[str] = ..., contentSize: _Optional[int] = ..., taskId: _Optional[str] = ..., multipartUpload: _Optional[bool] = ...) -> None: ...

class BlobStorageData(_message.Message):
    __slots__ = ("uploadUrl", "downloadUrl", "uploadFields", "podIdentifier", "uploadId", "key", "uploadUrls", "chunkSize")
    class UploadFieldsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    UPLOADURL_FIELD_NUMBER: _ClassVar[int]
    DOWNLOADURL_FIELD_NUMBER: _ClassVar[int]
    UPLOADFIELDS_FIELD_NUMBER: _ClassVar[int]
    PODIDENTIFIER_FIELD_NUMBER: _ClassVar[int]
    UPLOADID_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    UPLOADURLS_FIELD_NUMBER: _ClassVar[int]
    CHUNKSIZE_FIELD_NUMBER: _ClassVar[int]
    uploadUrl: str
    downloadUrl: str
    uploadFields: _containers.ScalarMap[str, str]
    podIdentifier: str
    uploadId: str
    key: str
    uploadUrls: _containers.RepeatedScalarFieldContainer[str]
    chunkSize: int
    def __init__(self, uploadUrl: _Optional[str] = ..., downloadUrl: _Optional[str] = ..., uploadFields: _Optional[_Mapping[str, str]] = ..., podIdentifier: _Optional[str] = ..., uploadId: _Optional[str] = ..., key: _Optional[str] = ..., uploadUrls: _Optional[_Iterable[str]] = ..., chunkSize: _Optional[int] = ...) -> None: ...

class DiagnosticsParameters(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ServiceDiagnostics(_message.Message):
    __slots__ = ("testDataDownloadUrl",)
    TESTDATADOWNLOADURL_FIELD_NUMBER: _ClassVar[int]
    testDataDownloadUrl: str
    def __init__(self, testDataDownloadUrl: _Optional[str] = ...) -> None: ...
