"""InternViT from tiny safetensors folders in both layouts, adapters, and the errors."""

import json

import ml_dtypes
import numpy as np
import pytest
from keras import ops
from safetensors.numpy import load_file, save_file

from semcom_phy.codecs.compensation import FeatureCompensation
from semcom_phy.knowledge_base.internvit import (
    internvit_config,
    load_internvit,
    load_lora,
    save_lora,
)
from semcom_phy.layers.pretrained.internvit import InternVit, InternVitPatchEmbedding

HIDDEN, HEADS, MLP, LAYERS, PATCH, SIDE = 8, 2, 12, 5, 2, 6
GRID = (SIDE // PATCH, SIDE // PATCH)
KINDS = ("300M", "6B")
LAYOUTS = ("transformers", "remote code")
DENSE = {  # attribute -> transformers' name, outputs, inputs
    "query": ("attention.q_proj", HIDDEN, HIDDEN),
    "key": ("attention.k_proj", HIDDEN, HIDDEN),
    "value": ("attention.v_proj", HIDDEN, HIDDEN),
    "projection": ("attention.projection_layer", HIDDEN, HIDDEN),
    "expand": ("mlp.fc1", MLP, HIDDEN),
    "contract": ("mlp.fc2", HIDDEN, MLP),
}


def tensors(kind):
    """All weights of InternViT under transformers' names."""
    rng = np.random.default_rng(1)
    shapes = {
        "embeddings.cls_token": (1, 1, HIDDEN),
        "embeddings.position_embeddings": (1, 1 + GRID[0] * GRID[1], HIDDEN),
        "embeddings.patch_embeddings.projection.weight": (HIDDEN, 3, PATCH, PATCH),
        "embeddings.patch_embeddings.projection.bias": (HIDDEN,),
    }
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}."
        for name in ("layernorm_before", "layernorm_after"):
            shapes[f"{layer}{name}.weight"] = (HIDDEN,)
            if kind == "300M":
                shapes[f"{layer}{name}.bias"] = (HIDDEN,)
        for attribute, (name, outputs, inputs) in DENSE.items():
            shapes[f"{layer}{name}.weight"] = (outputs, inputs)
            if kind == "300M" or attribute not in ("query", "key", "value"):
                shapes[f"{layer}{name}.bias"] = (outputs,)
        if kind == "6B":
            for name in ("attention.q_norm", "attention.k_norm"):
                shapes[f"{layer}{name}.weight"] = (HIDDEN,)
        shapes |= {f"{layer}lambda_{i}": (HIDDEN,) for i in (1, 2)}
    return {
        name: rng.standard_normal(x).astype("float32") for name, x in shapes.items()
    }


def with_remote_names(weights):
    """The same under the names of the remote code, Q, K and V in one tensor."""
    renamed = {}
    for name, value in weights.items():
        if ".k_proj" in name or ".v_proj" in name:
            continue
        if ".q_proj" in name:
            names = [name.replace(".q_proj", f".{part}_proj") for part in "qkv"]
            if name.endswith("lora_A.weight"):  # one A for the three
                value = weights[names[0]]
            else:
                value = np.concatenate([weights[part] for part in names])
        for theirs, other in (
            ("cls_token", "class_embedding"),
            ("position_embeddings", "position_embedding"),
            ("patch_embeddings.projection", "patch_embedding"),
            ("encoder.layer.", "encoder.layers."),
            ("attention.q_proj", "attn.qkv"),
            ("attention.projection_layer", "attn.proj"),
            ("attention.", "attn."),
            ("layernorm_before", "norm1"),
            ("layernorm_after", "norm2"),
            ("lambda_", "ls"),
        ):
            name = name.replace(theirs, other)
        renamed[name] = value
    return renamed


def config(kind, layout, whole):
    large = kind == "6B"
    sizes = {
        "hidden_size": HIDDEN,
        "num_attention_heads": HEADS,
        "intermediate_size": MLP,
        "num_hidden_layers": LAYERS,
        "norm_type": "rms_norm" if large else "layer_norm",
        "hidden_act": "gelu",
    }
    if layout == "transformers":
        sizes |= {
            "model_type": "internvl_vision",
            "attention_bias": not large,
            "use_qk_norm": large,
            "image_size": [SIDE, SIDE],
            "patch_size": [PATCH, PATCH],
        }
    else:
        sizes |= {
            "model_type": "intern_vit_6b",
            "qkv_bias": not large,
            "qk_normalization": large,
            "image_size": SIDE,
            "patch_size": PATCH,
        }
    if not whole:
        return sizes
    kind = "internvl" if layout == "transformers" else "internvl_chat"
    return {"model_type": kind, "vision_config": sizes, "hidden_size": 99}


