"""The server under load, on loopback: `python benchmarks/serve.py compare --weights FOLDER --infinity BIN`.

compare  32 clients with 50 short passages each, compared with Infinity with the same weights: FOLDER is a standard BERT
         cross-encoder with its model.onnx, and BIN the `infinity_emb` of an environment of its own. Every server gets
         the same requests in turn, no pair twice, without our score cache. Then one client, compared with the same
         model in process. The output names a variant of Infinity that does not start.
flood    200 clients for a minute with a short queue: their answers, whether scores were right, and memory.
stop     SIGTERM under load: whether every accepted request was answered.
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
class Tally:
    """The answers to the clients of one run."""

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
    """Start a server as a process in `folder`, wait until it answers, and end it with SIGTERM."""
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


async def ask(client: httpx.AsyncClient, body: dict[str, Any], tally: Tally) -> dict[str, Any] | None:
    began = time.perf_counter()
    try:
        answer = await client.post("/rerank", json=body)
    except httpx.HTTPError as error:
        kind = type(error).__name__
        tally.lost[kind] = tally.lost.get(kind, 0) + 1
        return None
    tally.codes[answer.status_code] = tally.codes.get(answer.status_code, 0) + 1
    if answer.status_code != 200:
        return None
    tally.seconds.append(time.perf_counter() - began)
    return answer.json()


async def load(port: int, bodies: list[list[dict[str, Any]]]) -> tuple[Tally, float]:
    """Send each list of bodies as one client, one body after the other."""
    tally = Tally()
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=300, limits=limits) as client:

        async def client_of(mine: list[dict[str, Any]]) -> None:
            for body in mine:
                await ask(client, body, tally)

        began = time.perf_counter()
        await asyncio.gather(*(client_of(mine) for mine in bodies))
        return tally, time.perf_counter() - began


def compare(options: argparse.Namespace) -> dict[str, Any]:
    texts, out, missing = corpus(), {}, {}
    with contextlib.ExitStack() as stack:
        ports, folder = {"shortlist": PORT}, str(options.weights)
        started = stack.enter_context(server(ours(PORT, "--reranker", folder, "--cache-mb", "0"), PORT))
        pids = {"shortlist": started.pid}
        for place, (name, flags) in enumerate(INFINITY.items(), start=1):
            if options.only and options.only not in name:
                continue
            # From inside the folder: the ONNX engine appends the given path twice.
            command = [str(options.infinity.resolve()), "v2", "--model-id", ".", "--served-model-name", "standin"]
            command += ["--device", "cpu", "--host", "127.0.0.1", "--port", str(PORT + place), *flags]
            try:
                quiet = {"DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1"}
                started = stack.enter_context(server(command, PORT + place, folder=options.weights, **quiet))
                ports[name], pids[name] = PORT + place, started.pid
            except RuntimeError as error:
                missing[name] = str(error)
                print(f"not measured: {name} ({error})")
        print("measuring", flush=True)
        out["same_scores"] = same_scores(ports, texts)
        out["32 clients"] = many(ports, pids, texts, options.rounds, options.each)
        if options.single:
            out["1 client"] = single(options.weights, texts, options.single)
    return {"cores": len(os.sched_getaffinity(0)), "not_measured": missing, **out}


def same_scores(ports: dict[str, int], texts: Corpus) -> dict[str, float]:
    """Return the largest difference of a raw score to ours, over one request."""
    body, scores = texts.request(), {}
    for name, port in ports.items():
        answer = httpx.post(f"http://127.0.0.1:{port}/rerank", json=body, timeout=300).json()
        scores[name] = {row["index"]: row["relevance_score"] for row in answer["results"]}
    mine = scores.pop("shortlist")
    out = {name: round(max(abs(mine[i] - row[i]) for i in mine), 4) for name, row in scores.items()}
    print("largest difference of a raw score:", out, flush=True)
    return out


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds of a process and its threads, which vary less than the wall clock on a busy machine."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def many(ports: dict[str, int], pids: dict[str, int], texts: Corpus, rounds: int, each: int) -> dict[str, Any]:
    """Run all servers in each round; return the medians of the rounds, and of the ratios of each round to ours."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in ports}
    for number in range(rounds):
        bodies = [[texts.request() for _ in range(each)] for _ in range(CLIENTS)]
        for name, port in ports.items():
            before = cpu_seconds(pids[name])
            tally, wall = asyncio.run(load(port, bodies))
            used = (cpu_seconds(pids[name]) - before) / (CLIENTS * each * PASSAGES) * 1000
            rows[name].append({**tally.row(wall), "cpu_s_per_1000_pairs": round(used, 2)})
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


