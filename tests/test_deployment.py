"""Rules for the Compose files, the files of docs/deploy/ and the Dockerfile, checked without a Docker engine."""

import json
import re
import shutil
import subprocess
import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

import api
from api.config import Settings
from api.config.doors import open_doors

ROOT = Path(__file__).parent.parent
NODES = ("node1", "node2")
HARMLESS_INSTRUCTIONS = ("LABEL", "ENV", "ARG", "WORKDIR", "EXPOSE", "STOPSIGNAL", "VOLUME", "USER")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return loaded


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = compose["services"]
    return found


@pytest.fixture(scope="module")
def nginx(compose: dict[str, Any]) -> str:
    content: str = compose["configs"]["nginx"]["content"]
    return content


@pytest.fixture(scope="module")
def stages() -> list[list[tuple[str, str]]]:
    """The Dockerfile's instructions, (name, rest of the line), stage by stage."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    found: list[list[tuple[str, str]]] = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, rest = line.split(maxsplit=1)
        if name == "FROM":
            found.append([])
        found[-1].append((name, " ".join(rest.split())))
    return found


def instructions(stage: list[tuple[str, str]], name: str) -> list[str]:
    return [rest for found, rest in stage if found == name]


# -- compose.yaml


def test_only_the_proxy_publishes_a_port_and_only_on_loopback(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"proxy": ["127.0.0.1:8080:8080"]}
    assert all("network_mode" not in service for service in services.values())


def test_the_proxy_cannot_reach_the_database_and_the_database_cannot_reach_out(
    compose: dict[str, Any],
) -> None:
    services = compose["services"]
    assert services["rethinkdb"]["networks"] == ["back"]
    assert services["proxy"]["networks"] == ["front"]
    assert compose["networks"]["back"]["internal"] is True


def test_every_password_is_a_variable_that_must_be_set() -> None:
    text = (ROOT / "compose.yaml").read_text()
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    passwords = re.findall(r"//\w+:(.*?)@\w+:28015", code) + re.findall(r"initial-password=(.*)", code)
    assert len(passwords) == 4
    for password in passwords:
        assert re.fullmatch(r"\$\{TAILWIRE_(ADMIN|APP)_PASSWORD:\?[^}]+\}", password), password


def test_no_password_stands_on_a_command_line(services: dict[str, Any]) -> None:
    for name, service in services.items():
        arguments = json.dumps(
            [service.get("command"), service.get("entrypoint"), service.get("healthcheck")]
        )
        assert "password" not in arguments.lower(), name
        assert "PASSWORD" not in arguments, name


def test_the_nodes_never_see_the_admin_password(services: dict[str, Any]) -> None:
    for name in NODES:
        assert "ADMIN" not in json.dumps(services[name])
    assert "TAILWIRE_ADMIN_PASSWORD" in services["init"]["environment"]["TAILWIRE_ADMIN"]


def test_init_makes_the_user_that_the_nodes_are(services: dict[str, Any]) -> None:
    stores = {services[name]["environment"]["TAILWIRE_STORE"] for name in ("init", *NODES)}
    assert len(stores) == 1


def test_all_nodes_run_one_image_which_one_service_builds(services: dict[str, Any]) -> None:
    assert services["node1"] == services["node2"]
    assert {services[name]["image"] for name in ("init", *NODES)} == {f"tailwire:{api.__version__}"}
    assert [name for name, service in services.items() if "build" in service] == ["init"]


def test_each_part_waits_for_what_it_needs(services: dict[str, Any]) -> None:
    conditions = {
        name: {needed: how["condition"] for needed, how in service.get("depends_on", {}).items()}
        for name, service in services.items()
    }
    assert conditions == {
        "rethinkdb": {},
        "init": {"rethinkdb": "service_healthy"},
        "node1": {"init": "service_completed_successfully"},
        "node2": {"init": "service_completed_successfully"},
        "proxy": {"node1": "service_healthy", "node2": "service_healthy"},
    }


def test_the_database_is_pinned_has_no_web_console_and_is_probed(services: dict[str, Any]) -> None:
    rethinkdb = services["rethinkdb"]
    assert rethinkdb["image"] == "rethinkdb:2.4.4-bookworm-slim"
    assert "--no-http-admin" in rethinkdb["command"]
    assert rethinkdb["volumes"] == ["rethinkdb:/data"]
    assert "/dev/tcp/127.0.0.1/28015" in rethinkdb["healthcheck"]["test"][-1]


def test_what_faces_the_network_runs_with_little_power(services: dict[str, Any]) -> None:
    for name in ("init", *NODES):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
    for name, service in services.items():
        assert "no-new-privileges:true" in service["security_opt"], name
        assert not service.get("privileged"), name


def test_the_proxy_carries_websockets_and_says_who_the_client_is(nginx: str) -> None:
    for needed in (
        "proxy_http_version 1.1;",
        "proxy_set_header Upgrade $$http_upgrade;",
        "proxy_set_header Connection $$connection_upgrade;",
        "proxy_set_header Host $$http_host;",
        "proxy_set_header X-Forwarded-For $$remote_addr;",
        "proxy_set_header X-Forwarded-Proto $$client_scheme;",
        "proxy_read_timeout 1h;",
    ):
        assert needed in nginx
    for name in NODES:
        assert f"server {name}:8000" in nginx


def test_the_nodes_believe_the_proxy_and_not_the_world(services: dict[str, Any]) -> None:
    for name in NODES:
        trusted = services[name]["environment"]["TAILWIRE_TRUSTED_PROXIES"].split(",")
        assert all(ip_network(network).is_private for network in trusted)


def test_the_nodes_and_the_image_run_in_production_mode_and_answer_at_named_hosts(
    services: dict[str, Any], stages: list[list[tuple[str, str]]]
) -> None:
    assert "TAILWIRE_PRODUCTION=true" in " ".join(instructions(stages[-1], "ENV"))
    for name in NODES:
        environment = services[name]["environment"]
        default = {
            key: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", environment[key])
            for key in ("TAILWIRE_PRODUCTION", "TAILWIRE_URL", "TAILWIRE_HOSTS", "TAILWIRE_TRUSTED_PROXIES")
        }
        settings: dict[str, Any] = {
            key.removeprefix("TAILWIRE_").lower(): value for key, value in default.items()
        }
        assert open_doors(Settings(host="0.0.0.0", **settings)) == []  # noqa: S104


def test_the_proxy_logs_no_query_string_and_no_secret_of_a_path(nginx: str) -> None:
    (log_format,) = re.findall(r"log_format (.*);", nginx)
    (shown,) = re.findall(r"map \$\$uri \$\$shown_uri \{\s*default \$\$uri;\s*(.*?)\s*\}", nginx, re.DOTALL)
    assert "(?:hooks|invites|files))/ $$before/*;" in shown
    assert "$$shown_uri" in log_format
    for leaky in (
        "$$uri",
        "$$request ",
        '$$request"',
        "$$request_uri",
        "$$args",
        "$$query_string",
        "$$http_",
    ):
        assert leaky not in log_format
    assert re.findall(r"access_log (.*);", nginx) == ["/dev/stdout tailwire"]


def test_every_dollar_of_an_inline_file_is_escaped_or_a_required_variable(compose: dict[str, Any]) -> None:
    for config in compose["configs"].values():
        left = re.sub(r"\$\$|\$\{\w+:\?[^}]+\}", "", config["content"])
        assert "$" not in left


# -- compose.sqlite.yaml and docs/deploy/


@pytest.fixture(scope="module")
def small() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "compose.sqlite.yaml").read_text())
    return loaded


def test_the_small_setup_publishes_only_its_proxy(small: dict[str, Any]) -> None:
    published = [name for name, service in small["services"].items() if "ports" in service]
    assert published == ["proxy"]
    assert small["services"]["tailwire"]["networks"] == ["inside"]
    assert small["networks"]["inside"]["internal"] is True


def test_the_small_setup_leaves_no_door_open(small: dict[str, Any]) -> None:
    environment = small["services"]["tailwire"]["environment"]
    said = {
        name.removeprefix("TAILWIRE_").lower(): re.sub(r"\$\{\w+:\?[^}]+\}", "chat.example.org", value)
        for name, value in environment.items()
    }
    settings: dict[str, Any] = said
    assert open_doors(Settings(host="0.0.0.0", **settings)) == []  # noqa: S104
    assert said["url"] == "https://chat.example.org"
    assert all(ip_network(network).is_private for network in said["trusted_proxies"].split(","))
    for service in small["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_caddy_of_the_small_setup_is_the_one_of_the_documents(small: dict[str, Any]) -> None:
    shown = (ROOT / "docs" / "deploy" / "Caddyfile").read_text()
    expected = shown[shown.index("chat.example.org {") :].replace("127.0.0.1:8000", "tailwire:8000")
    content = re.sub(r"\$\{\w+:\?[^}]+\}", "chat.example.org", small["configs"]["caddy"]["content"])
    assert content.split() == expected.split()


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    unit = (ROOT / "docs" / "deploy" / "tailwire.service").read_text()
    settings = dict(re.findall(r"(TAILWIRE_\w+)=(\S+)", unit))
    assert set(settings) <= {f"TAILWIRE_{name.upper()}" for name in Settings.model_fields}
    assert "DynamicUser=yes" in unit
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("NOT TESTED: there is no systemd-analyze on this machine")
    path = tmp_path / "tailwire.service"
    path.write_text(unit.replace("/opt/tailwire/.venv/bin/tailwire", "/bin/true"))
    done = subprocess.run([program, "verify", str(path)], capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.returncode, done.stderr) == (0, "")


# -- Dockerfile


def test_the_image_runs_as_a_numbered_user_that_is_not_root(stages: list[list[tuple[str, str]]]) -> None:
    assert instructions(stages[-1], "USER") == ["10001:10001"]
    assert stages[-1].index(("USER", "10001:10001")) > max(
        at for at, (name, _) in enumerate(stages[-1]) if name in {"RUN", "COPY"}
    )


def test_the_image_keeps_its_data_in_one_volume(stages: list[list[tuple[str, str]]]) -> None:
    environment = " ".join(instructions(stages[-1], "ENV"))
    assert instructions(stages[-1], "VOLUME") == ["/data"]
    assert "TAILWIRE_STORE=sqlite:////data/tailwire.db" in environment
    assert "TAILWIRE_HOST=0.0.0.0" in environment


def test_the_image_holds_no_secret_and_no_build_tool(stages: list[list[tuple[str, str]]]) -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert not re.search(r"password|secret|token", text, re.IGNORECASE)
    assert all(name != "ADD" for stage in stages for name, _ in stage)
    assert all("--from=" in source for source in instructions(stages[-1], "COPY"))


def test_the_image_installs_only_what_the_locks_name(stages: list[list[tuple[str, str]]]) -> None:
    commands = [command for stage in stages for command in instructions(stage, "RUN")]
    installs = [command for command in commands if '"install"' in command]
    assert len(installs) == 2
    assert all('"--require-hashes"' in command or '"--no-deps"' in command for command in installs)
    assert '["npm", "ci"]' in commands


def test_the_image_runs_its_commands_without_a_shell(stages: list[list[tuple[str, str]]]) -> None:
    assert instructions(stages[-1], "ENTRYPOINT") == ['["tailwire"]']
    assert instructions(stages[-1], "CMD") == ['["serve"]']
    (health,) = instructions(stages[-1], "HEALTHCHECK")
    command = json.loads(health[health.index("CMD") + 3 :])
    assert command[:2] == ["python", "-c"]
    assert "/healthz" in command[2]
    compile(command[2], "HEALTHCHECK", "exec")


def test_only_known_instructions_are_used(stages: list[list[tuple[str, str]]]) -> None:
    known = {"FROM", "COPY", "RUN", "HEALTHCHECK", "ENTRYPOINT", "CMD", *HARMLESS_INSTRUCTIONS}
    assert {name for stage in stages for name, _ in stage} <= known


def test_every_version_is_the_same_one(
    compose: dict[str, Any], small: dict[str, Any], stages: list[list[tuple[str, str]]]
) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    labels = " ".join(instructions(stages[-1], "LABEL"))
    frontend = json.loads((ROOT / "frontend" / "package.json").read_text())
    assert project["version"] == api.__version__ == frontend["version"]
    assert f'image.version="{api.__version__}"' in labels
    for setup in (compose, small):
        assert f"tailwire:{api.__version__}" in {service["image"] for service in setup["services"].values()}


def test_what_goes_into_the_image_is_listed_by_name() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    assert not any(
        ".git" in line or ".env" in line or "data" in line for line in lines if line.startswith("!")
    )