def write(folder, kind="300M", layout="transformers", whole=False, dtype="float32"):
    weights = tensors(kind)
    prefix = "model.vision_tower." if whole else ""
    if layout == "remote code":
        weights, prefix = with_remote_names(weights), "vision_model." if whole else ""
    stored = {prefix + name: value.astype(dtype) for name, value in weights.items()}
    if whole:
        stored["language_model.layers.0.mlp.fc1.weight"] = np.zeros((2, 2), dtype)
    save_file(stored, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config(kind, layout, whole)))
    return stored


def change_config(folder, file="config.json", **changes):
    changed = json.loads((folder / file).read_text()) | changes
    (folder / file).write_text(json.dumps(changed))


def change_tensors(folder, change, file="model.safetensors"):
    stored = load_file(folder / file)
    change(stored)
    save_file(stored, folder / file)


def built(folder=None, grid=GRID, **options):
    """InternViT with the folder's sizes, or those of 300M with the first two layers."""
    sizes = {
        "num_layers": 2,
        "hidden_size": HIDDEN,
        "num_heads": HEADS,
        "mlp_size": MLP,
        "lora_rank": 3,
        "lora_alpha": 5.0,
        "trained_grid": GRID,
        "frozen": True,
    }
    if folder is not None:
        sizes = internvit_config(folder, lora_rank=3, lora_alpha=5.0)
    transformer = InternVit(grid, **{**sizes, **options})
    transformer.build((None, grid[0] * grid[1], HIDDEN))
    rng = np.random.default_rng(2)
    for weight in transformer.trainable_weights:
        weight.assign(rng.standard_normal(weight.shape))
    return transformer


def numbers(weight):
    return ops.convert_to_numpy(weight)


def assert_weights(transformer, patches, weights):
    """Every weight but LoRA's is the one stored (exact)."""
    same = np.testing.assert_array_equal
    same(numbers(transformer.class_token), weights["embeddings.cls_token"])
    same(numbers(transformer.position), weights["embeddings.position_embeddings"])
    patch = "embeddings.patch_embeddings.projection"
    kernel = weights[f"{patch}.weight"].transpose(2, 3, 1, 0)
    same(numbers(patches.convolution.kernel), kernel)
    same(numbers(patches.convolution.bias), weights[f"{patch}.bias"])
    for i, block in enumerate(transformer.blocks):
        layer, count = f"encoder.layer.{i}.", 0
        for attribute, (name, _, _) in DENSE.items():
            dense = getattr(block, attribute)
            same(numbers(dense.kernel), weights[f"{layer}{name}.weight"].T)
            if dense.use_bias:
                same(numbers(dense.bias), weights[f"{layer}{name}.bias"])
            count += 3 + dense.use_bias
        norms = {"norm_1": "layernorm_before", "norm_2": "layernorm_after"}
        if block.qk_norm:
            norms |= {"query_norm": "attention.q_norm", "key_norm": "attention.k_norm"}
        for attribute, name in norms.items():
            parts = getattr(block, attribute).weights
            for weight, kind in zip(parts, ("weight", "bias"), strict=False):
                same(numbers(weight), weights[f"{layer}{name}.{kind}"])
                count += 1
        same(numbers(block.scale_1), weights[f"{layer}lambda_1"])
        same(numbers(block.scale_2), weights[f"{layer}lambda_2"])
        assert count + 2 == len(block.weights)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", KINDS)
def test_config(kind, layout, whole, tmp_path):
    """The same arguments from both layouts, two of five layers (exact)."""
    write(tmp_path, kind, layout, whole)
    large = kind == "6B"
    assert internvit_config(tmp_path) == {
        "num_layers": 2,
        "hidden_size": HIDDEN,
        "num_heads": HEADS,
        "mlp_size": MLP,
        "norm": "rms_norm" if large else "layer_norm",
        "qkv_bias": not large,
        "qk_norm": large,
        "epsilon": 1e-6,
        "trained_grid": GRID,
        "frozen": True,
        "lora_rank": 8,
        "lora_alpha": 16.0,
        "lora_dropout": 0.05,
    }
    for share, layers in ((0.01, 1), (0.6, 3), (1, 5)):
        assert internvit_config(str(tmp_path), share)["num_layers"] == layers


