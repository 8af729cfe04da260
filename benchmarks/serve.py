"""The server under load, on loopback: `python benchmarks/serve.py compare --weights FOLDER --infinity BIN`.

compare  32 clients with 50 short passages each, beside Infinity with the same weights: FOLDER is a standard BERT
         cross-encoder with its model.onnx, and BIN the `infinity_emb` of an environment of its own. Every server
         gets the same requests in turns, no pair twice, our score cache off. Then one client, beside the same model in
         process. A variant of Infinity that does not start is named.
flood    200 clients for a minute against a short queue: what they got, whether scores were right, memory.
stop     SIGTERM under load: whether everything that was accepted was answered.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
CLIENTS, PASSAGES = 32, 50
INFINITY = {
    "Infinity torch (its default)": ["--engine", "torch"],
    "Infinity torch bfloat16": ["--engine", "torch", "--dtype", "bfloat16"],
    "Infinity ONNX": ["--engine", "optimum"],
}
KEYS = ("pairs_per_s", "p50_ms", "p95_ms", "cpu_s_per_1000_pairs")
PORT = 8930


@dataclass
class Corpus:
    """Passages of about 60 words, and queries; `request` never gives the same pair twice."""

    texts: list[str]
    queries: list[str]
    number: int = 0

    def request(self, passages: int = PASSAGES) -> dict[str, Any]:
        self.number += 1
        start = self.number * passages
        query = f"{self.queries[self.number % len(self.queries)]} {self.number}"
        documents = [self.texts[(start + place) % len(self.texts)] for place in range(passages)]
        return {"model": "standin", "query": query, "documents": documents, "raw_scores": True}


@dataclass
class Got:
    """What the clients of one run got."""

    codes: dict[int, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    lost: dict[str, int] = field(default_factory=dict)
    wrong: int = 0

    def row(self, wall: float, passages: int = PASSAGES) -> dict[str, Any]:
        done = self.codes.get(200, 0)
        return {
            "requests_per_s": round(done / wall, 2),
            "pairs_per_s": round(done * passages / wall, 1),
            "p50_ms": round(statistics.median(self.seconds) * 1000),
            "p95_ms": round(float(np.percentile(self.seconds, 95)) * 1000),
            "codes": self.codes,
        }


def corpus() -> Corpus:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import data

    test = data.load("trec_dl19")
    return Corpus([passage.text for passage in test.passages], list(test.queries.values()))


@contextlib.contextmanager
def server(
    command: list[str], port: int, wait: float = 300, folder: Path | None = None, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A server as a process of its own, started in `folder`, once it answers; it is ended by SIGTERM."""
    log = Path(f"/tmp/serve-benchmark-{port}.log").open("wb")  # noqa: SIM115 - held by the process
    process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=log, stderr=log, cwd=folder)
    try:
        until = time.monotonic() + wait
        while True:
            with contextlib.suppress(httpx.HTTPError):
                path = "/health" if "infinity" in command[0] else "/ready"
                if httpx.get(f"http://127.0.0.1:{port}{path}", timeout=5).status_code == 200:
                    break
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(Path(log.name).read_text(errors="replace").strip().splitlines()[-1][:200])
            time.sleep(0.5)
        yield process
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()


def ours(port: int, *more: str) -> list[str]:
    command = [sys.executable, "-m", "shortlist", "serve", "--port", str(port), "--model-name", "*"]
    return [*command, "--log-level", "error", *more]


async def ask(client: httpx.AsyncClient, body: dict[str, Any], got: Got) -> dict[str, Any] | None:
    began = time.perf_counter()
    try:
        answer = await client.post("/rerank", json=body)
    except httpx.HTTPError as error:
        kind = type(error).__name__
        got.lost[kind] = got.lost.get(kind, 0) + 1
        return None
    got.codes[answer.status_code] = got.codes.get(answer.status_code, 0) + 1
    if answer.status_code != 200:
        return None
    got.seconds.append(time.perf_counter() - began)
    return answer.json()


async def load(port: int, bodies: list[list[dict[str, Any]]]) -> tuple[Got, float]:
    """Each list of bodies is one client's, asked one after the other."""
    got = Got()
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=300, limits=limits) as client:

        async def one(mine: list[dict[str, Any]]) -> None:
            for body in mine:
                await ask(client, body, got)

        began = time.perf_counter()
        await asyncio.gather(*(one(mine) for mine in bodies))
        return got, time.perf_counter() - began


