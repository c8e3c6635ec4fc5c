"""InternViT from a local InternVL checkpoint, and its LoRA adapters.

config.json -----------> internvit_config --> arguments of InternVit
*.safetensors ---------> load_internvit ----> its weights, LoRA left as it is
adapter_model + config <-- save_lora, load_lora --> its LoRA matrices (peft's files)

Nothing is downloaded and no pickle is opened. A folder is a whole InternVL model or
InternViT alone, in either of the two layouts that are published:

=============  =========================  ============================
               transformers' own          with remote code
=============  =========================  ============================
example        OpenGVLab/                 OpenGVLab/InternVL3_5-1B,
               InternVL3_5-1B-HF          OpenGVLab/InternViT-300M-448px
model_type     internvl, internvl_vision  internvl_chat, intern_vit_6b
attention      q_proj, k_proj, v_proj     qkv in one matrix
=============  =========================  ============================

Tensors are read one by one, so that the language model of a whole InternVL is never
in memory; 16-bit ones become `float32`.
"""

import contextlib
import dataclasses
import json
from pathlib import Path
from typing import Any

import ml_dtypes  # noqa: F401  (lets NumPy know bfloat16)
import numpy as np
from keras import ops

try:
    from safetensors import SafetensorError, safe_open
    from safetensors.numpy import save_file
except ImportError as error:
    raise ImportError(
        "safetensors is not installed: install semcom-phy[internvit]"
    ) from error

_INDEX = "model.safetensors.index.json"
_ADAPTER, _ADAPTER_CONFIG = "adapter_model.safetensors", "adapter_config.json"
_PICKLES = "*.bin", "*.pt", "*.pth"
_EXAMPLE = "OpenGVLab/InternVL3_5-1B-HF"


@dataclasses.dataclass(frozen=True, eq=False)
class _Layout:
    """The names of one layout.

    ``config``: argument -> (key of config.json, value where the key is left out);
    ``dense``: attribute of InternVitLayer -> (name, third of a fused matrix).
    """

    model_types: tuple
    config: dict
    class_token: str
    position: str
    patch: str
    layer: str
    dense: dict
    norms: dict
    scales: tuple


_TRANSFORMERS = _Layout(
    model_types=("internvl_vision", "internvl"),
    config={
        "num_layers": ("num_hidden_layers", 24),
        "hidden_size": ("hidden_size", 1024),
        "num_heads": ("num_attention_heads", 16),
        "mlp_size": ("intermediate_size", 4096),
        "norm": ("norm_type", "layer_norm"),
        "qkv_bias": ("attention_bias", False),
        "qk_norm": ("use_qk_norm", False),
        "epsilon": ("layer_norm_eps", 1e-6),
        "image_size": ("image_size", 448),
        "patch_size": ("patch_size", 14),
    },
    class_token="embeddings.cls_token",
    position="embeddings.position_embeddings",
    patch="embeddings.patch_embeddings.projection",
    layer="encoder.layer.{}.",
    dense={
        "query": ("attention.q_proj", None),
        "key": ("attention.k_proj", None),
        "value": ("attention.v_proj", None),
        "projection": ("attention.projection_layer", None),
        "expand": ("mlp.fc1", None),
        "contract": ("mlp.fc2", None),
    },
    norms={
        "norm_1": "layernorm_before",
        "norm_2": "layernorm_after",
        "query_norm": "attention.q_norm",
        "key_norm": "attention.k_norm",
    },
    scales=("lambda_1", "lambda_2"),
)

_REMOTE_CODE = _Layout(
    model_types=("intern_vit_6b", "internvl_chat"),
    config={
        "num_layers": ("num_hidden_layers", 48),
        "hidden_size": ("hidden_size", 3200),
        "num_heads": ("num_attention_heads", 25),
        "mlp_size": ("intermediate_size", 12800),
        "norm": ("norm_type", "rms_norm"),
        "qkv_bias": ("qkv_bias", False),
        "qk_norm": ("qk_normalization", True),
        "epsilon": ("layer_norm_eps", 1e-6),
        "image_size": ("image_size", 224),
        "patch_size": ("patch_size", 14),
    },
    class_token="embeddings.class_embedding",
    position="embeddings.position_embedding",
    patch="embeddings.patch_embedding",
    layer="encoder.layers.{}.",
    dense={
        "query": ("attn.qkv", 0),
        "key": ("attn.qkv", 1),
        "value": ("attn.qkv", 2),
        "projection": ("attn.proj", None),
        "expand": ("mlp.fc1", None),
        "contract": ("mlp.fc2", None),
    },
    norms={
        "norm_1": "norm1",
        "norm_2": "norm2",
        "query_norm": "attn.q_norm",
        "key_norm": "attn.k_norm",
    },
    scales=("ls1", "ls2"),
)

