"""Table IV: what each mode sends, and what it gains by it."""

from benchmarks.figures import aligned, mean, num_symbols, symbols
from benchmarks.mmsemcom.experiments import curves_of, scenario_of, title_of
from link_models.systems.table import build_system

_KB = 1024  # bytes, as the paper's 14.526 dB of 128 bytes are 116.2 per KB
MODES = {
    "mmsemcom_image": "Image only",
    "mmsemcom_text": "Text only",
    "mmsemcom_simultaneous": "Simultaneous",
    "mmsemcom_sequential": "Sequential",
    "mmsemcom_without_clip": "Without CLIP",
    "mmsemcom_simultaneous_digital": "Simultaneous, digital",
    "mmsemcom_sequential_digital": "Sequential, digital",
    "candidate_index": "Index",
}


def table_four(args, experiment):
    """Bytes, symbols and quality of the modes at one SNR; lines of text."""
    snr = args.snr
    curves = curves_of(args, experiment, MODES, snr_db=[snr])
    scenario = scenario_of(args, experiment)
    head = ["Mode", "bytes", "symbols", "PSNR [dB]", "MS-SSIM", "PSNR/KB"]
    rows = [[*head, "PSNR/100 symbols"]]
    for name, mode in MODES.items():
        curve = curves[name]
        num_bytes = _bytes(curve, scenario, snr)
        psnr_db = curve.file.estimate("psnr_db", snr).mean
        rows.append(
            [
                mode,
                str(num_bytes),
                symbols(curve, snr, scenario),
                mean(curve, "psnr_db", snr, 3),
                mean(curve, "ms_ssim", snr, 3),
                f"{psnr_db / (num_bytes / _KB):.3f}",
                f"{psnr_db / (num_symbols(curve, snr, scenario) / 100):.3f}",
            ]
        )
    return [
        *title_of(args, experiment, f"Table IV: overhead at {snr:g} dB"),
        "  bytes as the paper counts them: 4 of each value of analogue modes, the "
        "payload of digital ones; the class is not among them. 1 KB = 1024 bytes",
        "  symbols on the air, data + side: the class is among them, and all count in "
        "PSNR/100 symbols",
        "",
        *aligned(rows),
    ]


def _bytes(curve, scenario, snr_db):
    about = curve.file.header["description"]
    if "bytes_as_floats" in about:
        return about["bytes_as_floats"]
    if "bytes" in about:
        return about["bytes"]
    # As many bits as pay at the SNR: the sender says how many.
    sender = build_system(curve.label, scenario).coder.sender
    return sender.choice(snr_db).block.num_bytes
