"""An InterMine service: what testing it tells, what it is asked, and each way in which it can fail."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from podadmin.core.clock import SystemClock
from podadmin.core.errors import Cancelled, PodadminError
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.datasources.accessibility import AccessibilityErrorCode, standing
from podadmin.datasources.model import ServiceSource, SourceProbe
from podadmin.datasources.web_service import columns, probe
from tests.datasources.mine import Mine, mine

TEMPLATE = "patients_by_age"


@pytest.fixture
def service() -> Iterator[Mine]:
    with mine() as running:
        yield running


def probed(it: Mine, template: str = TEMPLATE, token: str = "", seconds: float = 5.0) -> SourceProbe:
    secret = Secret(token) if token else None
    return probe(ServiceSource(it.address, template), secret, SystemClock(), Progress(), seconds)


def refused(it: Mine, template: str = TEMPLATE, token: str = "", seconds: float = 5.0) -> PodadminError:
    with pytest.raises(PodadminError) as caught:
        probed(it, template, token, seconds)
    assert standing(caught.value.code).code is not AccessibilityErrorCode.UNKNOWN
    assert standing(caught.value.code).who
    return caught.value


def test_testing_a_template_tells_its_rows_and_columns_and_asks_for_no_row(service: Mine) -> None:
    found = probed(service)
    assert (found.rows, found.columns) == (1234, ("Patient.sex", "Patient.age"))
    assert found.read_only == "proved"
    assert dict(found.details)["Version of the service"] == "31"
    assert [path for path, _query, _who in service.asked] == [
        "/mine/service/version/ws",
        "/mine/service/templates",
        "/mine/service/template/results",
    ]
    count = service.asked[-1][1]
    assert count["format"] == ["count"]
    assert (count["constraint1"], count["op1"], count["value1"]) == (["Patient.age"], [">"], ["40"])
    assert "constraint2" not in count


def test_a_token_travels_in_the_header_and_never_in_the_address(service: Mine) -> None:
    service.token = "hunter2-token"
    found = probed(service, token="hunter2-token")
    assert found.read_only == "not proved"
    assert {who for _path, _query, who in service.asked} == {"Token hunter2-token"}
    assert "hunter2" not in str([query for _path, query, _who in service.asked])
    error = refused(service, token="wrong")
    assert error.code == "datasource.token-refused"
    assert standing(error.code).code is AccessibilityErrorCode.AUTH_FAILED


def test_a_template_that_is_not_there_is_named_with_the_nearest_one(service: Mine) -> None:
    error = refused(service, template="patients_by_ages")
    assert error.code == "datasource.no-template"
    assert TEMPLATE in error.why
    assert standing(error.code).code is AccessibilityErrorCode.TEMPLATE_NOT_FOUND


def test_a_redirect_is_not_followed(service: Mine) -> None:
    with mine() as other:
        service.elsewhere = f"{other.address}/service/version/ws"
        assert refused(service, token="hunter2").code == "datasource.service-moved"
        assert other.asked == []


@pytest.mark.parametrize(
    ("status", "code"),
    [(403, "token-refused"), (404, "service-answer"), (418, "service-answer"), (500, "service-down")],
)
def test_a_status_that_is_none_of_success_is_told(service: Mine, status: int, code: str) -> None:
    service.status = status
    assert refused(service).code == f"datasource.{code}"


@pytest.mark.parametrize("raw", [b"<html>hello</html>", b"", b"99999999999", b"[" * 100_000, b"\xff\xfe"])
def test_an_answer_that_makes_no_sense_is_told(service: Mine, raw: bytes) -> None:
    service.raw = raw
    assert refused(service).code == "datasource.service-answer"


@pytest.mark.parametrize("told", ["3", '{"templates": []}', '{"templates": {"patients_by_age": 3}}', "[1]"])
def test_a_description_that_cannot_be_read_is_told(service: Mine, told: str) -> None:
    service.raw = told.encode()
    with pytest.raises(PodadminError) as caught:
        columns(ServiceSource(service.address, TEMPLATE), None, SystemClock(), Progress(), 5.0)
    assert caught.value.code == "datasource.service-answer"


def test_an_answer_without_an_end_is_cut(service: Mine) -> None:
    service.raw = b"1" * (17 * 1024 * 1024)
    assert refused(service).code == "datasource.service-answer"
    service.packed_as, service.raw = "gzip", gzip.compress(service.raw)
    assert refused(service).code == "datasource.service-answer"
    service.packed_as = "zstd"
    assert refused(service).code == "datasource.service-answer"


def test_a_service_that_says_nothing_is_given_up(service: Mine) -> None:
    service.hangs.clear()
    error = refused(service, seconds=0.3)
    assert error.code == "datasource.service-slow"
    assert standing(error.code).code is AccessibilityErrorCode.READ_TIMEOUT


def test_a_test_that_waits_can_be_cancelled(service: Mine) -> None:
    service.hangs.clear()
    progress = Progress()

    def cancel() -> None:
        while not service.asked:
            threading.Event().wait(0.01)
        progress.cancel()
        service.hangs.set()

    stopper = threading.Thread(target=cancel)
    stopper.start()
    with pytest.raises(Cancelled):
        probe(ServiceSource(service.address, TEMPLATE), None, SystemClock(), progress)
    stopper.join()


def test_nobody_at_the_address_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    error = refused(Mine(f"http://127.0.0.1:{port}"))
    assert error.code == "datasource.service-refused"
    assert standing(error.code).code is AccessibilityErrorCode.CONNECTION_REFUSED


def test_a_server_whose_name_nobody_knows_is_told() -> None:
    assert refused(Mine("https://no-such-server.invalid/mine")).code == "datasource.service-broken-off"


def test_a_server_that_cannot_prove_who_it_is_is_refused(service: Mine, tmp_path: Path) -> None:
    """A certificate that nobody issued but itself, on a real TLS connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)

        def greet() -> None:
            taken, _ = listening.accept()
            with taken:
                try:
                    context.wrap_socket(taken, server_side=True).close()
                except OSError:
                    return

        thread = threading.Thread(target=greet)
        thread.start()
        error = refused(Mine(f"https://localhost:{listening.getsockname()[1]}/mine"), token="hunter2")
        thread.join()
    assert error.code == "datasource.certificate"
    assert standing(error.code).cause == "certificate"


def self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + made.public_bytes(Encoding.PEM))
    return file