_LAYOUTS = _TRANSFORMERS, _REMOTE_CODE


@dataclasses.dataclass(frozen=True, eq=False)
class _Source:
    """Where a weight lies: its name in the checkpoint, a third of it if three share
    one tensor, and the order of the stored axes in Keras."""

    weight: Any
    name: str
    third: int | None = None
    axes: tuple | None = None

    def stored_shape(self):
        shape = list(self.weight.shape)
        for to, axis in enumerate(self.axes or ()):
            shape[axis] = self.weight.shape[to]
        if self.third is not None:
            shape[0] *= 3
        return shape

    def assign(self, tensor):
        tensor = np.asarray(tensor, "float32")
        if self.third is not None:
            tensor = np.split(tensor, 3)[self.third]
        if self.axes:
            tensor = np.transpose(tensor, self.axes)
        self.weight.assign(tensor)


def internvit_config(
    folder, share_layers=0.5, lora_rank=8, lora_alpha=16.0, lora_dropout=0.05
):
    """Arguments of :class:`~semcom_phy.layers.pretrained.internvit.InternVit`, frozen
    with LoRA.

    They are also ``vit`` of
    :class:`~semcom_phy.codecs.compensation.FeatureCompensation`.

    Parameters
    ----------
    folder : `str` or `Path`
        Local folder of an InternVL model, or of InternViT alone

    share_layers : `float`, (default 0.5)
        Share of the checkpoint's layers that is used, counted from the first, in (0, 1]

    lora_rank, lora_alpha, lora_dropout
        As in :class:`~semcom_phy.layers.pretrained.internvit.LoraDense`

    Output
    ------
    config : `dict`
        All arguments but ``grid``

    Raises
    ------
    FileNotFoundError
        If the folder or its config.json is missing.

    ValueError
        If config.json is not that of an InternVL model that InternVit can compute, or
        ``share_layers`` is out of range.
    """
    if not 0 < share_layers <= 1:
        raise ValueError(f"share_layers must lie in (0, 1], received {share_layers}.")
    folder = _existing(folder)
    config = _read_config(folder)
    config["num_layers"] = max(1, round(share_layers * config["num_layers"]))
    return config | {
        "lora_rank": lora_rank,
        "lora_alpha": lora_alpha,
        "lora_dropout": lora_dropout,
        "frozen": True,
    }


def load_internvit(transformer, folder, patch_embedding=None):
    """Fills InternViT with the weights of a local checkpoint.

    LoRA matrices stay as they are. Nothing is changed if anything does not fit.

    Parameters
    ----------
    transformer : :class:`~semcom_phy.layers.pretrained.internvit.InternVit`
        Built, with the arguments of :func:`internvit_config`, or fewer layers

    folder : `str` or `Path`
        Local folder of an InternVL model, or of InternViT alone: config.json and
        safetensors, in one file or in several with an index

    patch_embedding : `InternVitPatchEmbedding`
        Built; filled too if given

    Raises
    ------
    FileNotFoundError
        If the folder, its config.json or its safetensors are missing.

    ValueError
        If a layer is not built, or the checkpoint does not fit.
    """
    for layer in (transformer, patch_embedding):
        if layer is not None and not layer.built:
            raise ValueError(f"{layer.name} has no weights yet: build it first.")
    folder = _existing(folder)
    _check_config(transformer, folder)
    files = _tensor_files(folder)
    layout, prefix = _find(files, {x: [x.class_token] for x in _LAYOUTS})
    if layout is None:
        raise ValueError(
            f"{folder} holds no InternViT: none of its {len(files)} tensors is named "
            f"{' or '.join(x.class_token for x in _LAYOUTS)}."
        )
    sources = [
        _Source(transformer.class_token, layout.class_token),
        _Source(transformer.position, layout.position),
    ]
    if patch_embedding is not None:
        convolution = patch_embedding.convolution
        sources += [
            _Source(convolution.kernel, f"{layout.patch}.weight", axes=(2, 3, 1, 0)),
            _Source(convolution.bias, f"{layout.patch}.bias"),
        ]
    for i, block in enumerate(transformer.blocks):
        sources += _layer_sources(block, layout, prefix=layout.layer.format(i))
    _fill(
        sources,
        files,
        prefix,
        missing=f"{folder} lacks {{}}: copy all of the model's safetensors there.",
        misfit="build the layers with the sizes of config.json (internvit_config).",
    )