@pytest.mark.parametrize(
    "kind, layers, hidden, grid, bias, qk_norm",
    [
        ("internvl_vision", 12, 1024, (32, 32), False, False),
        ("intern_vit_6b", 24, 3200, (16, 16), False, True),
    ],
)
def test_what_a_config_leaves_out(kind, layers, hidden, grid, bias, qk_norm, tmp_path):
    """Is the standard of the model's own configuration class (exact)."""
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}))
    found = internvit_config(tmp_path)
    names = ("num_layers", "hidden_size", "trained_grid", "qkv_bias", "qk_norm")
    assert [found[name] for name in names] == [layers, hidden, grid, bias, qk_norm]


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", KINDS)
def test_both_layouts(kind, layout, whole, tmp_path):
    """All weights are filled, LoRA stays as it was (exact)."""
    write(tmp_path, kind, layout, whole)
    transformer, patches = built(tmp_path), InternVitPatchEmbedding(PATCH, HIDDEN)
    patches.build((None, None, None, 3))
    before = [numbers(weight).copy() for weight in transformer.trainable_weights]
    load_internvit(transformer, tmp_path, patches)
    assert_weights(transformer, patches, tensors(kind))
    assert len(before) == 2 * 12
    for weight, value in zip(transformer.trainable_weights, before, strict=True):
        np.testing.assert_array_equal(numbers(weight), value)


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.float16])
def test_16_bits_become_32(dtype, tmp_path):
    """The numbers stored, without loss (exact)."""
    stored = write(tmp_path, dtype=dtype)
    transformer, patches = built(tmp_path), InternVitPatchEmbedding(PATCH, HIDDEN)
    patches.build((None, None, None, 3))
    load_internvit(transformer, tmp_path, patches)
    widened = {name: value.astype("float32") for name, value in stored.items()}
    assert_weights(transformer, patches, widened)


def test_only_files_with_weights_of_internvit_are_opened(tmp_path):
    """Of several files with an index, that of the language model need not even be
    there (exact)."""
    stored = write(tmp_path, whole=True)
    (tmp_path / "model.safetensors").unlink()
    places = {}
    for i, name in enumerate(stored):
        places[name] = "language.safetensors" if "language" in name else f"{i % 3}.st"
    for file in {*places.values()} - {"language.safetensors"}:
        part = {name: stored[name] for name in stored if places[name] == file}
        save_file(part, tmp_path / file)
    (tmp_path / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": places})
    )
    transformer, patches = built(tmp_path), InternVitPatchEmbedding(PATCH, HIDDEN)
    patches.build((None, None, None, 3))
    load_internvit(transformer, tmp_path, patches)
    assert_weights(transformer, patches, tensors("300M"))
    (tmp_path / "1.st").unlink()
    with pytest.raises(FileNotFoundError, match="1.st does not exist, but"):
        load_internvit(transformer, tmp_path)


def test_feature_compensation_takes_them(tmp_path):
    """At the codec's own grid; the positions stay those stored (exact)."""
    write(tmp_path, layout="remote code", whole=True)
    layer = FeatureCompensation(internvit_config(tmp_path))
    layer.build((None, 4, 2, 3), (None, 5))
    load_internvit(layer.transformer, tmp_path)
    np.testing.assert_array_equal(
        numbers(layer.transformer.position),
        tensors("300M")["embeddings.position_embeddings"],
    )
    maps = np.ones((2, 4, 2, 3), "float32")
    y = numbers(layer(maps, np.ones((2, 5), "float32")))
    np.testing.assert_array_equal(y, maps)
    assert len(layer.trainable_weights) == 4 + 2 * 12


def only_pickle(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def drop(name):
    return lambda folder: change_tensors(folder, lambda stored: stored.pop(name))


def cut(name):
    def change(stored):
        stored[name] = stored[name][:1].copy()

    return lambda folder: change_tensors(folder, change)


def truncate(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:300])


LAST = "encoder.layer.1.lambda_2"


