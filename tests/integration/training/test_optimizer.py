"""The optimiser of a recipe: Keras' Muon in batches, schedule, clipping, loss scale."""

from dataclasses import fields

import keras
import numpy as np
import pytest
from keras import ops

from link_models.training.batched_muon import BatchedMuon
from link_models.training.recipe import Recipe, make_optimizer
from semcom_phy.backend import train_step_fn
from semcom_phy.layers.precision import PRECISIONS

SHAPES = [(6, 4), (4, 6), (4,), (6, 4), (), (3, 3, 2, 4), (5, 5), (4,), (1, 7), (5, 5)]


def variables():
    """Of all ranks, several of a shape, one of them a table."""
    rng = np.random.default_rng(0)
    return [
        keras.Variable(
            rng.standard_normal(shape).astype("float32"),
            name="embedding" if i == 9 else f"weight_{i}",
        )
        for i, shape in enumerate(SHAPES)
    ]


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
@pytest.mark.parametrize(
    "options",
    [
        {"weight_decay": 0.05, "adam_weight_decay": 0.02, "global_clipnorm": 1.0},
        {"weight_decay": None, "nesterov": False, "rms_rate": None},
        {"adam_lr_ratio": 0.5, "exclude_layers": ["weight_6"], "clipnorm": 0.5},
    ],
)
def test_batches_change_nothing(options):
    """After three steps Keras' Muon has the same weights and the same state in the same
    order, which a checkpoint needs (1e-6, float32 rounding); a weight without gradient
    stays where it is."""
    results = []
    for make in (BatchedMuon, keras.optimizers.Muon):
        optimizer, weights = make(0.01, **options), variables()
        optimizer.build(weights)
        rng = np.random.default_rng(1)
        for _ in range(3):
            gradients = [rng.standard_normal(s).astype("float32") for s in SHAPES]
            gradients = [ops.convert_to_tensor(g) for g in gradients]
            gradients[3] = None
            optimizer.apply(gradients, weights)
        names = [v.path.partition("/")[2] for v in optimizer.variables]
        results.append((names, [*weights, *optimizer.variables]))
    (names, ours), (expected, theirs) = results
    assert names == expected and len(names) > len(SHAPES)
    for one, two in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(
            ops.convert_to_numpy(one), ops.convert_to_numpy(two), atol=1e-6
        )


def test_muon_comes_back_from_its_configuration():
    """Options survive serialisation (exact)."""
    muon = BatchedMuon(0.02, momentum=0.8, ns_steps=3, exclude_layers=["head"])
    config = keras.saving.serialize_keras_object(muon)
    copy = keras.saving.deserialize_keras_object(config)
    assert type(copy) is BatchedMuon and copy.get_config() == muon.get_config()


@pytest.mark.parametrize("optimizer", ["muon", "adam"])
@pytest.mark.parametrize(
    "steps, warmup", [(100, 10), (100, 0), (1, 0), (5, 20)], ids=str
)
def test_the_rate_rises_then_falls_as_a_cosine(optimizer, steps, warmup):
    """Linear to the peak at the end of the warm-up, half a cosine down to 0.2 % of it
    at the last step, which it keeps (1e-6 of the peak, float32 rounding)."""
    recipe = Recipe(
        steps=steps, warmup_steps=warmup, learning_rate=4e-3, optimizer=optimizer
    )
    optimizer, length = make_optimizer(recipe), max(steps - warmup, 1)
    for step in (0, 1, 5, 9, 10, 11, 55, 99, 100, 1000):
        if step < warmup:
            expected = step / warmup
        else:
            share = min((step - warmup) / length, 1)
            expected = 0.002 + 0.998 * (1 + np.cos(np.pi * share)) / 2
        optimizer.iterations.assign(step)
        rate = float(optimizer.learning_rate) / 4e-3
        assert rate == pytest.approx(expected, abs=1e-6), step


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("optimizer", ["muon", "adam"])
def test_a_compiled_step_follows_the_schedule(optimizer, jit):
    """Weights after warm-up, peak and decay are those of gradients applied one by one
    (1e-5; XLA orders sums its own way): no step repeats the rate of the first."""
    recipe = Recipe(steps=6, warmup_steps=2, learning_rate=0.05, optimizer=optimizer)
    rng = np.random.default_rng(2)
    batches = [
        ops.convert_to_tensor(rng.standard_normal((3, 4)).astype("float32"))
        for _ in range(6)
    ]
    results = []
    for use_step in (True, False):
        rng = np.random.default_rng(3)
        weight = keras.Variable(rng.standard_normal((4, 2)).astype("float32"))
        method = make_optimizer(recipe)

        def loss(x, weight=weight):
            return ops.sum(ops.square(ops.matmul(x, weight)))

        step = train_step_fn(loss, [weight], method, jit)
        for x in batches:
            if use_step:
                step(x)
            else:
                x, matrix = (ops.convert_to_numpy(v) for v in (x, weight))
                method.apply([ops.convert_to_tensor(2 * x.T @ x @ matrix)], [weight])
        results.append(ops.convert_to_numpy(weight))
    np.testing.assert_allclose(*results, atol=1e-5)