def load_lora(transformer, folder):
    """Fills the LoRA matrices with those of an adapter in peft's files.

    The adapter may have been trained on the whole InternVL model or on its vision
    model, in either layout; what it has for later layers or the language model is not
    read.

    Parameters
    ----------
    transformer : :class:`~semcom_phy.layers.pretrained.internvit.InternVit`
        Built, with the rank and alpha of the adapter

    folder : `str` or `Path`
        adapter_model.safetensors and adapter_config.json

    Raises
    ------
    FileNotFoundError
        If the folder or adapter_config.json is missing.

    ValueError
        If the transformer or the checkpoint is without LoRA, or it does not fit.
    """
    _check_has_lora(transformer)
    folder = _existing(folder)
    file = folder / _ADAPTER
    remedy = (
        "LoRA starts without effect if load_lora is left out; load_internvit alone "
        "reads InternViT."
    )
    if not file.is_file():
        found = _unread_pickles(folder)
        raise ValueError(f"{folder} is without LoRA: no {_ADAPTER}{found}. {remedy}")
    with _opened(file) as tensors:
        files = {name: file for name in tensors.keys()}
    layout, prefix = _find(
        files,
        {
            x: [f"{x.layer.format(0)}{name}.lora_A.weight" for name, _ in _dense(x)]
            for x in _LAYOUTS
        },
    )
    if layout is None:
        raise ValueError(
            f"{file} is without LoRA on the first layer of InternViT: train an adapter "
            f"of all of {', '.join(_targets(_TRANSFORMERS))}. {remedy}"
        )
    _check_adapter(transformer, folder)
    sources = [
        source
        for i, block in enumerate(transformer.blocks)
        for source in _lora_sources(block, layout, layout.layer.format(i))
    ]
    _fill(
        sources,
        files,
        prefix,
        missing=f"{file} lacks {{}}: train an adapter of all of "
        f"{', '.join(_targets(layout))} in the first {len(transformer.blocks)} layers.",
        misfit="load the adapter of this InternViT.",
    )


def save_lora(transformer, folder):
    """Writes the LoRA matrices as an adapter in peft's files.

    ``peft.PeftModel.from_pretrained(vision_model, folder)`` puts it on transformers'
    InternVLVisionModel.

    Parameters
    ----------
    transformer : :class:`~semcom_phy.layers.pretrained.internvit.InternVit`
        Built, with LoRA

    folder : `str` or `Path`
        Is made if it is missing

    Raises
    ------
    ValueError
        If the transformer is without LoRA.
    """
    _check_has_lora(transformer)
    folder = Path(folder).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for i, block in enumerate(transformer.blocks):
        prefix = "base_model.model." + _TRANSFORMERS.layer.format(i)
        for source in _lora_sources(block, _TRANSFORMERS, prefix):
            matrix = ops.convert_to_numpy(source.weight)
            tensors[source.name] = np.ascontiguousarray(matrix.T, "float32")
    save_file(tensors, folder / _ADAPTER, metadata={"format": "pt"})
    config = {
        "peft_type": "LORA",
        "task_type": None,
        "base_model_name_or_path": None,
        "inference_mode": True,
        "r": transformer.layer_config["lora_rank"],
        "lora_alpha": transformer.layer_config["lora_alpha"],
        "lora_dropout": transformer.layer_config["lora_dropout"],
        "bias": "none",
        "target_modules": _targets(_TRANSFORMERS),
        "layers_to_transform": list(range(len(transformer.blocks))),
        "layers_pattern": "layer",
    }
    (folder / _ADAPTER_CONFIG).write_text(json.dumps(config, indent=2) + "\n")


