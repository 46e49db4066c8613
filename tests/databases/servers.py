"""Real servers for tests and benchmarks of databases: PostgreSQL, MariaDB and MySQL, each with a folder of its own.

The first two are Debian's packages. MySQL is in no stable Debian: `PODADMIN_MYSQLD` names its server where one is.

They are started as somebody who is not root (neither of them would run as root), on a socket in their folder and on a
free port of this computer, and stopped at the end.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pymysql
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class NotInstalled(Exception):
    """The Debian package of a server is absent."""


READER, WRITER, PASSWORD = "reader", "writer", "a pass word: 50 % @/?"


@dataclass(frozen=True)
class Server:
    """A running server. `url`: of its database `clinic`, for READER; `admin`: keyword arguments for its own account."""

    family: str
    folder: Path
    port: int
    admin: dict[str, Any]
    process: dict[str, Any] = field(default_factory=dict)

    def url(self, account: str = READER, database: str = "clinic") -> str:
        if self.family == "postgresql":
            return f"postgresql+psycopg://{account}@/{database}?host={self.folder}&port={self.port}"
        return f"mysql+pymysql://{account}@localhost/{database}?unix_socket={self.folder}/socket"

    def tcp(self, account: str = READER, database: str = "clinic", more: str = "") -> str:
        driver = "postgresql+psycopg" if self.family == "postgresql" else "mysql+pymysql"
        return f"{driver}://{account}@127.0.0.1:{self.port}/{database}{more}"

    def connect(self, **others: Any) -> Any:
        """A connection of the server's own account, which may do everything."""
        made = {**self.admin, **others}
        if self.family == "postgresql":
            return psycopg.connect(autocommit=True, **made)
        return pymysql.connect(autocommit=True, charset="utf8mb4", **made)

    def run(self, *statements: str) -> list[Any]:
        """Carry out statements as the server's own account; the rows of the last."""
        with self.connect() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []


def _somebody() -> dict[str, Any]:
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


