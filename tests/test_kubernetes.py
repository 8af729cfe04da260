"""The manifests for Kubernetes: YAML that fits together, with probes, options and variables that exist."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from test_docs import parse

FOLDER = Path(__file__).resolve().parent.parent / "examples" / "kubernetes"
FILES = sorted(FOLDER.glob("*.yaml"))
DEPLOYMENTS = [path for path in FILES if path.name.startswith("deployment")]
KINDS = {
    "autoscaler.yaml": ("autoscaling/v2", "HorizontalPodAutoscaler"),
    "deployment.yaml": ("apps/v1", "Deployment"),
    "deployment-qdrant.yaml": ("apps/v1", "Deployment"),
    "disruptions.yaml": ("policy/v1", "PodDisruptionBudget"),
    "kustomization.yaml": ("kustomize.config.k8s.io/v1beta1", "Kustomization"),
    "service.yaml": ("v1", "Service"),
}


def read(name: str | Path):
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def container(path):
    (own,) = read(path)["spec"]["template"]["spec"]["containers"]
    return own


def test_every_file_has_its_kind():
    assert {path.name: (read(path)["apiVersion"], read(path)["kind"]) for path in FILES} == KINDS


def test_the_kustomization_names_files_that_exist():
    listed = read("kustomization.yaml")
    assert set(listed["resources"]) == {name for name in KINDS if "qdrant" not in name and name != "kustomization.yaml"}
    assert [image["name"] for image in listed["images"]] == [container("deployment.yaml")["image"]]


@pytest.mark.parametrize("path", DEPLOYMENTS, ids=lambda path: path.name)
def test_the_probes_are_routes_that_need_no_key(path):
    pytest.importorskip("fastapi", reason="the server extra is not installed")
    from shortlist.server.middleware.keys import OPEN_PATHS
    from shortlist.server.operations import router

    probes = {name: container(path)[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")}
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startup": "/ready", "readiness": "/ready", "liveness": "/health",
    }  # fmt: skip
    routes = {route.path for route in router.routes}
    ports = {port["name"]: port["containerPort"] for port in container(path)["ports"]}
    for probe in probes.values():
        assert probe["path"] in routes & set(OPEN_PATHS)
        assert probe["port"] in ports
    assert f"--port={ports['http']}" in container(path)["args"]


@pytest.mark.parametrize("path", DEPLOYMENTS, ids=lambda path: path.name)
def test_the_command_parses_and_fits_the_pod(path):
    own = container(path)
    context = parse(own["args"])
    assert context.command.name == "serve"
    given = context.params
    assert (given["host"], given["port"]) == ("0.0.0.0", 8800)
    assert str(given["threads"]) == own["resources"]["requests"]["cpu"]
    grace = read(path)["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace >= given["drain"] + 120
    mounts = {mount["mountPath"]: mount["name"] for mount in own.get("volumeMounts", [])}
    volumes = {volume["name"] for volume in read(path)["spec"]["template"]["spec"].get("volumes", [])}
    assert set(mounts.values()) <= volumes
    for index in given["index"] or ():
        assert str(Path(index).parent) in mounts


@pytest.mark.parametrize("path", DEPLOYMENTS, ids=lambda path: path.name)
def test_the_variables_are_those_that_the_code_reads(path):
    sources = "\n".join(file.read_text(encoding="utf-8") for file in (FOLDER.parent.parent / "src").rglob("*.py"))
    for variable in container(path)["env"]:
        assert f'"{variable["name"]}"' in sources


def test_the_parts_select_the_same_pods():
    label = {"app": "shortlist"}
    for path in DEPLOYMENTS:
        assert read(path)["spec"]["selector"]["matchLabels"] == label
        assert read(path)["spec"]["template"]["metadata"]["labels"] == label
    assert read("service.yaml")["spec"]["selector"] == label
    assert read("disruptions.yaml")["spec"]["selector"]["matchLabels"] == label
    target = read("autoscaler.yaml")["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", read("deployment.yaml")["metadata"]["name"])
    (port,) = read("service.yaml")["spec"]["ports"]
    assert port["targetPort"] in {port["name"] for port in container("deployment.yaml")["ports"]}
