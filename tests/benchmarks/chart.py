"""What an update of the live chart costs the kernel: time, and bytes on the wire.

Run ``python tests/benchmarks/chart.py``. A real kernel holds a chart with 4 series of 10,000
points each, and adds 10 points to each series twice a second, as four quick runs would.
"""

from __future__ import annotations

import json

from jupyter_client.manager import start_new_kernel

SETUP = """
import math, statistics, time
from workbench.panels.chart import LiveChart
chart = LiveChart()
keys = [f"run-{run}/train" for run in range(4)]
for key in keys:
    chart.add_series(key, key)
    chart.append(key, range(10_000), [math.exp(-step / 3000) for step in range(10_000)])
chart.flush()
"""
UPDATE = """
times = []
for update in range(20):
    for key in keys:
        for step in range(10):
            chart.append(key, 10_000 + 10 * update + step, 0.1)
    began = time.perf_counter()
    chart.flush()
    times.append(time.perf_counter() - began)
    time.sleep(0.5)
print("flush", statistics.median(times) * 1e3, max(times) * 1e3)
began = time.perf_counter()
chart.get_state("_history")
print("snapshot", (time.perf_counter() - began) * 1e3)
"""


def main() -> None:
    """Print the figures."""
    manager, client = start_new_kernel()
    updates: list[int] = []
    buffered: list[int] = []

    def listen(message: dict) -> None:
        content = message["content"]
        if message["msg_type"] == "stream":
            print(content["text"], end="")
        elif message["msg_type"] == "error":
            raise RuntimeError("\n".join(content["traceback"]))
        elif message["msg_type"] == "comm_msg" and content["data"].get("method") == "custom":
            buffers = sum(len(memoryview(buffer).cast("B")) for buffer in message["buffers"])
            buffered.append(buffers)
            updates.append(buffers + len(json.dumps(content)))

    try:
        client.execute_interactive(SETUP, output_hook=listen, timeout=120)
        updates.clear(), buffered.clear()
        print("median and worst milliseconds:")
        client.execute_interactive(UPDATE, output_hook=listen, timeout=120)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    print(f"{len(updates)} updates of {max(updates)} bytes, {max(buffered)} of them points")


if __name__ == "__main__":
    main()
