"""torch's intra-op threads are set for one thread and no other."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import threading, torch
from workbench.training.runtime.intra_op_threads import use_threads

seen = {}
def work(name, number):
    if number:
        use_threads(number)
    torch.ones(300, 300) @ torch.ones(300, 300)
    seen[name] = torch.get_num_threads()

def run(name, number=None):
    thread = threading.Thread(target=work, args=(name, number))
    thread.start()
    thread.join()

torch.set_num_threads(3)
run("own", 1)
run("fresh")
seen["main"] = torch.get_num_threads()
print(seen)
"""


def test_other_threads_and_new_ones_keep_their_number():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "{'own': 1, 'fresh': 3, 'main': 3}"
