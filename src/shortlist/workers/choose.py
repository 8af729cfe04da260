"""Which workers a run uses: processes of this machine, or a Ray cluster."""

from __future__ import annotations

from shortlist.errors import InvalidInput
from shortlist.inference.devices import CUDA
from shortlist.workers.base import Workers


def choose_workers(
    workers: int | None = None, ray: str | None = None, *, threads: int | None = None, device: str = "auto"
) -> Workers:
    """Return the workers of a run. Nothing is started.

    Args:
        workers: The number of workers. None: one process here, or every CPU of the cluster.
        ray: "auto" for the cluster of this machine, or the address of one, such as "ray://host:10001". None: processes
            of this machine.
        threads: The CPU cores of one worker. None: the cores of this machine divided by the number of workers, at least
            one; on a cluster, one.
        device: The device of the models. On a cluster, a worker with "cuda" or "torch:cuda" takes one GPU.

    Raises:
        InvalidInput: `workers` or `threads` is below 1, or `ray` is empty.
        MissingExtra: `ray` is given, and the ray extra is not installed.
    """
    for name, number in (("workers", workers), ("threads", threads)):
        if number is not None and number < 1:
            raise InvalidInput(f"{name} must be at least 1, not {number}", field=name)
    if ray is None:
        from shortlist.workers.local import LocalWorkers

        return LocalWorkers(workers or 1, threads)
    if not ray.strip():
        raise InvalidInput('ray is empty: give "auto", or an address such as ray://host:10001', field="ray")
    from shortlist.workers.on_ray import RayWorkers

    return RayWorkers(ray, workers, threads or 1, gpus=1 if device.strip().lower().endswith(CUDA) else 0)