@pytest.mark.parametrize("optimizer", ["muon", "adam"])
def test_a_step_with_the_schedule_is_compiled(optimizer):
    """Python runs through the loss once (torch: twice), not at every step (exact)."""
    weight, calls = keras.Variable(np.ones((4, 2), "float32")), []
    method = make_optimizer(Recipe(steps=6, warmup_steps=2, optimizer=optimizer))

    def loss(x):
        calls.append(1)
        return ops.sum(ops.square(ops.matmul(x, weight)))

    step = train_step_fn(loss, [weight], method, clip_norm=1.0)
    for _ in range(5):
        step(ops.ones((3, 4)))
    assert len(calls) == (2 if keras.backend.backend() == "torch" else 1)


def test_options_of_the_recipe():
    """The method that is named, no weight decay, and a loss scale for float16 alone
    (exact)."""
    for optimizer, kind in (("muon", BatchedMuon), ("adam", keras.optimizers.Adam)):
        for precision in PRECISIONS:
            method = make_optimizer(Recipe(optimizer=optimizer, precision=precision))
            if precision == "mixed_float16":
                assert type(method) is keras.optimizers.LossScaleOptimizer
                method = method.inner_optimizer
            assert isinstance(method, kind) and method.weight_decay is None
            assert not getattr(method, "adam_weight_decay", 0)


BAD_RECIPES = [
    ({"steps": 0}, "steps must be at least 1, got 0"),
    ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
    ({"checkpoint_steps": 0}, "checkpoint_steps must be at least 1, got 0"),
    ({"warmup_steps": -1}, "warmup_steps must be from 0 to .*got -1"),
    ({"clip_norm": -0.5}, "clip_norm must be a number from 0 .*got -0.5"),
    ({"clip_norm": float("nan")}, "clip_norm must be a number .*got nan"),
    ({"optimizer": "sgd"}, "optimizer must be one of muon, adam, got 'sgd'"),
    ({"precision": "float16"}, "mixed_bfloat16, mixed_float16, got 'float16'"),
    ({"share_exact": 1.5}, "share_exact must be a number from 0 to 1, got 1.5"),
    ({"exact_from": -0.1}, "exact_from must be a number from 0 to 1, got -0.1"),
    ({"exact_from": float("nan")}, "exact_from must be .* got nan"),
    ({"average_decay": 1.0}, "average_decay must be .* 0 to 0.999999, got 1.0"),
    ({"average_decay": float("nan")}, "average_decay must be .* got nan"),
    ({"min_snr_db": 5.0, "max_snr_db": 0.0}, "must not exceed .*got 5.0 and 0.0"),
    ({"min_snr_db": -200.0}, "min_snr_db must be .*-100 to 60 dB, got -200.0"),
    ({"max_snr_db": float("inf")}, "max_snr_db must be .*60 dB, got inf"),
    ({"learning_rate": 0.0}, "learning_rate must be .* 1e-12 to 1, got 0.0"),
    ({"learning_rate": 2}, "learning_rate must be .*, got 2"),
    ({"learning_rate": float("nan")}, "learning_rate must be .*, got nan"),
    ({"learning_rate": "fast"}, "learning_rate must be a number .*, got 'fast'"),
    ({"steps": float("inf")}, "steps must be an integer, got inf"),
    ({"warmup_steps": float("inf")}, "warmup_steps must be an integer, got inf"),
    ({"clip_norm": float("inf")}, "clip_norm must be a number .*got inf"),
    ({"seed": -1}, "seed must be from 0 to .*got -1"),
]


@pytest.mark.parametrize("values, message", BAD_RECIPES)
def test_bad_recipes_are_refused(values, message):
    """The value received is in the message (exact)."""
    with pytest.raises(ValueError, match=message):
        Recipe(**values)


def test_every_field_can_be_wrong():
    """No field goes unchecked (exact)."""
    checked = {name for values, _ in BAD_RECIPES for name in values}
    assert {field.name for field in fields(Recipe)} == checked
