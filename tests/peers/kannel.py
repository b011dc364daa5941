#!/usr/bin/env python3
"""Araldo beside Kannel: the same work by the same generator, carrier and callback sink, in one run.

  kannel.py compare HARNESS OUT.jsonl [--reps 3] [--work w1,w1r,w2,w3,w3r,w4]
  kannel.py load    HARNESS OUT.jsonl [--rates 200,1000,...] [--seconds 10]
  kannel.py table   OUT.jsonl
  kannel.py plot    OUT.jsonl PLOT.svg

HARNESS is a folder with a neutral harness: `run.py GATEWAY WORK --reps 1 --opt KEY=VALUE` there runs one gateway
through one workload on loopback and prints a line of JSON. Kannel comes from the distribution (`apt-get install
--no-install-recommends kannel kannel-extras`, its services stopped), with its file store, the fastest it has; it does
not sync. ARALDO_BIN names our binary (a release build). The gateways take turns, repetition by repetition, since the
speed of a machine drifts: the ratio of the medians counts. Nothing else should run beside it.
"""
import argparse
import json
import math
import statistics
import subprocess
import sys
from pathlib import Path

GATEWAYS = {"kannel": ["store=file"], "araldo": []}
# The shapes of each workload, and who runs them; what only Araldo has is held against Kannel's plain run.
WORK = {
    "w1": [([], "both"), (["conns=64"], "both")],
    "w1r": [([], "both")],
    "w2": [([], "both"), (["webhook=batch"], "araldo"), (["keys=1"], "araldo")],
    "w3": [(["w3=1"], "both")],
    "w3r": [(["w3=1"], "both")],
    "w4": [([], "both"), (["ndjson=1000"], "araldo")],
}


def run(harness, gateway, work, options):
    command = [sys.executable, "run.py", gateway, work, "--reps", "1"]
    for option in GATEWAYS[gateway] + options:
        command += ["--opt", option]
    done = subprocess.run(command, cwd=harness, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def keep(out, line, **more):
    line.update(more)
    with open(out, "a") as file:
        file.write(json.dumps(line) + "\n")
    print(json.dumps(line), flush=True)


def compare(harness, out, reps, works):
    for work in works:
        for _ in range(reps):
            for options, who in WORK[work]:
                for gateway in GATEWAYS if who == "both" else [who]:
                    keep(out, run(harness, gateway, work, options), kind="compare", shape=" ".join(options))


def load(harness, out, rates, seconds):
    for rate in rates:
        options = [f"rate={rate}", f"n={max(1_000, rate * seconds)}", "conns=64"]
        for gateway in GATEWAYS:
            keep(out, run(harness, gateway, "w1r", options), kind="load", offered=rate)


def read(out, kind):
    lines = [json.loads(line) for line in open(out)]
    return [line for line in lines if line.get("kind") == kind]


def cpu_us(line):
    seconds = sum(value for key, value in line.items() if key.endswith("cpu_gateway"))
    return seconds / line["n"] * 1e6


FIGURES = {
    "w1": [("messages/s", "e2e_rate"), ("CPU µs a message", cpu_us)],
    "w1r": [("p50 ms at 200/s", "e2e_p50_ms"), ("p99 ms at 200/s", "e2e_p99_ms")],
    "w2": [("callbacks/s", "done_rate"), ("CPU µs a message", cpu_us)],
    "w3": [("replies/s", lambda line: line["mo"]["reply_rate"]), ("CPU µs a text", cpu_us)],
    "w3r": [(f"p{p} ms at 100/s", lambda line, p=p: line["mo"][f"p{p}_ms"]) for p in (50, 99)],
    "w4": [
        ("accepted/s", "accept_rate"),
        ("drained/s", "drain_rate"),
        ("MiB at most", lambda line: max(line["accept_rss_mib_gateway"], line["drain_rss_mib_gateway"])),
    ],
}


def table(out):
    """Medians as a Markdown table: every shape of Araldo's beside Kannel's plain one."""
    lines = read(out, "compare")
    print("| work | figure | Kannel | Araldo | ratio |\n|---|---|---|---|---|")
    for work, variants in WORK.items():
        for options, _ in variants:
            shape = " ".join(options)
            for name, figure in FIGURES[work]:
                of = figure if callable(figure) else lambda line, figure=figure: line[figure]

                def median(gateway, shape):
                    found = [of(line) for line in lines if (line["gateway"], line["workload"], line["shape"]) == (gateway, work, shape)]
                    return statistics.median(found) if found else None

                theirs, ours = median("kannel", shape) or median("kannel", ""), median("araldo", shape)
                if theirs and ours:
                    print(f"| {work} {shape} | {name} | {theirs:,.4g} | {ours:,.4g} | {ours / theirs:.2f} |")


COLOURS = {"araldo": "#0a7d5a", "kannel": "#c2571a"}
WIDTH, HEIGHT, LEFT, TOP, GAP = 420, 300, 64, 40, 90


class Panel:
    """One pair of axes, both logarithmic or both linear."""

    def __init__(self, column, title, unit, xs, ys, logarithmic):
        self.x0, self.title, self.unit = LEFT + column * (WIDTH + GAP), title, unit
        self.scale = math.log10 if logarithmic else float
        if logarithmic:
            powers = range(math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys))) + 1)
            self.marks = [10.0**power for power in powers]
            self.xs = (min(xs), max(xs))
        else:
            step = 5_000
            self.marks = list(range(0, math.ceil(max(ys) / step) * step + 1, step))
            self.xs = (0, max(xs))
        self.parts = []

    def at(self, x, y):
        def share(value, low, high):
            low, high = self.scale(low), self.scale(high)
            return (self.scale(value) - low) / (high - low)

        return self.x0 + share(x, *self.xs) * WIDTH, TOP + HEIGHT - share(y, self.marks[0], self.marks[-1]) * HEIGHT

    def frame(self, rates):
        self.parts.append(f'<rect x="{self.x0}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#888"/>')
        self.text(self.x0 + WIDTH / 2, TOP - 14, self.title, "middle", 14)
        self.text(self.x0 + WIDTH / 2, TOP + HEIGHT + 38, "offered, messages a second", "middle", 12)
        last = -math.inf
        for rate in rates:
            across = self.at(rate, self.marks[0])[0]
            if across - last >= 45:
                self.text(across, TOP + HEIGHT + 18, f"{rate:,}", "middle", 10)
                last = across
        for mark in self.marks:
            up = self.at(self.xs[1], mark)[1]
            self.parts.append(f'<line x1="{self.x0}" x2="{self.x0 + WIDTH}" y1="{up:.1f}" y2="{up:.1f}" stroke="#ddd"/>')
            self.text(self.x0 - 6, up + 4, f"{mark:,g} {self.unit}".strip(), "end", 10)

    def text(self, x, y, words, anchor, size):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{words}</text>')

    def curve(self, points, colour, dashed, name):
        path = " ".join("%.1f,%.1f" % self.at(x, y) for x, y in points)
        dashes = ' stroke-dasharray="6 4"' if dashed else ""
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}><title>{name}</title></polyline>')
        for x, y in points:
            across, up = self.at(x, y)
            self.parts.append(f'<circle cx="{across:.1f}" cy="{up:.1f}" r="3" fill="{colour}"/>')