def _existing(folder):
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(
            f"the folder {folder} does not exist: give the local copy of an InternVL "
            f"model, such as {_EXAMPLE}."
        )
    return folder


def _json(file, remedy):
    if not file.is_file():
        raise FileNotFoundError(f"{file} does not exist: {remedy}")
    try:
        return json.loads(file.read_text())
    except ValueError as error:
        raise ValueError(f"{file} is not JSON ({error}): copy it again.") from error


def _read_config(folder):
    """All layers' number and sizes, under the names of InternVit's arguments."""
    file = folder / "config.json"
    whole = _json(file, "copy it from the InternVL model along with its safetensors.")
    config = whole.get("vision_config", whole)
    kind = config.get("model_type", whole.get("model_type"))
    layout = next((x for x in _LAYOUTS if kind in x.model_types), None)
    if layout is None:
        types = ", ".join(x.model_types[0] for x in _LAYOUTS)
        raise ValueError(
            f"{file} describes a vision model of type {kind!r}, not one of {types}: "
            f"give the folder of an InternVL model, such as {_EXAMPLE}."
        )
    for key, needed in (
        ("hidden_act", "gelu"),
        ("use_absolute_position_embeddings", True),
    ):
        if config.get(key, needed) != needed:
            raise ValueError(
                f"{file} has {key} = {config[key]!r}, where InternVit has {needed!r}: "
                "give another InternVL model."
            )
    arguments = {
        name: config.get(key, default) for name, (key, default) in layout.config.items()
    }
    image, patch = (
        size if isinstance(size, list) else [size, size]
        for size in (arguments.pop("image_size"), arguments.pop("patch_size"))
    )
    trained_grid = tuple(side // step for side, step in zip(image, patch, strict=True))
    return arguments | {"trained_grid": trained_grid}


def _check_config(transformer, folder):
    stored = _read_config(folder)
    built = transformer.get_config()
    if built["num_layers"] > stored.pop("num_layers"):
        raise ValueError(
            f"InternVit was built with {built['num_layers']} layers, more than the "
            f"checkpoint {folder} has: build it with internvit_config(folder)."
        )
    for name, value in stored.items():
        if built[name] != value:
            raise ValueError(
                f"InternVit was built with {name} = {built[name]!r}, the checkpoint "
                f"{folder} has {value!r}: build it with internvit_config(folder)."
            )


def _check_has_lora(transformer):
    if not transformer.built:
        raise ValueError(f"{transformer.name} has no weights yet: build it first.")
    if not transformer.layer_config["lora_rank"]:
        raise ValueError(
            "InternVit was built without LoRA (lora_rank = 0): build it with lora_rank."
        )


def _check_adapter(transformer, folder):
    """The adapter computes what LoraDense does, by the same factor."""
    file = folder / _ADAPTER_CONFIG
    adapter = _json(file, f"peft writes it beside {_ADAPTER}; copy it too.")
    plain: dict[str, Any] = {"peft_type": "LORA", "bias": "none"}
    plain |= dict.fromkeys(("use_dora", "lora_bias", "fan_in_fan_out"), False)
    plain |= dict.fromkeys(("rank_pattern", "alpha_pattern", "modules_to_save"))
    for key, needed in plain.items():
        if (adapter.get(key, needed) or needed) != needed:
            raise ValueError(
                f"{file} has {key} = {adapter[key]!r}, which InternVit does not "
                f"compute: train an adapter with {key} = {needed!r}."
            )
    rank, alpha = adapter.get("r", 8), adapter.get("lora_alpha", 8)
    if adapter.get("use_rslora"):
        alpha *= rank**0.5  # alpha / sqrt(r) in place of alpha / r
    built = transformer.layer_config
    for name, value in (("lora_rank", rank), ("lora_alpha", alpha)):
        if not np.isclose(built[name], value, rtol=1e-6):
            raise ValueError(
                f"InternVit was built with {name} = {built[name]}, the adapter in "
                f"{folder} needs {value}: build it with that."
            )


def _unread_pickles(folder):
    names = sorted(file.name for kind in _PICKLES for file in folder.glob(kind))
    if not names:
        return ""
    return f" ({names[0]} is not read, because it is pickle)"


def _tensor_files(folder):
    """Name of a tensor -> file that holds it."""
    index = folder / _INDEX
    if index.is_file():
        places = _json(index, "")["weight_map"]
        return {name: folder / file for name, file in places.items()}
    files = [x for x in sorted(folder.glob("*.safetensors")) if x.name != _ADAPTER]
    if not files:
        raise FileNotFoundError(
            f"{folder} holds no *.safetensors{_unread_pickles(folder)}: copy those of "
            "the model there, or convert its weights to them."
        )
    places = {}
    for file in files:
        with _opened(file) as tensors:
            places |= dict.fromkeys(tensors.keys(), file)
    return places


@contextlib.contextmanager
def _opened(file):
    if not file.is_file():
        raise FileNotFoundError(
            f"{file} does not exist, but {_INDEX} names it: copy it too."
        )
    try:
        tensors = safe_open(file, framework="np")
    except SafetensorError as error:
        raise ValueError(
            f"{file} cannot be read as safetensors ({error}): copy it again, whole."
        ) from error
    with tensors:
        yield tensors


def _find(names, endings):
    """The layout that has one of its endings among the names, and what precedes it."""
    for layout, tails in endings.items():
        for name in names:
            for tail in tails:
                prefix = name.removesuffix(tail)
                if prefix != name and (not prefix or prefix.endswith(".")):
                    return layout, prefix
    return None, None


def _fill(sources, files, prefix, missing, misfit):
    """Assigns all weights, once all of them are known to fit."""
    lacking = [x.name for x in sources if prefix + x.name not in files]
    if lacking:
        count = f" and {len(lacking) - 1} more tensors" if lacking[1:] else ""
        raise ValueError(missing.format(f"{prefix}{lacking[0]}{count}"))
    with contextlib.ExitStack() as stack:
        opened = {}
        for source in sources:
            file = files[prefix + source.name]
            if file not in opened:
                opened[file] = stack.enter_context(_opened(file))
        stored = [(x, opened[files[prefix + x.name]], prefix + x.name) for x in sources]
        for source, tensors, name in stored:
            shape = list(tensors.get_slice(name).get_shape())
            if shape != source.stored_shape():
                raise ValueError(
                    f"{name} in {files[name]} has shape {shape}, where "
                    f"{source.stored_shape()} is needed for {source.weight.path}: "
                    + misfit
                )
        for source, tensors, name in stored:
            source.assign(tensors.get_tensor(name))


def _dense(layout):
    return layout.dense.values()


def _targets(layout):
    """Names that peft knows the projections by."""
    names = dict.fromkeys(name.split(".")[-1] for name, _ in _dense(layout))
    return list(names)


def _layer_sources(block, layout, prefix):
    for attribute, (name, third) in layout.dense.items():
        dense = getattr(block, attribute)
        yield _Source(dense.kernel, f"{prefix}{name}.weight", third, (1, 0))
        if dense.use_bias:
            yield _Source(dense.bias, f"{prefix}{name}.bias", third)
    for attribute, name in layout.norms.items():
        norm = getattr(block, attribute, None)
        for weight in norm.weights if norm else ():
            kind = "bias" if weight.name == "beta" else "weight"
            yield _Source(weight, f"{prefix}{name}.{kind}")
    for weight, name in zip((block.scale_1, block.scale_2), layout.scales, strict=True):
        yield _Source(weight, prefix + name)


def _lora_sources(block, layout, prefix):
    for attribute, (name, third) in layout.dense.items():
        dense, name = getattr(block, attribute), f"{prefix}{name}"
        yield _Source(dense.lora_a, f"{name}.lora_A.weight", axes=(1, 0))
        yield _Source(dense.lora_b, f"{name}.lora_B.weight", third, (1, 0))
