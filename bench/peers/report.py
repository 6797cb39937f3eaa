"""report.py -- details, JSON and a plot of what was measured."""
import json
from dataclasses import dataclass
from pathlib import Path

from harness import Rounds
from workloads import Workload

OURS, COPY = "clnorm", "copy"


@dataclass(frozen=True)
class Result:
    """One workload, measured."""
    row: Workload
    data: str
    plan: str
    rounds: Rounds
    skipped: dict[str, str]  # peer: why it was not timed
    errors: dict[str, float]  # of ours and the peers; none where there is no reference

    def peers(self) -> list[str]:
        """Timed peers, fastest first."""
        names = [n for n in self.rounds.times if n not in (OURS, COPY)]
        return sorted(names, key=self.rounds.median)

    @property
    def name(self) -> str:
        return self.row.name

    def to_json(self) -> dict:
        r = self.rounds
        return {"workload": self.name, "label": self.row.label, "title": self.row.title, "place": self.row.place,
                "type": self.row.x[0], "more": self.row.more,
                "data": self.data, "plan": self.plan, "rounds": r.total, "dropped": r.dropped,
                "dirty": r.dirty, "foreign_load": round(r.load, 3), "skipped": self.skipped,
                "ratio_to_copy": r.ratio(OURS, COPY),
                "best_peer": self.peers()[0] if self.peers() else None,
                "best_peer_over_ours": r.ratio(self.peers()[0], OURS) if self.peers() else None,
                "error": self.errors,
                "ms": {n: {"median": r.median(n), "p10": r.spread(n)[0], "p90": r.spread(n)[1],
                           "over_ours": r.ratio(n, OURS), "rounds": r.times[n].tolist()} for n in r.times}}


def details(result: Result) -> str:
    """Every competitor of a workload, and who is missing."""
    r = result.rounds
    kept = len(r.times[OURS])
    lines = [f"{result.name}: {kept} of {r.total} rounds, {r.dropped} dropped, {r.dirty} kept dirty "
             f"(median foreign load {r.load:.0%} of a CPU)", f"    plan: {result.plan}"]
    for name in sorted(r.times, key=r.median):
        low, high = r.spread(name)
        error = f"  error {result.errors[name]:.1e}" if name in result.errors else ""
        lines.append(f"    {name:36} {r.median(name):8.3f} ms  [{low:.3f} .. {high:.3f}]  "
                     f"{r.ratio(name, OURS):6.2f} x clnorm{error}")
    lines += [f"    {name:36} skipped: {why}" for name, why in result.skipped.items()]
    return "\n".join(lines)


def write_json(path: Path, facts: dict[str, str], results: list[Result]) -> None:
    path.write_text(json.dumps({"facts": facts, "results": [r.to_json() for r in results]}, indent=1) + "\n",
                    encoding="utf-8")


def plot(path: Path, facts: dict[str, str], results: list[Result]) -> None:
    """One panel a workload: medians with their 10 % and 90 % quantiles, ours and the copy coloured."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    sizes = [len(r.rounds.times) + 3 for r in results]
    figure, panels = pyplot.subplots(len(results), 1, figsize=(9, 0.24 * sum(sizes) + 1), squeeze=False,
                                     gridspec_kw={"height_ratios": sizes}, layout="constrained")
    for result, panel in zip(results, panels[:, 0]):
        r = result.rounds
        names = sorted(r.times, key=r.median, reverse=True)
        medians = [r.median(n) for n in names]
        spread = [[m - r.spread(n)[0] for n, m in zip(names, medians)],
                  [r.spread(n)[1] - m for n, m in zip(names, medians)]]
        colours = [{OURS: "tab:orange", COPY: "tab:green"}.get(n, "tab:blue") for n in names]
        bars = panel.barh(names, medians, xerr=spread, color=colours, ecolor="gray", height=0.7)
        panel.bar_label(bars, [f" {m:.2f}" for m in medians], fontsize=7, label_type="edge")
        panel.set_title(result.name, fontsize=9, loc="left")
        panel.tick_params(labelsize=7)
        panel.margins(x=0.08)
        panel.spines[["top", "right"]].set_visible(False)
    panels[-1, 0].set_xlabel("ms", fontsize=8)
    figure.suptitle(f"{facts['machine']}\n{facts['device']}\n{facts['date']}", fontsize=8)
    figure.savefig(path, dpi=120)
