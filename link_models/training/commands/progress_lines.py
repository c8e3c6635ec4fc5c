"""What a run says of itself: its speed, and the figures of its validations."""

import contextlib
import time


class Clock:
    """Samples per second of the steps alone, and how long they waited for data."""

    def __init__(self, samples_per_step):
        self.samples_per_step = samples_per_step
        self.first, self.start, self.waited = None, 0.0, 0.0

    def restart(self, step):
        """Counts from a step on."""
        self.first, self.start, self.waited = step, time.perf_counter(), 0.0

    @contextlib.contextmanager
    def waiting(self):
        """Counts a block as waiting."""
        before = time.perf_counter()
        yield
        self.waited += time.perf_counter() - before

    def time_left(self, step, steps):
        """A line after a step, of how long it takes to the last one."""
        seconds = (time.perf_counter() - self.start) / (step - self.first)
        minutes = seconds * (steps - step) / 60
        return f"step {step}: about {minutes:.0f} minutes to step {steps}"

    def speed(self, step):
        """Words of the speed up to a step."""
        seconds = time.perf_counter() - self.start
        samples = (step - self.first) * self.samples_per_step
        share = 100 * self.waited / seconds
        rate = f"{samples / seconds:.0f} samples/s"
        return f"{rate}, {share:.1f} % spent waiting for data"


def log_values(tasks, figures):
    """What the log shows of validations: (name, value).

    Input
    -----
    tasks : sequence of tasks
        As of :class:`~.trainer.Trainer`

    figures : `dict`
        Name of a task -> its figures, as of :meth:`.trainer.Trainer.validate`
    """
    for task in tasks:
        own = figures[task.name]
        for snr, value in zip(own["snr_db"], own[task.shown.key], strict=True):
            yield f"validation/{task.name}/{task.shown.key}_{snr:g}_db", value


def brief(tasks, figures):
    """A line of validations; input as of :func:`log_values`."""
    texts = []
    for task in tasks:
        own, shown = figures[task.name], task.shown
        values = " / ".join(f"{v:{shown.form}}" for v in own[shown.key])
        points = " / ".join(f"{snr:g}" for snr in own["snr_db"])
        rates = _brief_rates(own.get("cr_real", ()))
        texts.append(f"{task.name} {values} {shown.unit} at {points} dB{rates}")
    return "; ".join(texts)


def _brief_rates(cr_real):
    return f", cbr {' / '.join(f'{v / 2:.3f}' for v in cr_real)}" if cr_real else ""
