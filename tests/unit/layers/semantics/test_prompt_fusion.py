"""Prompts over places: equations 6 to 8 of the MMSemCom paper."""

import numpy as np
import pytest
from keras import ops

from semcom_phy.layers.semantics.prompt_fusion import PromptFusion

RNG = np.random.default_rng(0)
MAPS = RNG.standard_normal((2, 9, 12)).astype("float32")
PROMPTS = RNG.standard_normal((2, 3, 6)).astype("float32")


def fusion():
    layer = PromptFusion(8, 2)
    layer.build(MAPS.shape, PROMPTS.shape)
    rng = np.random.default_rng(1)
    for weight in layer.weights:
        weight.assign(weight + 0.3 * rng.standard_normal(weight.shape))
    return layer


def tensors(*arrays):
    return [ops.convert_to_tensor(array) for array in arrays]


def numbers(value):
    return ops.convert_to_numpy(value)


def test_it_is_the_paper_s_equations():
    """An independent forward pass in NumPy."""
    layer = fusion()

    def dense(part, x):
        return x @ numbers(part.kernel) + numbers(part.bias)

    def norm(part, x):
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return x * numbers(part.gamma) + numbers(part.beta)

    places, queries = dense(layer.of_map, MAPS), dense(layer.of_prompts, PROMPTS)
    weights = [numbers(weight) for weight in layer.attention.weights]
    q, qb, k, kb, v, vb, o, ob = weights
    heads = np.einsum("bpw,whd->bphd", queries, q) + qb
    keys = np.einsum("bpw,whd->bphd", places, k) + kb
    values = np.einsum("bpw,whd->bphd", places, v) + vb
    score = np.einsum("bphd,bnhd->bhpn", heads, keys) / np.sqrt(q.shape[-1])
    score = np.exp(score - score.max(-1, keepdims=True))
    score /= score.sum(-1, keepdims=True)
    seen = np.einsum("bhpn,bnhd->bphd", score, values)
    seen = np.einsum("bphd,hdw->bpw", seen, o) + ob
    rows = norm(layer.norms[0], queries + seen)
    inside = np.maximum(dense(layer.enter, rows), 0)
    rows = norm(layer.norms[1], rows + dense(layer.leave, inside))
    np.testing.assert_allclose(
        numbers(layer(*tensors(MAPS, PROMPTS))), rows.mean(1), atol=2e-5
    )
    found, attention = layer.rows(*tensors(MAPS, PROMPTS))
    np.testing.assert_allclose(numbers(attention), score, atol=1e-5)
    assert attention.shape == (2, 2, 3, 9) and found.shape == (2, 3, 8)


def test_a_row_of_zeros_is_no_prompt():
    layer, two = fusion(), PROMPTS.copy()
    two[:, 2] = 0
    whole = numbers(layer(*tensors(MAPS, PROMPTS[:, :2])))
    np.testing.assert_allclose(numbers(layer(*tensors(MAPS, two))), whole, atol=1e-5)
    assert np.abs(numbers(layer(*tensors(MAPS, PROMPTS))) - whole).max() > 0.01


def test_shares_add_up_to_one_and_leave_out_what_is_no_prompt():
    layer, two = fusion(), PROMPTS.copy()
    two[:, 2] = 0
    shares = numbers(layer.shares(*tensors(MAPS, two)))
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-5)
    assert not shares[:, 2].any() and np.ptp(shares[:, :2]) > 1e-3


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="multiple of num_heads, received 8 and 3"):
        PromptFusion(8, 3)
