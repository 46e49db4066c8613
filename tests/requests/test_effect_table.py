"""Every class of the network has a row that says what it does, or is unknown, and that is the worst."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from podadmin.core.canon import canonical
from podadmin.core.resources import resource
from podadmin.requests.effect_facts import LEVELS, Output
from podadmin.requests.effect_table import EffectTable, parse, shipped
from podadmin.requests.effect_walk import Draft, _arguments
from podadmin.requests.effects import UNKNOWN_LEAVES, Effects, statement
from podadmin.requests.envelope import Verified, VerifiedRequest

Make = Callable[..., Verified[VerifiedRequest]]
TABLE = shipped()
NAMES: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "names.json").read_text(encoding="utf-8"))
MODEL = {"class_name": "BitfountModelReference", "username": "acme", "model_ref": "Retina", "model_version": 3}
PROTOCOLS = sorted({*NAMES["package"]["protocol"], *NAMES["documentation"]["protocol"]})
ALGORITHMS = sorted({*NAMES["package"]["algorithm"], *NAMES["documentation"]["algorithm"]})
HOMELESS = {"bitfount.ETDRSAlgorithm", "bitfount.FoveaCoordinatesAlgorithm"}
"""No protocol of the network takes them: what they do is known, and every combination with them is unknown."""
AGGREGATORS = sorted({*NAMES["package"]["aggregator"], *NAMES["documentation"]["aggregator"]})


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(resource("effects", "bitfount.json").read_text(encoding="utf-8"))
    return found


def step(name: str) -> dict[str, Any]:
    """The algorithm with what it must have, and nothing else."""
    row = TABLE.part("algorithm", name)
    assert row is not None
    made: dict[str, Any] = {argument: "x" for argument, rule in row.arguments.items() if rule.text}
    if "query" in made:
        made["query"] = "SELECT COUNT(*) AS n FROM patients"
    return {"class_name": name, **made, **({"model": MODEL} if "model" in row.needs else {})}


def host_of(name: str) -> str:
    """A protocol that takes this algorithm."""
    row = TABLE.part("algorithm", name)
    assert row is not None
    if row.has_result:
        return "bitfount.ResultsOnly"
    return next(part.class_name for part in TABLE.parts.values() if row.class_name in part.takes)


def made_of(protocol: str) -> dict[str, Any]:
    """The protocol with every algorithm that it takes, as often as it takes it."""
    row = TABLE.part("protocol", protocol)
    assert row is not None
    names = {"bitfount.SqlQuery": 1} if "*" in row.takes else row.takes
    return {"class_name": protocol, "algorithm": [step(name) for name, most in names.items() for _ in range(most)]}


def worst_of(found: Effects) -> tuple[set[str], set[str]]:
    asked = [each for each in found.outputs if not each.always]
    return {each.level for each in asked}, {each.channel for each in asked}


@pytest.mark.parametrize("name", sorted(set(ALGORITHMS) - HOMELESS))
def test_every_algorithm_has_a_row_and_is_known_where_it_belongs(verified: Make, name: str) -> None:
    found = statement(verified({"class_name": host_of(name), "algorithm": [step(name)]}), TABLE)
    assert found.known, found.reasons
    assert found.headline
    assert found.computes
    assert found.computed.algorithms == (name,)


@pytest.mark.parametrize("name", sorted(set(ALGORITHMS) - HOMELESS))
def test_no_algorithm_is_known_with_an_argument_that_has_no_row(verified: Make, name: str) -> None:
    protocol = {"class_name": host_of(name), "algorithm": [{**step(name), "not_an_argument": None}]}
    found = statement(verified(protocol), TABLE)
    assert (found.known, found.risk, found.level, found.leaves[0]) == (False, "unknown", "unknown", UNKNOWN_LEAVES)
    assert any("not_an_argument" in each for each in found.reasons)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", sorted(HOMELESS))
def test_what_no_protocol_takes_is_unknown_in_every_protocol(verified: Make, name: str, protocol: str) -> None:
    assert TABLE.part("algorithm", name) is not None
    found = statement(verified({"class_name": protocol, "algorithm": [step(name)]}), TABLE)
    assert (found.known, found.risk) == (False, "unknown")


# what leaves, by the bitfount contract, section 9.1: the worst level, the channels, the risk
EXPECTED = {
    "ResultsOnly": ("counts", {"message"}, "low"),
    "InferenceAndReturnCSVReport": ("row", {"message"}, "high"),
    "FederatedAveraging": ("parameters", {"message"}, "medium"),
    "InferenceAndCSVReport": ("none", {"message"}, "high"),
    "InstrumentedInferenceAndCSVReport": ("telemetry", {"message", "telemetry"}, "high"),
    "InferenceAndCSVReportWithAggregateReporting": ("counts", {"message"}, "high"),
    "InferenceAndImageOutput": ("none", {"message"}, "high"),
    "GAScreeningProtocolAmethyst": ("counts", {"message", "telemetry"}, "low"),
    "GAScreeningProtocolJade": ("counts", {"message", "telemetry"}, "low"),
    "GAScreeningProtocol": ("counts", {"message", "telemetry"}, "low"),
    "GAScreeningProtocolBronze": ("counts", {"message", "telemetry"}, "low"),
    "GAScreeningProtocolBronzeWithEHR": ("counts", {"message", "telemetry"}, "medium"),
    "GAScreeningProtocolCharcoal": ("row", {"message", "telemetry", "upload"}, "high"),
    "DataExtractionProtocolCharcoal": ("row", {"message", "upload"}, "high"),
    "RetinalDiseaseProtocolCobalt": ("none", {"message"}, "low"),
    "BasicOCTProtocol": ("none", {"message"}, "low"),
    "WetAMDScreeningProtocolSapphire": ("telemetry", {"message", "telemetry"}, "medium"),
    "FluidVolumeScreeningProtocol": ("telemetry", {"message", "telemetry"}, "low"),
    "InSiteInsightsProtocol": ("telemetry", {"message", "telemetry"}, "low"),
    "GenericBiomarkerProtocolGranite": ("counts", {"message", "telemetry"}, "low"),
    "EHRScreeningProtocol": ("counts", {"message", "telemetry"}, "medium"),
    "NextGenSearchProtocol": ("none", {"message"}, "medium"),
    "EHRNERProtocol": ("none", {"message"}, "medium"),
    "PatientTrialMatchingProtocol": ("none", {"message"}, "medium"),
}


def test_the_expectations_are_about_every_protocol() -> None:
    assert {f"bitfount.{name}" for name in EXPECTED} == set(PROTOCOLS)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_has_a_row_and_lets_out_what_the_contract_says(verified: Make, name: str) -> None:
    level, channels, risk = EXPECTED[name.removeprefix("bitfount.")]
    found = statement(verified(made_of(name)), TABLE)
    assert found.known, found.reasons
    assert (found.level, worst_of(found)[1], found.risk) == (level, channels, risk)
    assert found.headline.endswith(".")
    assert "{" not in found.headline


@pytest.mark.parametrize("name", PROTOCOLS)
def test_no_protocol_is_known_with_what_it_does_not_take(verified: Make, name: str) -> None:
    whole = made_of(name)
    for wrong in (
        [],
        [*whole["algorithm"], whole["algorithm"][0]],
        [*whole["algorithm"], {"class_name": "bitfount.LongitudinalAlgorithm"}],
        [{"class_name": "bitfount.OfTomorrow"}],
        {},
        None,
    ):
        if wrong and wrong[-1] == {"class_name": "bitfount.LongitudinalAlgorithm"} and "Sapphire" in name:
            wrong = [*whole["algorithm"], {"class_name": "bitfount.ETDRSAlgorithm"}]
        found = statement(verified({**whole, "algorithm": wrong}), TABLE)
        assert (found.known, found.risk) == (False, "unknown"), wrong
        assert any("not a combination" in each for each in found.reasons)
    unknown = statement(verified({**whole, "not_an_argument": 0}), TABLE)
    assert not unknown.known


@pytest.mark.parametrize("name", AGGREGATORS)
def test_every_aggregator_has_a_row(verified: Make, name: str) -> None:
    protocol = {**made_of("bitfount.ResultsOnly"), "aggregator": {"class_name": name}}
    found = statement(verified(protocol), TABLE)
    assert found.known
    assert found.computed.aggregator == name
    assert len(found.computes) == 2
    assert not statement(verified({**protocol, "aggregator": {"class_name": name, "x": 1}}), TABLE).known


@pytest.mark.parametrize("name", NAMES["step"])
def test_every_step_of_a_flow_has_a_row(name: str) -> None:
    row = TABLE.part("step", name)
    assert row is not None
    assert row.computes
    assert "version 9" in row.source
    assert row.ehr == name.startswith("ehr_query")


def test_an_address_for_uploads_is_told_and_skipping_them_takes_it_away(verified: Make) -> None:
    name = "bitfount.GAScreeningProtocolCharcoal"
    found = statement(verified(made_of(name)), TABLE)
    assert "Single records are uploaded to an address that the requester gives." in found.reasons
    assert "an object store at an address that the requester gives" in found.destination
    assert any(each.destination == "store" and each.level == "row" for each in found.outputs)
    for skipped, risk in ((True, "medium"), (False, "high"), (None, "high"), ("yes", "high"), (1, "high")):
        again = statement(verified({**made_of(name), "skip_upload": skipped}), TABLE)
        assert again.risk == risk, skipped
        assert ("upload" in worst_of(again)[1]) == (risk == "high")


@pytest.mark.parametrize("value", [True, "true", 1, ["x"]])
def test_an_e_mail_is_told_where_it_is_asked_for(verified: Make, value: object) -> None:
    whole = made_of("bitfount.GAScreeningProtocolAmethyst")
    assert "e-mail" not in worst_of(statement(verified({**whole, "results_notification_email": False}), TABLE))[1]
    found = statement(verified({**whole, "results_notification_email": value}), TABLE)
    assert "e-mail" in worst_of(found)[1]
    assert "the recipients of an e-mail" in found.destination


def test_weights_that_are_handed_back_are_parameters(verified: Make) -> None:
    tuning = {**step("bitfount.TIMMFineTuning"), "return_weights": True}
    found = statement(verified({"class_name": "bitfount.ResultsOnly", "algorithm": [tuning]}), TABLE)
    assert (found.level, found.risk) == ("parameters", "medium")
    assert found.computed.models[0].trains
    assert "the operator of the network" in found.destination
    assert "A model runs that is not pinned to a version." in found.reasons


def test_code_of_its_own_is_a_high_risk_even_where_nothing_leaves(verified: Make) -> None:
    protocol = {"class_name": "bitfount.InferenceAndCSVReport", "algorithm": [step("bitfount.MONAIBundleInference")]}
    found = statement(verified(protocol), TABLE)
    assert (found.level, found.risk, found.computed.foreign_code) == ("none", "high", True)
    assert found.reasons[0] == "Code runs in the pod that nobody here or at the network has fixed."
    assert found.computed.models[0].origin == "monai"


@pytest.mark.parametrize(
    "name", ["EHRPatientQueryAlgorithm", "EHRPatientInfoDownloadAlgorithm", "EHRPatientIDExtractAlgo"]
)
def test_what_asks_the_ehr_says_so(verified: Make, name: str) -> None:
    algorithm = f"bitfount.{name}"
    found = statement(verified({"class_name": host_of(algorithm), "algorithm": [step(algorithm)]}), TABLE)
    assert found.read.ehr
    assert any("EHR" in each for each in found.reads)
    assert "Patients' records are asked for at the EHR." in found.reasons


def test_every_row_of_the_shipped_table_cites_its_source() -> None:
    assert isinstance(TABLE, EffectTable)
    rows = document()
    for row in [*rows["parts"], rows["always"], rows["flags"], rows["flows"]]:
        assert row["source"].startswith(("bitfount ", "task specification"))
    assert TABLE.network == "bitfount"
    assert {each.level for each in TABLE.always} == {"telemetry", "traceback"}
    assert shipped() is shipped()
    older = {name: row.same_as for (role, name), row in TABLE.parts.items() if row.same_as}
    assert older["bitfount.GAScreeningProtocol"] == "bitfount.GAScreeningProtocolJade"
    assert len(older) == 8


def damage(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    found = copy.deepcopy(document())
    change(found)
    return found


def part(table: dict[str, Any], name: str) -> dict[str, Any]:
    row: dict[str, Any] = next(each for each in table["parts"] if each["class"] == f"bitfount.{name}")
    return row


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t["parts"].append(t["parts"][0]),
        lambda t: t["parts"][0].update(role="spell"),
        lambda t: t["parts"][0].update(source=""),
        lambda t: t["parts"].append({"role": "model", "class": "X", "source": "s", "same_as": "Y"}),
        lambda t: t["parts"].append(
            {"role": "algorithm", "class": "X", "source": "s", "same_as": "bitfount.CSVReportGeneratorAlgorithm"}
        ),
        lambda t: part(t, "InferenceAndCSVReport").update(takes={"bitfount.Other": 1}),
        lambda t: part(t, "InferenceAndCSVReport").update(takes={"bitfount.CSVReportGeneratorAlgorithm": 1}),
        lambda t: part(t, "InferenceAndCSVReport").update(takes={}),
        lambda t: part(t, "InferenceAndCSVReport").update(leaves=[]),
        lambda t: part(t, "InferenceAndCSVReport").update(headline=""),
        lambda t: part(t, "InferenceAndCSVReport")["leaves"][0].update(level="some"),
        lambda t: part(t, "InferenceAndCSVReport")["leaves"][0].update(channel="pigeon"),
        lambda t: part(t, "InferenceAndCSVReport")["leaves"][0].update(destination="nobody"),
        lambda t: part(t, "InferenceAndCSVReport")["leaves"][0].update(often="never"),
        lambda t: part(t, "SqlQuery").update(analyse="statement"),
        lambda t: part(t, "SqlQuery").update(headline=""),
        lambda t: part(t, "TIMMInference").update(model_argument="model"),
        lambda t: part(t, "TIMMInference").update(origin="somewhere"),
        lambda t: t["flags"]["arguments"].update(x={"says": [{"to": "leaves", "words": "w"}]}),
        lambda t: t["always"]["leaves"][0].update(level="some"),
        lambda t: t["flows"]["leaves"][0].update(level="some"),
    ],
    ids=range(21),
)
def test_a_table_with_a_mistake_is_refused_as_a_whole(change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(ValueError, match="effect table"):
        parse(damage(change))


@pytest.mark.parametrize(
    ("level", "risk"),
    [("none", "low"), ("telemetry", "low"), ("counts", "low"), ("aggregate", "medium"), ("parameters", "medium"),
     ("traceback", "high"), ("row", "high"), ("unknown", "high")],
)  # fmt: skip
def test_the_risk_is_the_stated_rule_over_the_worst_that_leaves(
    verified: Make, protocols: dict[str, Any], level: str, risk: str
) -> None:
    def change(table: dict[str, Any]) -> None:
        part(table, "ModelInference")["result"] = [
            {"level": each, "channel": "message", "words": each} for each in ("none", level)
        ]

    found = statement(verified(protocols["inference"]), parse(damage(change)))
    assert (found.risk, found.level, len(found.reasons)) == (risk, level, 1)
    assert LEVELS.index(found.outputs[0].level) <= LEVELS.index(found.outputs[1].level)
    assert isinstance(found.outputs[0], Output)


STATEMENTS = json.loads((Path(__file__).parent / "data" / "statements.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_what_a_custodian_reads_of_a_protocol_is_what_was_looked_at(verified: Make, name: str) -> None:
    """Every sentence and fact, word for word: whoever changes one looks at all of them."""
    found = asdict(statement(verified(made_of(name)), TABLE))
    assert json.loads(json.dumps(found)) == STATEMENTS[name]


def test_statements_are_kept_of_every_protocol() -> None:
    assert set(STATEMENTS) == set(PROTOCOLS)


def only_of(rules: dict[str, Any]) -> list[tuple[str, frozenset[str]]]:
    return [(name, rule.only) for name, rule in rules.items() if rule.only is not None]


def test_a_value_that_is_not_among_those_of_the_table_makes_the_effects_unknown() -> None:
    """Every place of the shipped table that lists values: another one is not known, and that counts as the worst."""
    listed = 0
    for row in TABLE.parts.values():
        for name, only in only_of(dict(row.arguments)):
            listed += 1
            for value, known in ((next(iter(only)), True), ('"a value that nobody listed"', False)):
                draft = Draft("patients")
                _arguments("It", {name: value}, {name: row.arguments[name]}, draft)
                assert (not draft.unknown) == known, (row.class_name, name)
    assert listed > 10


def test_a_table_means_what_its_document_says() -> None:
    for row in document()["parts"]:
        part = TABLE.parts[row["role"], row["class"]]
        assert (part.role, part.class_name, part.source) == (row["role"], row["class"], row["source"])
        for name in ("needs", "reads", "computes", "stays"):
            assert tuple(getattr(part, name)) == tuple(row.get(name, ())), name
        for name, rule in row.get("arguments", {}).items():
            made = part.arguments[name]
            assert made.only == (frozenset(map(canonical, rule["only"])) if "only" in rule else None)
            assert made.text == rule.get("text", False)
            assert [(each.to, each.words, each.contains) for each in made.says] == [
                (each["to"], each["words"], each.get("contains", "")) for each in rule.get("says", ())
            ]
        for leaving, told in zip(part.leaves, row.get("leaves", ()), strict=True):
            assert (leaving.level, leaving.channel, leaving.words) == (told["level"], told["channel"], told["words"])
            assert (leaving.destination, leaving.often) == (
                told.get("destination", "requester"), told.get("often", "once"),
            )  # fmt: skip
            assert (leaving.when, leaving.unless) == (told.get("when", ""), told.get("unless", ""))


def test_switches_outside_the_seal_are_told(verified: Make) -> None:
    protocol = {"class_name": "bitfount.ResultsOnly", "algorithm": [step("bitfount.SqlQuery")]}
    plain = statement(verified(protocol), TABLE)
    ehr = statement(verified(protocol, flags={"requires_ehr_connection": True}), TABLE)
    assert (plain.read.ehr, ehr.read.ehr) == (False, True)
    batched = statement(verified(protocol, flags={"batched_execution": True}), TABLE)
    assert [each.often for each in plain.outputs if not each.always] == ["once"]
    assert [each.often for each in batched.outputs if not each.always] == ["each-batch"]
    assert [each.often for each in plain.outputs if each.always] == [
        each.often for each in batched.outputs if each.always
    ], "what leaves with every task leaves as before"


def test_the_table_says_of_every_row_what_its_file_says() -> None:
    """Nothing of a row is lost or taken for something else on its way from the file."""
    rows, table = document(), parse(document())
    lists, flags = ("needs", "reads", "computes", "stays"), ("sends", "ehr", "foreign_code", "trains")
    texts = ("headline", "origin", "model_argument", "analyse", "same_as")

    def leavings(found: Any) -> list[tuple[str, ...]]:
        names = ("level", "channel", "words", "destination", "often", "when", "unless")
        usual = {"destination": "requester", "often": "once", "when": "", "unless": ""}
        return [tuple({**usual, **each}[name] for name in names) for each in found]

    def plain(found: Any) -> list[tuple[str, ...]]:
        return [tuple(asdict(each).values()) for each in found]

    def arguments(found: Any) -> dict[str, Any]:
        return {
            name: (
                sorted(map(canonical, rule["only"])) if "only" in rule else None,
                rule.get("text", False),
                [(each["to"], each["words"], each.get("contains", "")) for each in rule.get("says", ())],
            )
            for name, rule in found.items()
        }

    def read(rules: Any) -> dict[str, Any]:
        return {
            name: (None if rule.only is None else sorted(rule.only), rule.text, plain(rule.says))
            for name, rule in rules.items()
        }

    assert len(table.parts) == len(rows["parts"])
    for row in rows["parts"]:
        part = table.parts[row["role"], row["class"]]
        assert (part.role, part.class_name, part.source) == (row["role"], row["class"], row["source"])
        assert {name: list(getattr(part, name)) for name in lists} == {name: row.get(name, []) for name in lists}
        assert {name: getattr(part, name) for name in flags} == {name: row.get(name, False) for name in flags}
        assert {name: getattr(part, name) for name in texts} == {name: row.get(name, "") for name in texts}
        assert dict(part.takes) == row.get("takes", {})
        assert plain(part.leaves) == leavings(row.get("leaves", ()))
        assert plain(part.result) == leavings(row.get("result", ()))
        assert read(part.arguments) == arguments(row.get("arguments", {}))
    assert (table.network, table.flow_headline) == (rows["network"], rows["flows"]["headline"])
    assert plain(table.always) == leavings(rows["always"]["leaves"])
    assert plain(table.flow) == leavings(rows["flows"]["leaves"])
    assert read(table.flags) == arguments(rows["flags"]["arguments"])
    assert table == TABLE == shipped()
