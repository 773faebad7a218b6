"""The real proxies of ``deploy/``: nginx, Apache, and Caddy in two versions, on loopback, with TLS.

Each runs its file as it is, except for the name, the certificate, the ports and the folders.
"""

import contextlib
import json
import os
import pwd
import re
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.support.postgres import free_port
from tests.support.process_node import TICK
from tests.support.time_limits import HANG_TIMEOUT

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
GUIDE: Final = DEPLOY.parent / "docs" / "how-to" / "behind-a-proxy.md"
NGINX: Final = Path("/usr/sbin/nginx")
APACHE: Final = Path("/usr/sbin/apache2")
CADDY_OF_DEBIAN: Final = Path("/usr/bin/caddy")
CADDY_OF_PYPI: Final = Path(sys.executable).parent / "caddy"
APACHE_MODULES: Final = (
    *("mpm_event", "authz_core", "alias", "reqtimeout"),  # enabled in Debian without a command
    *("ssl", "headers", "proxy", "proxy_http"),
)


class ReverseProxy:
    """A running proxy, and what it has logged."""

    def __init__(self, folder: Path, port: int, authority: Path, command: Sequence[Any]) -> None:
        self.folder = folder
        self.port = port
        self.authority = authority
        self._output = (folder / "output.log").open("wb")
        self._process = subprocess.Popen(
            command,
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
        )

    @property
    def origin(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.authority)

    @property
    def log(self) -> str:
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def client(self, address: str = "127.0.0.1") -> httpx.AsyncClient:
        """Return an HTTP client that connects from an address of loopback."""
        return httpx.AsyncClient(
            base_url=self.origin,
            transport=httpx.AsyncHTTPTransport(verify=self.tls, local_address=address),
            timeout=HANG_TIMEOUT,
        )

    def wait(self, path: str, *statuses: int) -> None:
        """Wait until it answers a health check below a path with one of the statuses."""
        deadline = time.monotonic() + HANG_TIMEOUT
        with httpx.Client(verify=False, trust_env=False, timeout=HANG_TIMEOUT) as client:
            while True:
                assert self._process.poll() is None, self.log
                assert time.monotonic() < deadline, self.log
                with contextlib.suppress(httpx.TransportError):
                    if client.get(f"{self.origin}{path}/api/health/live").status_code in statuses:
                        return
                time.sleep(TICK)

    def end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(HANG_TIMEOUT)
        finally:
            self._process.kill()
            self._process.wait(HANG_TIMEOUT)
            self._output.close()


def nginx(folder: Path, node: str, path: str) -> ReverseProxy:
    """Start ``deploy/nginx.conf``."""
    _assert_installed(NGINX, "nginx")
    port, authority = free_port(), _make_certificate(folder)
    text = _with_own_places(
        DEPLOY / "nginx.conf",
        folder,
        node,
        path,
        {"443 ssl": f"127.0.0.1:{port} ssl", "/var/log/nginx": folder},
    )
    text = text.replace(f"    listen [::]:127.0.0.1:{port} ssl http2;\n", "")
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\n{text}\n}}\n"
    )
    return ReverseProxy(folder, port, authority, [NGINX, "-p", folder, "-c", config])


def apache(folder: Path, node: str, path: str) -> ReverseProxy:
    """Start ``deploy/apache.conf`` with the modules that its first lines name."""
    _assert_installed(APACHE, "apache2-bin")
    port, authority = free_port(), _make_certificate(folder)
    text = _with_own_places(
        DEPLOY / "apache.conf", folder, node, path, {"*:443": f"127.0.0.1:{port}"}
    )
    lines = [
        f"ServerRoot {folder}",
        f"PidFile {folder}/pid",
        f"ErrorLog {folder}/error.log",
        f"Define APACHE_LOG_DIR {folder}",
        f"Listen 127.0.0.1:{port}",
        "ServerName localhost",
        *(
            f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
            for name in APACHE_MODULES
        ),
    ]
    if os.geteuid() == 0:
        lines += ["User nobody", f"Group #{pwd.getpwnam('nobody').pw_gid}"]
    config = folder / "apache.conf"
    config.write_text("\n".join([*lines, text]))
    return ReverseProxy(folder, port, authority, [APACHE, "-f", config, "-D", "FOREGROUND"])