def plot(out, svg):
    lines = read(out, "load")
    rates = sorted({line["offered"] for line in lines})
    series = {g: sorted((line for line in lines if line["gateway"] == g), key=lambda line: line["offered"]) for g in COLOURS}
    achieved = Panel(0, "Throughput", "/s", rates, [line["e2e_rate"] for line in lines], False)
    waits = [line[key] for line in lines for key in ("e2e_p50_ms", "e2e_p99_ms")]
    latency = Panel(1, "From the HTTP request to the submit_sm", "ms", rates, waits, True)
    for panel in (achieved, latency):
        panel.frame(rates)
    for gateway, found in series.items():
        colour = COLOURS[gateway]
        achieved.curve([(line["offered"], line["e2e_rate"]) for line in found], colour, False, gateway)
        latency.curve([(line["offered"], line["e2e_p50_ms"]) for line in found], colour, False, f"{gateway} p50")
        latency.curve([(line["offered"], line["e2e_p99_ms"]) for line in found], colour, True, f"{gateway} p99")
    legend = [("araldo", "Araldo, every accept synced"), ("kannel", "Kannel, file store, never synced")]
    height = TOP + HEIGHT + 90
    for index, (gateway, words) in enumerate(legend):
        x, y = LEFT + index * 300, height - 16
        achieved.parts.append(f'<line x1="{x}" x2="{x + 28}" y1="{y - 4}" y2="{y - 4}" stroke="{COLOURS[gateway]}" stroke-width="2"/>')
        achieved.text(x + 34, y, words, "start", 12)
    achieved.text(LEFT + 640, height - 16, "latency: p50 drawn through, p99 dashed", "start", 12)
    width = LEFT + 2 * WIDTH + GAP + 30
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" role="img">'
    title = "<title>Throughput and latency against offered load: Araldo and Kannel</title>"
    ground = f'<rect width="{width}" height="{height}" fill="white"/>'
    Path(svg).write_text("\n".join([head, title, ground, *achieved.parts, *latency.parts, "</svg>", ""]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("compare", "load"):
        sub = verbs.add_parser(verb)
        sub.add_argument("harness")
        sub.add_argument("out")
    verbs.choices["compare"].add_argument("--reps", type=int, default=3)
    verbs.choices["compare"].add_argument("--work", default=",".join(WORK))
    verbs.choices["load"].add_argument("--rates", default="200,500,1000,2000,4000,6000,8000,12000,16000,20000")
    verbs.choices["load"].add_argument("--seconds", type=int, default=10)
    verbs.add_parser("table").add_argument("out")
    sub = verbs.add_parser("plot")
    sub.add_argument("out")
    sub.add_argument("svg")
    given = parser.parse_args()
    match given.verb:
        case "compare":
            compare(given.harness, given.out, given.reps, given.work.split(","))
        case "load":
            load(given.harness, given.out, [int(rate) for rate in given.rates.split(",")], given.seconds)
        case "table":
            table(given.out)
        case "plot":
            plot(given.out, given.svg)


if __name__ == "__main__":
    main()
