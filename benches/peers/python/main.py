"""Runs contenders for the Rust side: a line of JSON in, a line of JSON out (src/bin/gru-peers/python.rs).

main.py MODELS                               answer requests until there are no more
main.py --start MODULE CLASS MODELS SHAPE    one step, and the memory that it took
"""

import json
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from time import perf_counter_ns

import contenders
from contenders import Layer


def outputs(contender, mode: str, windows: int) -> list[float]:
    """The hidden states of so many windows from the zero state on."""
    contender.reset()
    states = []
    for _ in range(windows):
        if mode == "window":
            contender.window()
            states += contender.outputs().ravel().tolist()
        else:
            for row in contender.rows:
                contender.steps([row])
                states += contender.state().ravel().tolist()
    return states


def run(contender, mode: str, windows: int):
    if mode == "window":
        for _ in range(windows):
            contender.window()
    else:
        for _ in range(windows):
            contender.steps(contender.rows)


def time(contender, mode: str, windows: int) -> int:
    """Nanoseconds; before them some runs that bring code and weights into the caches."""
    run(contender, mode, -(-windows // 8))
    start = perf_counter_ns()
    run(contender, mode, windows)
    return perf_counter_ns() - start


TASKS = {"outputs": outputs, "time": time}


def answer(value):
    print(json.dumps(value), flush=True)


def serve(models: Path):
    known, missing = contenders.available()
    descriptions = [
        {
            "name": contender.name,
            "version": version(contender.package),
            "precision": contender.precision,
            "bytes": contenders.size(contender.package),
            "module": contender.__module__,
            "class": contender.__name__,
        }
        for contender in known
    ]
    answer({"contenders": descriptions, "missing": missing})
    streams = {}
    for line in sys.stdin:
        request = json.loads(line)
        key = request["contender"], request["shape"]
        if key not in streams:
            contender, layer = known[key[0]], Layer(models, key[1])
            contender.prepare(layer)
            streams[key] = contender(layer)
        answer(TASKS[request["task"]](streams[key], request["mode"], request["windows"]))


def start(module: str, name: str, models: str, shape: str):
    """Only the packages of one contender are imported."""
    contender = getattr(import_module(module), name)(Layer(Path(models), shape))
    contender.steps(contender.rows[:1])
    status = Path("/proc/self/status")
    peak = 0
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        peak = int(lines["VmHWM"].split()[0])
    print(float(contender.state().ravel()[0]), peak, flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--start", module, name, models, shape]:
            start(module, name, models, shape)
        case [models]:
            serve(Path(models))
        case _:
            sys.exit(__doc__)
