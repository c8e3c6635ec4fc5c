"""InternViT and its LoRA against transformers' and peft's own, on tiny random copies.

The two libraries run on torch: ``make test-torch``. There their absence is an error.
"""

import json

import keras
import numpy as np
import pytest
from keras import ops

from semcom_phy.knowledge_base.internvit import (
    internvit_config,
    load_internvit,
    load_lora,
    save_lora,
)
from semcom_phy.layers.pretrained.internvit import InternVit, InternVitPatchEmbedding

TORCH = keras.backend.backend() == "torch"
pytestmark = pytest.mark.skipif(
    not TORCH, reason="transformers and peft run in the torch environment: test-torch"
)
if TORCH:
    import peft
    import torch
    import transformers
    from safetensors.torch import save_file

PATCH, SIDE, HIDDEN, LAYERS = 7, 28, 24, 4
SIZES = {
    "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "intermediate_size": 40,
    "image_size": [SIDE, SIDE],
    "patch_size": [PATCH, PATCH],
}
KINDS = {  # as InternViT-300M and as InternViT-6B
    "300M": {"norm_type": "layer_norm", "attention_bias": True, "use_qk_norm": False},
    "6B": {"norm_type": "rms_norm", "attention_bias": False, "use_qk_norm": True},
}
TEXT = {
    "model_type": "qwen2",
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "intermediate_size": 16,
    "vocab_size": 32,
}
TARGETS = ["q_proj", "k_proj", "v_proj", "projection_layer", "fc1", "fc2"]
SHARES = {0.5: LAYERS // 2, 1.0: LAYERS}


def randomise(model, seed, only="", size=0.3):
    """Random numbers in all weights; normalisations and scales around 1."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if only in name:
                noise = size * torch.randn(weight.shape, generator=draw)
                around_one = weight.ndim == 1 and not name.endswith("bias")
                weight.copy_(1 + noise if around_one else noise)
    return model.eval()


def vision_model(kind):
    config = transformers.InternVLVisionConfig(**SIZES, **KINDS[kind])
    return randomise(transformers.InternVLVisionModel(config), 1)


def whole_model(kind):
    config = transformers.InternVLConfig(
        vision_config={"model_type": "internvl_vision", **SIZES, **KINDS[kind]},
        text_config=TEXT,
        image_token_id=3,
    )
    return randomise(transformers.InternVLForConditionalGeneration(config), 2)


def images(shape=(SIDE, SIDE), seed=3):
    return np.random.default_rng(seed).standard_normal((2, *shape, 3), "float32")


def reference(model, pixels, layers):
    """Hidden states after a number of layers: token 0 is the class."""
    with torch.no_grad():
        found = model(
            torch.from_numpy(pixels.transpose(0, 3, 1, 2)), output_hidden_states=True
        )
    assert len(found.hidden_states) == LAYERS + 1
    return found.hidden_states[layers].numpy()


def loaded(folder, grid=(SIDE // PATCH, SIDE // PATCH), **options):
    """Patch embedding and transformer, filled from the folder."""
    config = internvit_config(folder, **options)
    transformer = InternVit(grid, **config)
    patches = InternVitPatchEmbedding(PATCH, HIDDEN)
    patches.build((None, None, None, 3))
    transformer.build((None, grid[0] * grid[1], HIDDEN))
    load_internvit(transformer, folder, patches)
    return transformer, patches


def assert_same(transformer, patches, model, pixels, layers):
    expected = reference(model, pixels, layers)
    ours = ops.convert_to_numpy(transformer(patches(pixels)))
    difference = np.abs(ours - expected).max()
    print(f"maximum difference {difference:.1e}, rms {expected.std():.1f}")
    assert ours.shape == expected.shape and expected.std() > 0.5
    assert difference < 1e-4


def write_remote_code(model, kind, folder, whole):
    """The same weights under the names of the remote code, Q, K and V in one."""
    prefix, tensors, fused = "vision_model." if whole else "", {}, {}
    rename = {
        "embeddings.cls_token": "embeddings.class_embedding",
        "embeddings.position_embeddings": "embeddings.position_embedding",
        "embeddings.patch_embeddings.projection": "embeddings.patch_embedding",
        "encoder.layer.": "encoder.layers.",
        "attention.projection_layer": "attn.proj",
        "attention.q_norm": "attn.q_norm",
        "attention.k_norm": "attn.k_norm",
        "layernorm_before": "norm1",
        "layernorm_after": "norm2",
        "lambda_1": "ls1",
        "lambda_2": "ls2",
    }
    for name, tensor in model.state_dict().items():
        for theirs, other in rename.items():
            name = name.replace(theirs, other)
        for part in "qkv":
            if f"attention.{part}_proj" in name:
                other = name.replace(f"attention.{part}_proj", "attn.qkv")
                fused.setdefault(prefix + other, {})[part] = tensor
                break
        else:
            tensors[prefix + name] = tensor
    for name, parts in fused.items():
        tensors[name] = torch.cat([parts[part] for part in "qkv"])
    tensors["language_model.embed"] = torch.zeros(3)
    config = {
        **{key: SIZES[key] for key in SIZES if key not in ("image_size", "patch_size")},
        "model_type": "intern_vit_6b",
        "image_size": SIDE,
        "patch_size": PATCH,
        "norm_type": KINDS[kind]["norm_type"],
        "qkv_bias": KINDS[kind]["attention_bias"],
        "qk_normalization": KINDS[kind]["use_qk_norm"],
    }
    if whole:
        config = {"model_type": "internvl_chat", "vision_config": config}
    folder.mkdir()
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("kind", KINDS)
def test_vision_model(kind, share, tmp_path):
    """Hidden states after half of the layers and after all (1e-4)."""
    model = vision_model(kind)
    model.save_pretrained(tmp_path)
    parts = loaded(tmp_path, share_layers=share)
    assert_same(*parts, model, images(), SHARES[share])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shards", [False, True])
def test_part_of_a_whole_model(kind, shards, tmp_path):
    """The same from the folder of a whole InternVL, in one file or several (1e-4)."""
    model = whole_model(kind)
    model.save_pretrained(tmp_path, max_shard_size="20KB" if shards else "5GB")
    assert (len(list(tmp_path.glob("*.safetensors"))) > 2) is shards
    assert_same(*loaded(tmp_path), model.model.vision_tower, images(), 2)


def test_names_inside_the_present_whole_model(tmp_path):
    """Prefix model.vision_tower., as the names are in memory (1e-4)."""
    model = whole_model("300M")
    model.config.save_pretrained(tmp_path)
    tensors = {name: x.clone() for name, x in model.state_dict().items()}
    assert "model.vision_tower.embeddings.cls_token" in tensors
    save_file(tensors, tmp_path / "model.safetensors")
    assert_same(*loaded(tmp_path), model.model.vision_tower, images(), 2)


def test_bfloat16(tmp_path):
    """Weights stored in 16 bits are those numbers in 32 (1e-4)."""
    model = vision_model("300M").to(torch.bfloat16)
    model.save_pretrained(tmp_path)
    assert_same(*loaded(tmp_path), model.float(), images(), 2)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_remote_code_layout(kind, whole, tmp_path):
    """The same weights in the other layout give the same (1e-4)."""
    model = vision_model(kind)
    write_remote_code(model, kind, tmp_path / "model", whole)
    parts = loaded(tmp_path / "model", share_layers=1)
    assert_same(*parts, model, images(), LAYERS)


@pytest.mark.parametrize("grid", [(3, 5), (8, 8), (2, 8), (1, 1)])
def test_positions_at_another_grid(grid, tmp_path):
    """Interpolated as by transformers, (2, 8) with as many tokens as trained (1e-4)."""
    model = vision_model("300M")
    model.save_pretrained(tmp_path)
    pixels = images((grid[0] * PATCH, grid[1] * PATCH))
    assert_same(*loaded(tmp_path, grid), model, pixels, 2)


@pytest.mark.parametrize("stabilised", [False, True])
@pytest.mark.parametrize("whole", [False, True])
def test_lora(whole, stabilised, tmp_path):
    """With a random adapter, of the vision model or of a whole InternVL whose language
    model has one too, by alpha / r or alpha / sqrt(r) (1e-4)."""
    model = whole_model("300M") if whole else vision_model("300M")
    vision = model.model.vision_tower if whole else model
    model.save_pretrained(tmp_path / "base")
    plain = reference(vision, images(), 2)
    config = peft.LoraConfig(
        r=4, lora_alpha=6, target_modules=TARGETS, use_rslora=stabilised
    )
    adapted = peft.get_peft_model(model, config)
    randomise(adapted, 5, only="lora_", size=0.15)
    adapted.save_pretrained(tmp_path / "adapter")
    assert np.abs(reference(vision, images(), 2) - plain).max() > 0.1

    alpha = 6 * 2 if stabilised else 6
    parts = loaded(tmp_path / "base", lora_rank=4, lora_alpha=alpha)
    load_lora(parts[0], tmp_path / "adapter")
    assert_same(*parts, vision, images(), 2)


def test_saved_lora(tmp_path):
    """peft puts a saved adapter on the first half of its model (1e-4)."""
    model = vision_model("300M")
    model.save_pretrained(tmp_path / "base")
    transformer, patches = loaded(tmp_path / "base", lora_rank=4, lora_alpha=6.0)
    rng = np.random.default_rng(6)
    for weight in transformer.trainable_weights:
        weight.assign(0.15 * rng.standard_normal(weight.shape))
    save_lora(transformer, tmp_path / "adapter")
    peft.PeftModel.from_pretrained(model, tmp_path / "adapter").eval()
    names = [name for name, _ in model.named_parameters() if "lora_" in name]
    assert len(names) == len(transformer.trainable_weights)
    assert_same(transformer, patches, model, images(), 2)