def single(folder: Path, texts: Corpus, rounds: int) -> dict[str, Any]:
    """Run one client and the same model in this process in turn; return medians and the median ratio."""
    from shortlist import CrossEncoder

    model = CrossEncoder(str(folder))
    client = httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=300)
    inside, outside, difference = [], [], 0.0
    for number in range(-3, rounds):
        body = texts.request()
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


async def hammer(port: int, clients: int, seconds: float, bodies: list[dict[str, Any]], right: list[Any]) -> Tally:
    """Send requests without a pause until the time is up, each with a body whose right scores are known."""
    tally, until = Tally(), time.perf_counter() + seconds
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=120, limits=limits) as client:

        async def client_of(number: int) -> None:
            while time.perf_counter() < until:
                which = number % len(bodies)
                number += 1
                answer = await ask(client, bodies[which], tally)
                if answer is None:
                    await asyncio.sleep(0.2)
                    continue
                scores = {row["index"]: row["relevance_score"] for row in answer["results"]}
                expected = right[which]
                same_length = len(scores) == len(expected)
                if not same_length or any(abs(scores[i] - score) > 0.01 for i, score in enumerate(expected)):
                    tally.wrong += 1

        await asyncio.wait_for(asyncio.gather(*(client_of(number) for number in range(clients))), seconds + 120)
    return tally


def resident(process: subprocess.Popen[bytes]) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) // 1024


def flood(options: argparse.Namespace) -> dict[str, Any]:
    from shortlist import CrossEncoder

    texts = corpus()
    bodies = [texts.request(10) for _ in range(40)]
    model = CrossEncoder(str(options.weights)) if options.weights else CrossEncoder()
    right = [model.score(body["query"], body["documents"]) for body in bodies]
    more = ["--queue", "200", "--max-documents", "100", "--cache-mb", "0"]
    more += ["--reranker", str(options.weights)] if options.weights else []
    with server(ours(PORT, *more), PORT) as process:
        print("measuring", flush=True)
        asyncio.run(hammer(PORT, 32, 5, bodies, right))
        memory = [resident(process)]
        tally = asyncio.run(hammer(PORT, options.clients, options.seconds, bodies, right))
        memory.append(resident(process))
        after = asyncio.run(hammer(PORT, 4, 3, bodies, right))
    row = {
        "codes": tally.codes,
        "lost": tally.lost,
        "wrong": tally.wrong,
        "p95_ms_of_200s": round(float(np.percentile(tally.seconds, 95)) * 1000),
        "memory_MiB_before_after": memory,
        "then_4_clients": {"codes": after.codes, "lost": after.lost, "wrong": after.wrong},
    }
    print(row)
    return row


def stop(options: argparse.Namespace) -> dict[str, Any]:
    """Send one request of each client, and SIGTERM when the server has them all."""
    texts = corpus()
    bodies = [[texts.request(20)] for _ in range(40)]

    async def run(process: subprocess.Popen[bytes]) -> Tally:
        task = asyncio.ensure_future(load(PORT, bodies))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{PORT}") as client:
            while f"shortlist_requests_in_flight {len(bodies)}.0" not in (await client.get("/metrics")).text:
                await asyncio.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        return (await task)[0]

    with server(ours(PORT, "--cache-mb", "0"), PORT) as process:
        tally = asyncio.run(run(process))
        code = process.wait(30)
    row = {"accepted": len(bodies), "codes": tally.codes, "lost": tally.lost, "exit": code}
    print(row)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["compare", "flood", "stop"])
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--infinity", type=Path)
    parser.add_argument("--only", help="Only the variants of Infinity whose name contains this.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--each", type=int, default=2, help="Requests of each of the 32 clients in a round.")
    parser.add_argument("--single", type=int, default=20)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--save")
    options = parser.parse_args()
    out = {"compare": compare, "flood": flood, "stop": stop}[options.what](options)
    if options.save:
        target = ROOT / "benchmarks" / "results" / options.save
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