@pytest.mark.parametrize(
    "spoil, options, error, message",
    [
        (
            lambda folder: (folder / "config.json").unlink(),
            {},
            FileNotFoundError,
            "config.json does not exist: copy it",
        ),
        (
            lambda folder: (folder / "config.json").write_text("{"),
            {},
            ValueError,
            "is not JSON",
        ),
        (
            lambda folder: change_config(folder, model_type="clip"),
            {},
            ValueError,
            "type 'clip', not one of internvl_vision, intern_vit_6b",
        ),
        (
            lambda folder: change_config(folder, hidden_act="silu"),
            {},
            ValueError,
            "hidden_act = 'silu', where InternVit has 'gelu'",
        ),
        (
            lambda folder: (folder / "model.safetensors").unlink(),
            {},
            FileNotFoundError,
            r"holds no \*.safetensors: copy",
        ),
        (only_pickle, {}, FileNotFoundError, "pytorch_model.bin is not read, because"),
        (truncate, {}, ValueError, "cannot be read as safetensors"),
        (
            drop("embeddings.cls_token"),
            {},
            ValueError,
            "holds no InternViT: none of its",
        ),
        (drop(LAST), {}, ValueError, f"lacks {LAST}: copy all"),
        (cut(LAST), {}, ValueError, rf"{LAST} in .* has shape \[1\], where \[8\] is"),
        (
            lambda folder: None,
            {"num_heads": 4},
            ValueError,
            r"num_heads = 4, the checkpoint .* has 2: build it with internvit_config",
        ),
        (
            lambda folder: None,
            {"trained_grid": (2, 2)},
            ValueError,
            r"trained_grid = \(2, 2\), the checkpoint",
        ),
        (
            lambda folder: None,
            {"num_layers": 6},
            ValueError,
            "with 6 layers, more than",
        ),
    ],
)
def test_what_does_not_fit(spoil, options, error, message, tmp_path):
    """A named error with the value and the remedy, and no weight is touched (exact)."""
    write(tmp_path)
    spoil(tmp_path)
    transformer = built(**options)
    before = [value.copy() for value in transformer.get_weights()]
    with pytest.raises(error, match=message):
        load_internvit(transformer, tmp_path)
    for value, kept in zip(transformer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, kept)


def test_a_missing_folder_and_other_arguments(tmp_path):
    """The folder, the share or the layer is named (exact)."""
    missing = tmp_path / "InternVL"
    calls = (
        lambda: internvit_config(missing),
        lambda: load_internvit(built(), missing),
        lambda: load_lora(built(), missing),
    )
    for call in calls:
        with pytest.raises(FileNotFoundError, match="InternVL does not exist: give"):
            call()
    write(tmp_path)
    for share in (0, 1.5):
        with pytest.raises(ValueError, match=f"received {share}"):
            internvit_config(tmp_path, share)
    unbuilt = InternVit(GRID, **internvit_config(tmp_path), name="empty")
    patches = InternVitPatchEmbedding(PATCH, HIDDEN, name="empty")
    for arguments in ((unbuilt, tmp_path), (built(), tmp_path, patches)):
        with pytest.raises(ValueError, match="empty has no weights yet: build it"):
            load_internvit(*arguments)
    with pytest.raises(ValueError, match="empty has no weights yet: build it"):
        load_lora(unbuilt, tmp_path)


def zeroed():
    transformer = built()
    for weight in transformer.trainable_weights:
        weight.assign(np.zeros(weight.shape))
    return transformer