@contextmanager
def servers_folder() -> Iterator[Path]:
    """A folder for servers, gone at the end."""
    # the folders of pytest are for the account that runs it only, and sockets want short paths
    folder = Path(tempfile.mkdtemp(prefix="db-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _certificate(folder: Path, name: str) -> None:
    """A certificate for `name` that nobody has signed but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "server.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = folder / "server.key"
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    private.chmod(0o600)
    if os.geteuid() == 0:
        for file in (private, folder / "server.crt"):
            shutil.chown(file, "nobody", "nogroup")


def _postgresql_programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    there = shutil.which("initdb")
    return Path(there).resolve().parent if there else None


@contextmanager
def postgresql_server() -> Iterator[Server]:
    """A PostgreSQL that runs as long as the context. Raises NotInstalled."""
    with servers_folder() as where:
        yield from _postgresql(where / "pg")


def _postgresql(folder: Path) -> Iterator[Server]:
    programs = _postgresql_programs()
    if programs is None:
        raise NotInstalled("PostgreSQL")
    data = folder / "data"
    somebody = _somebody()
    subprocess.run(["mkdir", str(folder)], check=True, **somebody)
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "owner", "-A", "trust", "-N", "-E", "UTF8", "--locale=C.UTF-8"],
        check=True,
        capture_output=True,
        **somebody,
    )
    _certificate(folder, "db.example")
    (data / "pg_hba.conf").write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
    port = free_port()
    options = (
        f"-k {folder} -p {port} -c listen_addresses=127.0.0.1 -c fsync=off -c ssl=on -c logging_collector=off "
        f"-c ssl_cert_file={folder}/server.crt -c ssl_key_file={folder}/server.key -c log_statement=all "
        "-c max_connections=50"
    )
    control = [programs / "pg_ctl", "-D", data, "-w", "-t", "60"]
    subprocess.run(
        [*control, "-o", options, "-l", folder / "log", "start"], check=True, stdout=subprocess.DEVNULL, **somebody
    )
    server = Server(
        "postgresql", folder, port, {"host": str(folder), "port": port, "user": "owner", "dbname": "postgres"}
    )
    try:
        server.run(
            f"CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}'",
            f"CREATE ROLE {WRITER} LOGIN",
            "CREATE DATABASE clinic",
        )
        server.admin["dbname"] = "clinic"
        server.run(
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            f"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {READER}, {WRITER}",
        )
        yield server
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True, **somebody)


def numbered(most: int) -> str:
    """Rows with a number `seq` from 1 to `most` for MariaDB and MySQL, which have nothing like generate_series."""
    digits = "(" + " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10)) + ")"
    places = range(len(str(most)))
    joined = " CROSS JOIN ".join(f"{digits} AS p{place}" for place in places)
    number = " + ".join(f"p{place}.d * {10**place}" for place in places)
    return f"(SELECT {number} AS seq FROM {joined} HAVING seq BETWEEN 1 AND {most}) AS n"


@contextmanager
def mariadb_server() -> Iterator[Server]:
    """A MariaDB that runs as long as the context. Raises NotInstalled."""
    install, program = shutil.which("mariadb-install-db"), shutil.which("mariadbd") or "/usr/sbin/mariadbd"
    if install is None or not Path(program).exists():
        raise NotInstalled("MariaDB")
    prepare = [install, "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]
    with servers_folder() as where:
        yield from _mysql_family(where / "my", program, prepare)


@contextmanager
def mysql_server() -> Iterator[Server]:
    """A MySQL that runs as long as the context. Raises NotInstalled."""
    program = shutil.which(os.environ.get("PODADMIN_MYSQLD", "mysqld"))
    if program is None:
        raise NotInstalled("MySQL")
    version = subprocess.run([program, "--no-defaults", "--version"], check=True, capture_output=True, text=True)
    if "MariaDB" in version.stdout:
        raise NotInstalled("MySQL")
    with servers_folder() as where:
        yield from _mysql_family(where / "my", program, [program, "--no-defaults", "--initialize-insecure"])


def _mysql_family(folder: Path, program: str, prepare: list[str]) -> Iterator[Server]:
    data = folder / "data"
    somebody = _somebody()
    subprocess.run(["mkdir", str(folder)], check=True, **somebody)
    subprocess.run([*prepare, f"--datadir={data}"], check=True, capture_output=True, **somebody)
    _certificate(folder, "db.example")
    port = free_port()
    process = subprocess.Popen(
        [program, "--no-defaults", f"--datadir={data}", f"--socket={folder}/socket", f"--port={port}",
         "--bind-address=127.0.0.1", f"--pid-file={folder}/pid", f"--ssl-cert={folder}/server.crt",
         f"--ssl-key={folder}/server.key", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M",
         f"--log-error={folder}/log", "--character-set-server=utf8mb4", f"--tmpdir={folder}",
         f"--secure-file-priv={folder}", "--loose-mysqlx=OFF"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **somebody,
    )  # fmt: skip
    server = Server("mysql", folder, port, {"unix_socket": f"{folder}/socket", "user": "root"})
    try:
        _until_it_answers(server, process)
        server.run(
            "CREATE DATABASE clinic",
            f"CREATE USER {READER} IDENTIFIED BY '{PASSWORD}'",
            f"CREATE USER {WRITER}",
            f"GRANT SELECT ON clinic.* TO {READER}",
            f"GRANT SELECT, INSERT, UPDATE ON clinic.* TO {WRITER}",
        )
        server.admin["database"] = "clinic"
        yield server
    finally:
        process.terminate()
        process.wait(60)


def _until_it_answers(server: Server, process: subprocess.Popen[bytes]) -> None:
    pause = threading.Event()
    for _ in range(600):
        with suppress(pymysql.err.OperationalError), server.connect():
            return
        assert process.poll() is None, (server.folder / "log").read_text()
        pause.wait(0.1)
    raise AssertionError("the server does not answer")
