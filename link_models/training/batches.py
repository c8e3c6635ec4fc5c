"""The batch of every step, made ahead of it in a thread."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from keras import ops

from semcom_phy.backend import own_stream, take_over
from semcom_phy.seeding import derived_seed

NUM_AHEAD = 3  # batches that wait for the step


class Batches:
    """What the steps see.

    Parameters
    ----------
    data : of the tasks
        Images

    tasks : sequence of tasks
        Every batch holds the inputs of each, one task after the other

    recipe : :class:`~link_models.training.recipe.Recipe`
        Sizes, ranges, seed
    """

    def __init__(self, data, tasks, recipe):
        self.data = data
        self.tasks = tasks
        self.recipe = recipe

    def at(self, step):
        """The batch of a step, which depends on (seed, step) alone.

        Input
        -----
        step : `int`
            Step, from 0 on

        Output
        ------
        : list of tensors
            Those of :meth:`ImageTask.batch` or :meth:`SceneTask.batch`, task by task
        """
        rng = np.random.default_rng(derived_seed(self.recipe.seed, "step", step))
        done, inputs = step / self.recipe.steps, []
        with own_stream():
            for task in self.tasks:
                inputs += task.batch(self.data, self.recipe, done, rng)
            return [ops.convert_to_tensor(value) for value in inputs]

    def ahead(self, first, last):
        """Yields the batches of the steps from ``first`` to before ``last``.

        A thread makes the next ones while a step runs.
        """
        with ThreadPoolExecutor(max_workers=1) as maker:
            waiting = deque()
            for step in range(first, last):
                while len(waiting) < min(NUM_AHEAD, last - step):
                    waiting.append(maker.submit(self.at, step + len(waiting)))
                try:
                    yield take_over(waiting.popleft().result())
                except GeneratorExit:
                    for batch in waiting:
                        batch.cancel()
                    raise