def test_lora_round_trip(tmp_path):
    """Saved in peft's files, [r, inputs] and [outputs, r], and loaded again (exact)."""
    one, two = built(), zeroed()
    save_lora(one, tmp_path / "new" / "adapter")
    stored = load_file(tmp_path / "new" / "adapter" / "adapter_model.safetensors")
    prefix = "base_model.model.encoder.layer.1.mlp.fc1"
    assert stored[f"{prefix}.lora_A.weight"].shape == (3, HIDDEN)
    assert stored[f"{prefix}.lora_B.weight"].shape == (MLP, 3)
    assert len(stored) == 2 * 12
    load_lora(two, tmp_path / "new" / "adapter")
    for a, b in zip(one.weights, two.weights, strict=True):
        if a.name.startswith("lora_"):
            np.testing.assert_array_equal(numbers(a), numbers(b))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_lora_of_a_whole_model(layout, tmp_path):
    """The language model's part and later layers are left; a fused A serves Q, K and V,
    its B is split (exact)."""
    rng = np.random.default_rng(4)
    weights = {}
    for i in range(LAYERS):
        for name, outputs, inputs in DENSE.values():
            name = f"encoder.layer.{i}.{name}"
            weights[f"{name}.lora_A.weight"] = rng.random((3, inputs), "float32")
            weights[f"{name}.lora_B.weight"] = rng.random((outputs, 3), "float32")
    fused = layout == "remote code"
    stored = with_remote_names(weights) if fused else weights
    prefix = "vision_model." if fused else "model.vision_tower."
    stored = {f"base_model.model.{prefix}{name}": x for name, x in stored.items()}
    other = "base_model.model.model.language_model.layers.0.mlp.fc1.lora_A.weight"
    save_file({other: np.ones(3), **stored}, tmp_path / "adapter_model.safetensors")
    (tmp_path / "adapter_config.json").write_text(
        json.dumps({"peft_type": "LORA", "r": 3, "lora_alpha": 5, "rank_pattern": {}})
    )
    transformer = zeroed()
    load_lora(transformer, tmp_path)
    for i, block in enumerate(transformer.blocks):
        for attribute, (name, _, _) in DENSE.items():
            dense, b = getattr(block, attribute), f"encoder.layer.{i}.{name}"
            a = b
            if fused and attribute in ("key", "value"):
                a = f"encoder.layer.{i}.attention.q_proj"
            for matrix, due in (
                (dense.lora_a, weights[f"{a}.lora_A.weight"]),
                (dense.lora_b, weights[f"{b}.lora_B.weight"]),
            ):
                np.testing.assert_array_equal(numbers(matrix), due.T)


def adapter_pickle(folder):
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")


def language_only(folder):
    name = "base_model.model.model.language_model.layers.0.mlp.fc1.lora_A.weight"
    save_file({name: np.ones(3)}, folder / "adapter_model.safetensors")


def without_values(folder):
    def change(stored):
        for name in [name for name in stored if "v_proj" in name]:
            del stored[name]

    change_tensors(folder, change, "adapter_model.safetensors")


def adapter(**changes):
    return lambda folder: change_config(folder, "adapter_config.json", **changes)


@pytest.mark.parametrize(
    "spoil, options, error, message",
    [
        (
            lambda folder: (folder / "adapter_model.safetensors").unlink(),
            {},
            ValueError,
            "is without LoRA: no adapter_model.safetensors. LoRA starts without effect",
        ),
        (adapter_pickle, {}, ValueError, "adapter_model.bin is not read, because"),
        (language_only, {}, ValueError, "is without LoRA on the first layer of Intern"),
        (
            without_values,
            {},
            ValueError,
            "v_proj.lora_A.weight and 3 more tensors: train an adapter of all of q_p",
        ),
        (
            lambda folder: (folder / "adapter_config.json").unlink(),
            {},
            FileNotFoundError,
            "adapter_config.json does not exist: peft writes it",
        ),
        (lambda folder: None, {"lora_rank": 0}, ValueError, "built without LoRA"),
        (
            lambda folder: None,
            {"lora_rank": 2},
            ValueError,
            r"lora_rank = 2, .* needs 3",
        ),
        (
            lambda folder: None,
            {"lora_alpha": 1.0},
            ValueError,
            "lora_alpha = 1.0, .* 5",
        ),
        (adapter(use_rslora=True), {}, ValueError, "lora_alpha = 5.0, .* needs 8.66"),
        (adapter(use_dora=True), {}, ValueError, "use_dora = True, which InternVit"),
        (adapter(bias="all"), {}, ValueError, "bias = 'all', which InternVit"),
        (adapter(rank_pattern={"fc1": 2}), {}, ValueError, "rank_pattern = {'fc1'"),
        (adapter(peft_type="IA3"), {}, ValueError, "peft_type = 'IA3'"),
    ],
)
def test_adapters_that_do_not_fit(spoil, options, error, message, tmp_path):
    """A named error with the value and the remedy, and no weight is touched (exact)."""
    save_lora(built(), tmp_path)
    spoil(tmp_path)
    transformer = built(**options)
    before = [value.copy() for value in transformer.get_weights()]
    with pytest.raises(error, match=message):
        load_lora(transformer, tmp_path)
    for value, kept in zip(transformer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, kept)


def test_without_lora_there_is_nothing_to_save(tmp_path):
    """The remedy is named, no folder is made (exact)."""
    with pytest.raises(ValueError, match="build it with lora_rank"):
        save_lora(built(lora_rank=0), tmp_path / "adapter")
    assert not (tmp_path / "adapter").exists()
