"""Work in several processes of this machine, or on a Ray cluster. The worker classes are the same for both."""

from shortlist.workers.base import Answer, Unit, Worker, Workers, in_order
from shortlist.workers.choose import choose_workers

__all__ = ["Answer", "Unit", "Worker", "Workers", "choose_workers", "in_order"]