def caddy_of_debian(folder: Path, node: str, path: str) -> ReverseProxy:
    """Start ``deploy/Caddyfile`` with the oldest version that it is for."""
    _assert_installed(CADDY_OF_DEBIAN, "caddy")
    return _caddy(CADDY_OF_DEBIAN, folder, node, path)


def caddy_of_pypi(folder: Path, node: str, path: str) -> ReverseProxy:
    """Start ``deploy/Caddyfile`` with the version of ``deploy/compose.yaml``."""
    return _caddy(CADDY_OF_PYPI, folder, node, path)


KINDS: Final[tuple[Callable[[Path, str, str], ReverseProxy], ...]] = (
    nginx,
    apache,
    caddy_of_debian,
    caddy_of_pypi,
)


@contextlib.contextmanager
def running(
    kind: Callable[[Path, str, str], ReverseProxy],
    folder: Path,
    node: str,
    path: str = "",
    *,
    gone: bool = False,
) -> Iterator[ReverseProxy]:
    """Run a proxy in front of a node, ``HOST:PORT``, which it publishes below a path.

    A node that is gone does not answer yet.
    """
    proxy = kind(folder, node, path)
    try:
        proxy.wait(path, *((502, 503) if gone else (200,)))
        yield proxy
    finally:
        proxy.end()


def _caddy(program: Path, folder: Path, node: str, path: str) -> ReverseProxy:
    """Start Caddy with its file on ports of its own, behind an absent node."""
    port, absent = free_port(), f"127.0.0.1:{free_port()}"
    place = {
        "PATH": os.environ["PATH"],
        "SITE": "localhost",
        "NODES": f"{absent} {node}",
        "PREFIX": path,
    }
    adapted = subprocess.run(
        [program, "adapt", "--config", DEPLOY / "Caddyfile"],
        env=place,
        check=True,
        capture_output=True,
        timeout=HANG_TIMEOUT,
    )
    config = json.loads(adapted.stdout)
    http = config["apps"]["http"]
    http |= {"http_port": free_port(), "https_port": port}
    (server,) = http["servers"].values()
    server["listen"] = [f"127.0.0.1:{port}"]
    handlers = [each for each in _handlers(server) if each["handler"] == "reverse_proxy"]
    for handler in handlers:
        del handler["load_balancing"]["try_duration"]  # the absent node stays absent
    made = folder / "caddy.json"
    made.write_text(json.dumps(config))
    authority = folder / ".local/share/caddy/pki/authorities/local/root.crt"
    return ReverseProxy(folder, port, authority, [program, "run", "--config", made])


def _handlers(routes: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for route in routes["routes"]:
        for handler in route["handle"]:
            yield handler
            if "routes" in handler:
                yield from _handlers(handler)


def _with_own_places(file: Path, folder: Path, node: str, path: str, more: dict[str, Any]) -> str:
    """Return a file with what it asks its reader to replace, and with ports and folders of a test.

    ``path`` goes in front of its locations, by the command of the guide.
    """
    text = file.read_text()
    if path:
        (command,) = re.findall(r"sed -E '(.*)'", GUIDE.read_text())
        text = subprocess.run(
            ["sed", "-E", command], input=text, capture_output=True, text=True, check=True
        ).stdout
    places = {
        "/etc/letsencrypt/live/useby.example": folder,
        "127.0.0.1:8000": node,
        "useby.example": "localhost",
    }
    for there, here in (places | more).items():
        assert there in text, there
        text = text.replace(there, str(here))
    return text


def _make_certificate(folder: Path) -> Path:
    """Make a certificate for localhost and return its path."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    path = folder / "fullchain.pem"
    path.write_bytes(certificate.public_bytes(pem))
    return path


def _assert_installed(program: Path, package: str) -> None:
    assert program.exists(), f"{program} is missing; on Debian: apt-get install {package}"