def compare(asked: argparse.Namespace) -> dict[str, Any]:
    held, out, missing = corpus(), {}, {}
    with contextlib.ExitStack() as stack:
        ports, folder = {"shortlist": PORT}, str(asked.weights)
        started = stack.enter_context(server(ours(PORT, "--cross-encoder", folder, "--cache-mb", "0"), PORT))
        pids = {"shortlist": started.pid}
        for place, (name, flags) in enumerate(INFINITY.items(), start=1):
            if asked.only and asked.only not in name:
                continue
            # From inside the folder: its ONNX engine looks for the file under the path that it was given, twice over.
            command = [str(asked.infinity.resolve()), "v2", "--model-id", ".", "--served-model-name", "standin"]
            command += ["--device", "cpu", "--host", "127.0.0.1", "--port", str(PORT + place), *flags]
            try:
                quiet = {"DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1"}
                started = stack.enter_context(server(command, PORT + place, folder=asked.weights, **quiet))
                ports[name], pids[name] = PORT + place, started.pid
            except RuntimeError as error:
                missing[name] = str(error)
                print(f"not measured: {name} ({error})")
        print("measuring", flush=True)
        out["same_scores"] = same_scores(ports, held)
        out["32 clients"] = many(ports, pids, held, asked.rounds, asked.each)
        if asked.single:
            out["1 client"] = single(asked.weights, held, asked.single)
    return {"cores": len(os.sched_getaffinity(0)), "not_measured": missing, **out}


def same_scores(ports: dict[str, int], held: Corpus) -> dict[str, float]:
    """The largest difference of a raw score to ours, over one request."""
    body, found = held.request(), {}
    for name, port in ports.items():
        answer = httpx.post(f"http://127.0.0.1:{port}/rerank", json=body, timeout=300).json()
        found[name] = {row["index"]: row["relevance_score"] for row in answer["results"]}
    mine = found.pop("shortlist")
    out = {name: round(max(abs(mine[i] - row[i]) for i in mine), 4) for name, row in found.items()}
    print("largest difference of a raw score:", out, flush=True)
    return out


def cpu_seconds(pid: int) -> float:
    """What a process and its threads have used; on a busy machine this is steadier than the wall clock."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def many(ports: dict[str, int], pids: dict[str, int], held: Corpus, rounds: int, each: int) -> dict[str, Any]:
    """All servers in each round; the medians of the rounds, and of the per-round ratios to ours."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in ports}
    for number in range(rounds):
        bodies = [[held.request() for _ in range(each)] for _ in range(CLIENTS)]
        for name, port in ports.items():
            before = cpu_seconds(pids[name])
            got, wall = asyncio.run(load(port, bodies))
            used = (cpu_seconds(pids[name]) - before) / (CLIENTS * each * PASSAGES) * 1000
            rows[name].append({**got.row(wall), "cpu_s_per_1000_pairs": round(used, 2)})
            print(f"  round {number + 1} {name:30}", rows[name][-1], flush=True)
    out: dict[str, Any] = {}
    for name, mine in rows.items():
        ratio = [a["pairs_per_s"] / b["pairs_per_s"] for a, b in zip(rows["shortlist"], mine, strict=True)]
        cpu = [
            b["cpu_s_per_1000_pairs"] / a["cpu_s_per_1000_pairs"] for a, b in zip(rows["shortlist"], mine, strict=True)
        ]
        p95 = [a["p95_ms"] / b["p95_ms"] for a, b in zip(rows["shortlist"], mine, strict=True)]
        out[name] = {key: statistics.median(row[key] for row in mine) for key in KEYS}
        out[name] |= {"our_throughput_ratio": round(statistics.median(ratio), 2)}
        out[name] |= {"its_cpu_over_ours": round(statistics.median(cpu), 2)}
        out[name] |= {"our_p95_share": round(statistics.median(p95), 2)}
        print(name, out[name], flush=True)
    return out


