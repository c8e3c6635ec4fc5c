"""Tiny random models of transformers in folders, as their authors would save them."""

import json
import string
from pathlib import Path

import tokenizers
import torch
import transformers

WORDS = "a photo of dog cat red blue ball runs on the grass two with in big".split()
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_SIZES = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
_IMAGE = {"height": 32, "width": 32}

# One turn a line.
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: "
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


def save_tiny_blip(folder, seed=1):
    """A BLIP of 2 layers that captions 32x32 pictures with :data:`WORDS`."""
    tokenizer = _word_tokenizer()
    text = {
        "vocab_size": len(tokenizer),
        "encoder_hidden_size": 16,
        "max_position_embeddings": 64,
        "bos_token_id": tokenizer.mask_token_id,
        "eos_token_id": tokenizer.sep_token_id,
        "sep_token_id": tokenizer.sep_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    config = transformers.BlipConfig(
        text_config=_SIZES | text,
        vision_config=_SIZES | {"image_size": 32, "patch_size": 8},
        projection_dim=16,
        image_text_hidden_size=16,
    )
    processor = transformers.BlipImageProcessorPil(size=_IMAGE)
    transformers.BlipProcessor(processor, tokenizer).save_pretrained(folder)
    return _save(transformers.BlipForConditionalGeneration, config, folder, seed)


def save_tiny_git(folder, seed=1):
    """A GIT of 2 layers that captions 32x32 pictures with :data:`WORDS`."""
    tokenizer = _word_tokenizer()
    config = transformers.GitConfig(
        **_SIZES,
        vocab_size=len(tokenizer),
        max_position_embeddings=64,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        pad_token_id=tokenizer.pad_token_id,
        vision_config=_SIZES | {"image_size": 32, "patch_size": 8},
    )
    processor = transformers.CLIPImageProcessorPil(
        size={"shortest_edge": 32}, crop_size=_IMAGE
    )
    transformers.GitProcessor(processor, tokenizer).save_pretrained(folder)
    return _save(transformers.GitForCausalLM, config, folder, seed)


def save_tiny_clip(folder, seed=1):
    """A CLIP of 2 layers, 4 x 4 patches, 16 tokens; its texts are read by letters."""
    letters = [*string.ascii_lowercase, *string.digits, *".,-'"]
    tokens = [*letters, *(f"{letter}</w>" for letter in letters)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer = transformers.CLIPTokenizer(vocab=vocabulary, merges=[])
    text = {
        "vocab_size": len(vocabulary),
        "max_position_embeddings": 16,
        "bos_token_id": vocabulary["<|startoftext|>"],
        "eos_token_id": vocabulary["<|endoftext|>"],
        "pad_token_id": vocabulary["<|endoftext|>"],
    }
    config = transformers.CLIPConfig(
        text_config=_SIZES | text,
        vision_config=_SIZES | {"image_size": 32, "patch_size": 8},
        projection_dim=12,
    )
    processor = transformers.CLIPImageProcessorPil(
        size={"shortest_edge": 32}, crop_size=_IMAGE
    )
    transformers.CLIPProcessor(processor, tokenizer).save_pretrained(folder)
    return _save(transformers.CLIPModel, config, folder, seed)


def save_tiny_resnet(folder, seed=1):
    """A ResNet of 2 stages that tells classes, and with them 4x4 places of 16 numbers,
    of 32x32 pictures."""
    config = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], num_labels=3
    )
    transformers.ConvNextImageProcessorPil(
        size={"shortest_edge": 32}, crop_pct=0.875
    ).save_pretrained(folder)
    return _save(transformers.ResNetForImageClassification, config, folder, seed)


def lay_out_as_on_the_hub(folder, preprocessor):
    """Leaves a saved model with the files that older ones have on the hub: settings of
    the image processor in a file of their own."""
    Path(folder, "processor_config.json").unlink()
    Path(folder, "preprocessor_config.json").write_text(json.dumps(preprocessor))


def save_tiny_llava(folder, has_template=True, seed=1):
    """A LLaVA of 2 layers with a token for each byte, with a chat template or without
    one."""
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    special = ["<pad>", "<s>", "</s>", "<image>"]
    vocabulary = {token: index for index, token in enumerate(special + alphabet)}
    bytewise = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, merges=[]))
    bytewise.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytewise.decoder = tokenizers.decoders.ByteLevel()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=bytewise,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        additional_special_tokens=["<image>"],
    )
    size = {"height": 28, "width": 28}
    transformers.LlavaProcessor(
        transformers.CLIPImageProcessorPil(size=size, crop_size=size),
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="full",
        chat_template=CHAT_TEMPLATE if has_template else None,
        num_additional_image_tokens=1,
    ).save_pretrained(folder)
    config = transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(
            image_size=28, patch_size=14, projection_dim=16, **_SIZES
        ),
        text_config=transformers.LlamaConfig(
            vocab_size=len(vocabulary), max_position_embeddings=8192, **_SIZES
        ),
        image_token_index=vocabulary["<image>"],
        vision_feature_select_strategy="full",
        pad_token_id=0,
    )
    return _save(transformers.LlavaForConditionalGeneration, config, folder, seed)


def _word_tokenizer():
    """Of BERT's kind, with a word for each token."""
    vocabulary = {word: index for index, word in enumerate([*SPECIAL, *WORDS])}
    return transformers.BertTokenizer(vocab=vocabulary, do_lower_case=True)


def _save(kind, config, folder, seed):
    """Weights large enough that pictures make a difference, unlike those at the start
    of a training."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = kind(config).eval()
        for weight in model.parameters():
            if weight.ndim > 1:
                torch.nn.init.normal_(weight, std=0.3)
    model.save_pretrained(folder)
    return folder
