"""Tiny Stable Diffusion parts with random weights, as folders that pipelines load."""

import json

from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from semcom_phy.seeding import private_streams

SIDE = 32  # of the pictures [pixels]
WIDTH = 8  # of the text's states
_LATENT = 4
_END = "</w>"


def tiny_tokenizer(folder):
    """A CLIP tokenizer that knows letters and a few words; its files go to a folder."""
    letters = "abcdefghijklmnopqrstuvwxyz,."
    vocabulary = [*letters, *(letter + _END for letter in letters), "ca", f"cat{_END}"]
    vocabulary += ["<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True, exist_ok=True)
    numbers = {token: number for number, token in enumerate(vocabulary)}
    (folder / "vocab.json").write_text(json.dumps(numbers))
    (folder / "merges.txt").write_text(f"#version: 0.2\nc a\nca t{_END}\n")
    return CLIPTokenizer(
        str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=16
    )


def tiny_parts(folder, in_channels=_LATENT, seed=1):
    """What Stable Diffusion and its editors are made of, by their names.

    ``in_channels`` is 4 for text-to-image, 8 for InstructPix2Pix.
    """
    tokenizer = tiny_tokenizer(folder / "tokenizer")
    with private_streams(seed):
        unet = UNet2DConditionModel(
            sample_size=SIDE // 2,
            in_channels=in_channels,
            out_channels=_LATENT,
            block_out_channels=(8, 16),
            layers_per_block=1,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=WIDTH,
            attention_head_dim=4,
            norm_num_groups=4,
        )
        vae = AutoencoderKL(
            block_out_channels=(8, 8),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            latent_channels=_LATENT,
            norm_num_groups=4,
            sample_size=SIDE,
        )
        text_encoder = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=len(tokenizer),
                hidden_size=WIDTH,
                intermediate_size=16,
                num_hidden_layers=2,
                num_attention_heads=2,
                max_position_embeddings=16,
                bos_token_id=tokenizer.bos_token_id,
                eos_token_id=tokenizer.eos_token_id,
                pad_token_id=tokenizer.pad_token_id,
            )
        )
    return {
        "unet": unet.eval(),
        "vae": vae.eval(),
        "text_encoder": text_encoder.eval(),
        "tokenizer": tokenizer,
        "scheduler": DDIMScheduler(clip_sample=False, steps_offset=1),
        "safety_checker": None,
        "feature_extractor": None,
    }


def save_stable_diffusion(folder):
    """A tiny Stable Diffusion in a folder, as safetensors."""
    pipeline = StableDiffusionPipeline(
        **tiny_parts(folder / "parts"), requires_safety_checker=False
    )
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder
