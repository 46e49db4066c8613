"""The vocabularies of the wire: message types, reasons, answers, ways to prove an identity, parts of a task.

Sources: bitfount contract, sections 5.1, 5.3, 5.4, 6.1 and 9. The numbers and names are what real peers parse.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum


class MessageType(IntEnum):
    """What a message is. Numbers that are not here exist on the wire too: see `type_name`."""

    UNDEFINED = 0
    ALGORITHM_EXCHANGE = 1
    JOB_REQUEST = 2
    JOB_ACCEPT = 3
    JOB_REJECT = 4
    TRAINING_UPDATE = 5
    TRAINING_COMPLETE = 6
    EVALUATION_RESULTS = 7
    SECURE_SHARE = 8
    MODEL_PARAMETERS = 9
    TASK_ABORT = 10
    LARGE_OBJECT_STORAGE_REQUEST = 11
    KEY_EXCHANGE = 12
    POD_DATA = 13
    SAML_REQUEST = 14
    SAML_RESPONSE = 15
    LOG_MESSAGE = 16
    TRAINING_METRICS = 17
    TASK_COMPLETE = 18
    OIDC_CHALLENGE = 19
    OIDC_AFC_PKCE_RESPONSE = 20
    OIDC_DEVICE_CODE_RESPONSE = 21
    ONLINE_CHECK = 22
    ONLINE_RESPONSE = 23
    PSI_DATASET = 24
    TASK_START = 25
    NUMBER_OF_BATCHES = 26
    MODEL_PROMPT = 27
    MODEL_RESPONSE = 28
    BATCHES_COMPLETE = 29
    CURRENT_BATCH_ID = 30
    WORKER_REQUEST = 31
    MODELLER_RESPONSE = 32
    TRANSFER_RECEIPT = 33
    TASK_CANCEL = 34
    PREPARING_DATA = 35
    CONFIGURING_TASK = 36
    PREPARING_DATA_BATCHES = 37
    DATASET_PROJECT_LINKED = 38
    JOB_REQUEST_FROM_HUB = 39


TRIGGERS = frozenset(
    {MessageType.JOB_REQUEST, MessageType.DATASET_PROJECT_LINKED, MessageType.JOB_REQUEST_FROM_HUB},
)
"""The types that make a pod start work (gate contract, section 3.1)."""


def type_name(number: int) -> str:
    """The name of a message type, or `TYPE_57` for a number that this version does not know."""
    try:
        return MessageType(number).name
    except ValueError:
        return f"TYPE_{number}"


class Reason(IntEnum):
    """Why a task was aborted. Number 3 is not used on the wire."""

    WORKER_ERROR = 0
    NO_NEW_DATA = 1
    MODELLER_TIMEOUT = 2
    NO_DATA = 4
    LIMITS_EXCEEDED = 5
    TASK_COMPLETE_MODELLER_TIMEOUT = 6
    DATA_NOT_AVAILABLE = 7
    CANCELLED_BY_MODELLER = 8
    EHR_ERROR = 9
    INVALID_SIGNATURE = 10
    STALE_REQUEST = 11


class PodResponseType(IntEnum):
    """What a pod answers to a task. The set is closed: requesters parse these names and no others."""

    ACCEPT = 1
    NO_ACCESS = 2
    INVALID_PROOF_OF_IDENTITY = 3
    UNAUTHORISED = 4
    NO_PROOF_OF_IDENTITY = 5
    NO_DATA = 6
    INCOMPATIBLE_DATASOURCE = 7
    TASK_SETUP_ERROR = 8
    TASK_TIMEOUT = 9
    MISSING_EHR_CONNECTION = 10
    DATASOURCE_INACCESSIBLE = 11

    @property
    def text(self) -> str:
        """The sentence that a requester's software shows for this answer."""
        return _TEXTS[self]


_TEXTS = {
    PodResponseType.ACCEPT: "Job accepted",
    PodResponseType.NO_ACCESS: "There are no permissions for this modeller/pod combination.",
    PodResponseType.INVALID_PROOF_OF_IDENTITY: "Unable to verify identity; ensure correct login used.",
    PodResponseType.UNAUTHORISED: "Insufficient permissions for the requested task on this pod.",
    PodResponseType.NO_PROOF_OF_IDENTITY: "Unable to verify identity, please try again.",
    PodResponseType.NO_DATA: "No data available for the requested task.",
    PodResponseType.INCOMPATIBLE_DATASOURCE: "Incompatible datasource for the requested task.",
    PodResponseType.TASK_SETUP_ERROR: "Task setup failed due to an unexpected error.",
    PodResponseType.TASK_TIMEOUT: "Task request timed out.",
    PodResponseType.MISSING_EHR_CONNECTION: "Task requires EHR connection but pod has no EHR configured.",
    PodResponseType.DATASOURCE_INACCESSIBLE: "Datasource is currently inaccessible.",
}


class IdentityVerificationMethod(StrEnum):
    """How a requester proves who it is, by the names of the field."""

    KEYS = "key-based"
    OIDC_ACF_PKCE = "oidc-auth-code"
    OIDC_DEVICE_CODE = "oidc-device-code"

    DEFAULT = OIDC_DEVICE_CODE


class AggregatorType(StrEnum):
    """How the answers of several pods are put together."""

    Aggregator = "bitfount.Aggregator"
    SecureAggregator = "bitfount.SecureAggregator"


class ProtocolType(StrEnum):
    """The protocols that requesters may name. A pod can have more by its plugins."""

    FederatedAveraging = "bitfount.FederatedAveraging"
    ResultsOnly = "bitfount.ResultsOnly"
    InferenceAndCSVReport = "bitfount.InferenceAndCSVReport"
    InferenceAndCSVReportWithAggregateReporting = "bitfount.InferenceAndCSVReportWithAggregateReporting"
    InstrumentedInferenceAndCSVReport = "bitfount.InstrumentedInferenceAndCSVReport"
    InferenceAndReturnCSVReport = "bitfount.InferenceAndReturnCSVReport"
    InferenceAndImageOutput = "bitfount.InferenceAndImageOutput"
    GAScreeningProtocolAmethyst = "bitfount.GAScreeningProtocolAmethyst"
    GAScreeningProtocolJade = "bitfount.GAScreeningProtocolJade"
    GAScreeningProtocolBronze = "bitfount.GAScreeningProtocolBronze"
    GAScreeningProtocolBronzeWithEHR = "bitfount.GAScreeningProtocolBronzeWithEHR"
    GAScreeningProtocolCharcoal = "bitfount.GAScreeningProtocolCharcoal"
    GAScreeningProtocol = "bitfount.GAScreeningProtocol"
    RetinalDiseaseProtocolCobalt = "bitfount.RetinalDiseaseProtocolCobalt"
    BasicOCTProtocol = "bitfount.BasicOCTProtocol"
    WetAMDScreeningProtocolSapphire = "bitfount.WetAMDScreeningProtocolSapphire"
    FluidVolumeScreeningProtocol = "bitfount.FluidVolumeScreeningProtocol"
    DataExtractionProtocolCharcoal = "bitfount.DataExtractionProtocolCharcoal"
    InSiteInsightsProtocol = "bitfount.InSiteInsightsProtocol"
    GenericBiomarkerProtocolGranite = "bitfount.GenericBiomarkerProtocolGranite"
    EHRScreeningProtocol = "bitfount.EHRScreeningProtocol"
    NextGenSearchProtocol = "bitfount.NextGenSearchProtocol"
    EHRNERProtocol = "bitfount.EHRNERProtocol"
    PatientTrialMatchingProtocol = "bitfount.PatientTrialMatchingProtocol"


class AlgorithmType(StrEnum):
    """The algorithms that requesters may name. A pod can have more by its plugins."""

    FederatedModelTraining = "bitfount.FederatedModelTraining"
    ModelTrainingAndEvaluation = "bitfount.ModelTrainingAndEvaluation"
    ModelEvaluation = "bitfount.ModelEvaluation"
    ModelInference = "bitfount.ModelInference"
    SqlQuery = "bitfount.SqlQuery"
    PrivateSqlQuery = "bitfount.PrivateSqlQuery"
    HuggingFacePerplexityEvaluation = "bitfount.HuggingFacePerplexityEvaluation"
    HuggingFaceTextGenerationInference = "bitfount.HuggingFaceTextGenerationInference"
    HuggingFaceImageTextGenerationInference = "bitfount.HuggingFaceImageTextGenerationInference"
    HuggingFaceImageClassificationInference = "bitfount.HuggingFaceImageClassificationInference"
    HuggingFaceImageSegmentationInference = "bitfount.HuggingFaceImageSegmentationInference"
    HuggingFaceTextClassificationInference = "bitfount.HuggingFaceTextClassificationInference"
    HuggingFaceNERInference = "bitfount.HuggingFaceNERInference"
    CSVReportAlgorithm = "bitfount.CSVReportAlgorithm"
    TIMMFineTuning = "bitfount.TIMMFineTuning"
    TIMMFederatedTraining = "bitfount.TIMMFederatedTraining"
    TIMMInference = "bitfount.TIMMInference"
    MONAIBundleInference = "bitfount.MONAIBundleInference"
    CSTCalculationAlgorithm = "bitfount.CSTCalculationAlgorithm"
    GCCCalculationAlgorithm = "bitfount.GCCCalculationAlgorithm"
    CSVReportGeneratorOphthalmologyAlgorithm = "bitfount.CSVReportGeneratorOphthalmologyAlgorithm"
    CSVReportGeneratorAlgorithm = "bitfount.CSVReportGeneratorAlgorithm"
    ETDRSAlgorithm = "bitfount.ETDRSAlgorithm"
    FluidVolumeCalculationAlgorithm = "bitfount.FluidVolumeCalculationAlgorithm"
    FoveaCoordinatesAlgorithm = "bitfount.FoveaCoordinatesAlgorithm"
    GATrialCalculationAlgorithmJade = "bitfount.GATrialCalculationAlgorithmJade"
    GATrialCalculationAlgorithmAmethyst = "bitfount.GATrialCalculationAlgorithmAmethyst"
    GATrialCalculationAlgorithmCharcoal = "bitfount.GATrialCalculationAlgorithmCharcoal"
    GATrialCalculationAlgorithmBronze = "bitfount.GATrialCalculationAlgorithmBronze"
    GATrialCalculationAlgorithm = "bitfount.GATrialCalculationAlgorithm"
    TrialInclusionCriteriaMatchAlgorithmAmethyst = "bitfount.TrialInclusionCriteriaMatchAlgorithmAmethyst"
    TrialInclusionCriteriaMatchAlgorithmBronze = "bitfount.TrialInclusionCriteriaMatchAlgorithmBronze"
    TrialInclusionCriteriaMatchAlgorithmJade = "bitfount.TrialInclusionCriteriaMatchAlgorithmJade"
    TrialInclusionCriteriaMatchAlgorithmCharcoal = "bitfount.TrialInclusionCriteriaMatchAlgorithmCharcoal"
    TrialInclusionCriteriaMatchAlgorithmGlaucomaCharcoal = (
        "bitfount.TrialInclusionCriteriaMatchAlgorithmGlaucomaCharcoal"
    )
    TrialInclusionCriteriaMatchAlgorithmEHR = "bitfount.TrialInclusionCriteriaMatchAlgorithmEHR"
    TrialInclusionCriteriaMatchAlgorithmSapphire = "bitfount.TrialInclusionCriteriaMatchAlgorithmSapphire"
    TrialInclusionCriteriaMatchAlgorithm = "bitfount.TrialInclusionCriteriaMatchAlgorithm"
    GATrialPDFGeneratorAlgorithmAmethyst = "bitfount.GATrialPDFGeneratorAlgorithmAmethyst"
    GATrialPDFGeneratorAlgorithmJade = "bitfount.GATrialPDFGeneratorAlgorithmJade"
    GATrialPDFGeneratorAlgorithm = "bitfount.GATrialPDFGeneratorAlgorithm"
    _SimpleCSVAlgorithm = "bitfount._SimpleCSVAlgorithm"
    ReduceCSVAlgorithmCharcoal = "bitfount.ReduceCSVAlgorithmCharcoal"
    RecordFilterAlgorithm = "bitfount.RecordFilterAlgorithm"
    BscanImageAndMaskGenerationAlgorithm = "bitfount.BscanImageAndMaskGenerationAlgorithm"
    S3UploadAlgorithm = "bitfount.S3UploadAlgorithm"
    S3UploadAlgorithmWithMRNTracking = "bitfount.S3UploadAlgorithmWithMRNTracking"
    CodeNormalisationAlgorithm = "bitfount.CodeNormalisationAlgorithm"
    EHRPatientQueryAlgorithm = "bitfount.EHRPatientQueryAlgorithm"
    EHRPatientInfoDownloadAlgorithm = "bitfount.EHRPatientInfoDownloadAlgorithm"
    EHRPatientIDExtractAlgo = "bitfount.EHRPatientIDExtractAlgo"
    TrialMatchingAlgorithm = "bitfount.TrialMatchingAlgorithm"
    ImageSelectionAlgorithm = "bitfount.ImageSelectionAlgorithm"
    LongitudinalAlgorithm = "bitfount.LongitudinalAlgorithm"
    PatientIDExchangeAlgorithm = "bitfount.PatientIDExchangeAlgorithm"
    NextGenPatientInfoDownloadAlgorithm = "bitfount.NextGenPatientInfoDownloadAlgorithm"
    """Named by versions before 13 only."""
