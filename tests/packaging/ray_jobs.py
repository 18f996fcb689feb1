"""
Jobs on a local Ray, for a Python that can import the wheel and its extra `ray` alone.

It takes a file with a page's job, the URL of a server that refuses the key, and a folder for Ray.
It prints the rows of the page's job and the errors of the refused one as JSON.
"""

import json
import os
import runpy
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from openrouter_rerank.ray import Reranker

# Neither has types for all that is used here.
pa: Any = import_module("pyarrow")
pq: Any = import_module("pyarrow.parquet")
ray: Any = import_module("ray")


# A class of the main module is sent to the actors by value, as they cannot import this module.
class Marked(Reranker):
    """The callable, which also says in each row which actor reranked it."""

    def __call__(self, batch: Any) -> Any:
        """Add the column `actor`, which holds the process."""
        pids = [os.getpid()] * batch.num_rows
        return super().__call__(batch).append_column("actor", [pids])


def run_page(example: str) -> list[dict[str, Any]]:
    """Run the page's job, which calls the class `Marked`, over the rows in rows.json."""
    rows = json.loads(Path("rows.json").read_text(encoding="utf-8"))
    pq.write_table(pa.Table.from_pylist(rows), "queries.parquet")
    runpy.run_path(example, {"Marked": Marked})
    ranked: list[dict[str, Any]] = pq.read_table("ranked").to_pylist()
    return ranked


def run_refused(server_url: str) -> list[str]:
    """Rerank the batches of a few rows in one actor, and return the error of each row."""
    rows = ray.data.from_items([{"query": "1", "documents": ["1"]}] * 20)
    ranked = rows.map_batches(
        Reranker,
        fn_constructor_kwargs={"model": "m", "server_url": server_url},
        compute=ray.data.ActorPoolStrategy(size=1),
        num_cpus=0.5,
        batch_size=5,
    )
    return [row["error"] for row in ranked.take_all()]


def main(example: str, server_url: str, folder: str) -> None:
    """Run both jobs on one Ray."""
    ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=100 * 1024 * 1024,
        log_to_driver=False,
        _temp_dir=folder,
    )
    became = {"ranked": run_page(example), "refused": run_refused(server_url)}
    ray.shutdown()
    print(json.dumps(became))


if __name__ == "__main__":
    main(*sys.argv[1:])
