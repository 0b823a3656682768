"""How measurements stand in Markdown tables, beside their targets."""
import math
import statistics


def shown(value, digits=3):
    """As many digits as mean something, and no exponents."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.{digits}g}"


def hundredths(value):
    return f"{value:.2f}"


SPREAD = "min | median | max"


def spread(values, show=hundredths):
    """Three cells, below the heading `SPREAD`."""
    return " | ".join(show(value) for value in (min(values), statistics.median(values), max(values)))


def ratios(below, above):
    """Of pairs that were measured one after the other: what the machine did meanwhile hit both."""
    return [high / low if low else (1.0 if high == low else math.inf)
            for low, high in zip(below, above)]


class Table:
    """A heading, rows of minimum, median, maximum and target, and notes below."""

    def __init__(self, heading, columns):
        self.heading = heading
        self.columns = columns
        self.rows = []
        self.notes = []

    def row(self, labels, values, target=None):
        """The median counts, as it is shown. No target: the row is there to explain others."""
        middle = statistics.median(values)
        verdict = ""
        if target is not None:
            verdict = f"≤ {target:g}: {'met' if round(middle, 2) <= target else 'missed'}"
        self.rows.append([*labels, spread(values), verdict])

    def note(self, text):
        self.notes.append(text)

    def __str__(self):
        columns = [*self.columns, SPREAD, "target"]
        rule = ["---"] * (len(columns) + SPREAD.count("|"))
        table = [columns, rule, *self.rows]
        lines = ["", self.heading, "", *(f"| {' | '.join(row)} |" for row in table)]
        for note in self.notes:
            lines += ["", note]
        return "\n".join(lines)
