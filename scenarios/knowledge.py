"""What both ends know, tried on pictures: captions, prompts, generated, edited images.

    python -m scenarios.knowledge caption --captioner embedded
    python -m scenarios.knowledge prompts --dual-encoder openai/clip-vit-base-patch32
    python -m scenarios.knowledge generate --prompt "a photo of a dog" --num 4
    python -m scenarios.knowledge edit --editor ./instruct-pix2pix --prompt "in winter"

A model is called by the name of an embedded one, by its id on the Hugging Face hub, or
by a folder (see docs/knowledge_bases.md). Without --dataset, the photographs that
packages ship are shown.
"""

import sys
from pathlib import Path

from scenarios.command.arguments import Parser

_PICTURE_SIDE = 128


def knowledge_parser():
    """The parser of this command line."""
    parser = Parser(
        prog="scenarios.knowledge", description=__doc__.splitlines()[0].strip()
    )
    parser.add_argument("command", choices=tuple(_COMMANDS))
    add = parser.add_options(
        "models: an embedded one, a hub id, a folder or (captioner"
        ", editor) the URL of a server"
    )
    add("--captioner", default="embedded", help="embedded, tags, ... (embedded)")
    add("--dual-encoder", default="embedded", help="(embedded)")
    add("--generator", default="embedded", help="embedded, gallery, ... (embedded)")
    add("--editor", default="embedded", help="embedded, ... (embedded)")
    add = parser.add_options("pictures")
    add("--dataset", default="sample", help="as in the scenarios (sample)")
    add("--images", dest="num_images", type=int, default=6, help="how many (6)")
    add("--image-size", type=int, default=_PICTURE_SIDE, help="side [pixels] (128)")
    add("--prompt", nargs="+", help="generate: captions; edit: what is to be done")
    add("--prompts-file", type=Path, help="prompts: one candidate in each line")
    add("--num", type=int, help="prompts or pictures of each (3)", default=3)
    add(
        "--temperature",
        type=float,
        default=0.01,
        help="prompts: of the softmax (0.01, as CLIP's; the embedded one learned 0.04)",
    )
    add("--seed", type=int, default=1, help="of pictures and models (1)")
    add("--out", type=Path, default=Path("results/knowledge"), help="where figures go")
    return parser


def main(argv=None):
    """Command line; returns the exit code."""
    parser = knowledge_parser()
    try:
        args = parser.parse_args(argv)
    except SystemExit as leave:
        return leave.code
    try:
        _refuse_unread(parser, args.command)
        _COMMANDS[args.command](args)
    except (ValueError, OSError, ImportError) as error:
        line = " ".join(str(error).split())
        print(f"{parser.prog}: error: {line}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\n{parser.prog}: interrupted", file=sys.stderr)
        return 130
    return 0


def _refuse_unread(parser, command):
    """Refuses options that are given and that the command would not read."""
    for name in parser.given:
        readers = [other for other, reads in _READS.items() if name in reads]
        if command not in readers:
            option = parser.options[name]
            raise ValueError(
                f"{command} does not read {option}, which is of {', '.join(readers)}: "
                "leave it out"
            )


def _caption(args):
    from semcom_phy.knowledge_base.captioner import find_captioner

    model, samples = find_captioner(args.captioner), _samples(args)
    captions = model.caption(samples.images)
    for number, caption in enumerate(captions):
        print(f"{number}: {caption}")
    _draw(args, samples.images[:, None], captions)


def _prompts(args):
    from semcom_phy.knowledge_base.dual_encoder import find_dual_encoder
    from semcom_phy.knowledge_base.dual_encoder.prompt_list import (
        PROMPTS_FILE,
        read_prompts,
    )
    from semcom_phy.knowledge_base.dual_encoder.prompts import rank_prompts

    model, samples = find_dual_encoder(args.dual_encoder), _samples(args)
    candidates = read_prompts(args.prompts_file or PROMPTS_FILE)
    found, shares = rank_prompts(
        model, samples.images, candidates, args.num, args.temperature
    )
    lines = [
        ", ".join(f"{p} {share:.2f}" for p, share in zip(own, row, strict=True))
        for own, row in zip(found, shares, strict=True)
    ]
    for number, line in enumerate(lines):
        print(f"{number}: {line}")
    _draw(args, samples.images[:, None], lines)


def _generate(args):
    from semcom_phy.knowledge_base.generator import find_generator

    if not args.prompt:
        raise ValueError('generate needs captions: --prompt "a photo of a dog"')
    model = find_generator(args.generator)
    _draw(args, model.generate(args.prompt, args.seed, args.num), args.prompt)


def _edit(args):
    import numpy as np

    from semcom_phy.knowledge_base.editor import find_editor

    model, samples = find_editor(args.editor), _samples(args)
    prompt = " ".join(args.prompt or ["a sharp photo without noise"])
    edited = model.edit(samples.images, [prompt] * len(samples), args.seed)
    _draw(args, np.stack([samples.images, edited], 1), [prompt] * len(samples))


_COMMANDS = {
    "caption": _caption,
    "prompts": _prompts,
    "generate": _generate,
    "edit": _edit,
}
_EVERY = {"seed", "out"}
_PICTURES = {"dataset", "num_images", "image_size"}
_READS = {  # command -> names of the values that it reads
    "caption": {"captioner"} | _PICTURES | _EVERY,
    "prompts": {"dual_encoder", "prompts_file", "num", "temperature"}
    | _PICTURES
    | _EVERY,
    "generate": {"generator", "prompt", "num"} | _EVERY,
    "edit": {"editor", "prompt"} | _PICTURES | _EVERY,
}


def _samples(args):
    from semcom_phy.sources.images import load_samples

    return load_samples(args.dataset, args.num_images, args.image_size, args.seed)


def _draw(args, pictures, titles):
    """A row of pictures, [rows, columns, height, width, 3], for every title."""
    from semcom_phy.simulation.figures.grid import plot_grid

    path = args.out / f"{args.command}.png"
    plot_grid(pictures, titles, path)
    print(f"wrote {path}")


if __name__ == "__main__":
    raise SystemExit(main())
