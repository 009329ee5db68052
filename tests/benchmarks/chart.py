"""What an update of the live chart costs the kernel: time, and bytes on the wire.

Run ``python tests/benchmarks/chart.py [RUNS]``. A real kernel holds a chart with 16 runs of 10,000
points each, and adds 10 points to each of them twice a second, as that many quick runs would; each
step has further figures, which no page shows. What a page that is opened again gets, and what a panel
over runs that trained before gets at once, are measured too.
"""

from __future__ import annotations

import json
import sys

from jupyter_client.manager import start_new_kernel

SETUP = """
import math, statistics, time
from workbench.panels.chart.chart import LiveChart
chart = LiveChart()
keys = [f"run-{run}/train" for run in range(RUNS)]
figures = ("learning_rate", "grad_norm", "tokens_per_second", "tokens", "seconds")
for run, key in enumerate(keys):
    chart.add_series(key, key)
    for figure in figures:
        chart.add_series(f"run-{run}/{figure}", key, metric=figure)
"""
BACKLOG = """
for key in keys:
    chart.append(key, range(10_000), [math.exp(-step / 3000) for step in range(10_000)])
began = time.perf_counter()
chart.flush()
print(f"all at once, of {len(keys)} x 10,000 points: {(time.perf_counter() - began) * 1e3:.1f} ms, ", end="")
"""
UPDATE = """
times = []
for update in range(40):
    for key in keys:
        for step in range(10):
            chart.append(key, 10_000 + 10 * update + step, 0.1 * (step % 3))
        steps = range(10_000 + 10 * update, 10_010 + 10 * update)
        for figure in figures:
            chart.append(key.replace("train", figure), steps, [0.5] * 10)
    began = time.perf_counter()
    chart.flush()
    times.append(time.perf_counter() - began)
    time.sleep(0.5)
times.sort()
print(f"an update of {len(keys)} x 10 points: median {statistics.median(times) * 1e3:.2f} ms, "
      f"quartiles {times[10] * 1e3:.2f} to {times[30] * 1e3:.2f}, worst {times[-1] * 1e3:.2f}; ", end="")
"""
RELOAD = """
began = time.perf_counter()
state = chart.get_state("_history")["_history"]
print(f"what a page opened again gets: {(time.perf_counter() - began) * 1e3:.1f} ms, "
      f"{len(state['values']):,} bytes of points")
"""


def main(runs: int = 16) -> None:
    """Print the figures."""
    manager, client = start_new_kernel()
    updates: list[int] = []
    buffered: list[int] = []

    def listen(message: dict) -> None:
        content = message["content"]
        if message["msg_type"] == "stream":
            print(content["text"], end="", flush=True)
        elif message["msg_type"] == "error":
            raise RuntimeError("\n".join(content["traceback"]))
        elif message["msg_type"] == "comm_msg" and content["data"].get("method") == "custom":
            buffers = sum(len(memoryview(buffer).cast("B")) for buffer in message["buffers"])
            buffered.append(buffers)
            updates.append(buffers + len(json.dumps(content)))

    try:
        client.execute_interactive(f"RUNS = {runs}\n{SETUP}", output_hook=listen, timeout=120)
        for cell in (BACKLOG, UPDATE):
            updates.clear(), buffered.clear()
            client.execute_interactive(cell, output_hook=listen, timeout=120)
            print(f"{max(updates):,} bytes, {max(buffered):,} of them points")
        client.execute_interactive(RELOAD, output_hook=listen, timeout=120)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