def single(folder: Path, held: Corpus, rounds: int) -> dict[str, Any]:
    """One client and the same model in this process, in turns; medians of the per-round ratio."""
    from shortlist import CrossEncoder

    model = CrossEncoder(str(folder))
    client = httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=300)
    inside, outside, difference = [], [], 0.0
    for number in range(-3, rounds):
        body = held.request()
        began = time.perf_counter()
        scores = model.score(body["query"], body["documents"])
        between = time.perf_counter()
        rows = client.post("/rerank", json=body).json()["results"]
        done = time.perf_counter()
        difference = max(difference, *(abs(scores[row["index"]] - row["relevance_score"]) for row in rows))
        if number >= 0:
            inside.append(between - began)
            outside.append(done - between)
    ratio = statistics.median(b / a for a, b in zip(inside, outside, strict=True))
    out = {
        "in_process_ms": round(statistics.median(inside) * 1000, 1),
        "server_ms": round(statistics.median(outside) * 1000, 1),
        "ratio": round(ratio, 3),
        "largest_score_difference": round(difference, 5),
    }
    print("one client", out, flush=True)
    return out


async def hammer(port: int, clients: int, seconds: float, bodies: list[dict[str, Any]], right: list[Any]) -> Got:
    """Clients that ask without a pause until the time is up, each with a body whose right scores are known."""
    got, until = Got(), time.perf_counter() + seconds
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=120, limits=limits) as client:

        async def one(number: int) -> None:
            while time.perf_counter() < until:
                which = number % len(bodies)
                number += 1
                answer = await ask(client, bodies[which], got)
                if answer is None:
                    await asyncio.sleep(0.2)
                    continue
                found = {row["index"]: row["relevance_score"] for row in answer["results"]}
                wanted = right[which]
                if len(found) != len(wanted) or any(abs(found[i] - score) > 0.01 for i, score in enumerate(wanted)):
                    got.wrong += 1

        await asyncio.wait_for(asyncio.gather(*(one(number) for number in range(clients))), seconds + 120)
    return got


def resident(process: subprocess.Popen[bytes]) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) // 1024


def flood(asked: argparse.Namespace) -> dict[str, Any]:
    from shortlist import CrossEncoder

    held = corpus()
    bodies = [held.request(10) for _ in range(40)]
    model = CrossEncoder(str(asked.weights)) if asked.weights else CrossEncoder()
    right = [model.score(body["query"], body["documents"]) for body in bodies]
    more = ["--queue", "200", "--max-documents", "100", "--cache-mb", "0"]
    more += ["--cross-encoder", str(asked.weights)] if asked.weights else []
    with server(ours(PORT, *more), PORT) as process:
        print("measuring", flush=True)
        asyncio.run(hammer(PORT, 32, 5, bodies, right))
        memory = [resident(process)]
        got = asyncio.run(hammer(PORT, asked.clients, asked.seconds, bodies, right))
        memory.append(resident(process))
        after = asyncio.run(hammer(PORT, 4, 3, bodies, right))
    row = {
        "codes": got.codes,
        "lost": got.lost,
        "wrong": got.wrong,
        "p95_ms_of_200s": round(float(np.percentile(got.seconds, 95)) * 1000),
        "memory_MiB_before_after": memory,
        "then_4_clients": {"codes": after.codes, "lost": after.lost, "wrong": after.wrong},
    }
    print(row)
    return row


def stop(asked: argparse.Namespace) -> dict[str, Any]:
    """Every client sends one request; SIGTERM comes when the server holds them all."""
    held = corpus()
    bodies = [[held.request(20)] for _ in range(40)]

    async def run(process: subprocess.Popen[bytes]) -> Got:
        task = asyncio.ensure_future(load(PORT, bodies))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{PORT}") as client:
            while f"shortlist_requests_in_flight {len(bodies)}.0" not in (await client.get("/metrics")).text:
                await asyncio.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        return (await task)[0]

    with server(ours(PORT, "--cache-mb", "0"), PORT) as process:
        got = asyncio.run(run(process))
        code = process.wait(30)
    row = {"accepted": len(bodies), "codes": got.codes, "lost": got.lost, "exit": code}
    print(row)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["compare", "flood", "stop"])
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--infinity", type=Path)
    parser.add_argument("--only", help="The variants of Infinity whose name holds this.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--each", type=int, default=2, help="Requests of each of the 32 clients in a round.")
    parser.add_argument("--single", type=int, default=20)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--save")
    asked = parser.parse_args()
    out = {"compare": compare, "flood": flood, "stop": stop}[asked.what](asked)
    if asked.save:
        target = ROOT / "benchmarks" / "results" / asked.save
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
