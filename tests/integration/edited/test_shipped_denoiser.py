"""The denoiser of SGDJSCC that is shipped, against the linear estimate."""

from dataclasses import replace

from link_models.systems.table import build_channel, build_system
from scenarios import edited_awgn
from semcom_phy.metrics.image import psnr
from semcom_phy.seeding import image_seeds, sample_fades

SCENARIO = replace(edited_awgn.SCENARIO, dataset="sample", num_images=4)


def test_a_denoiser_takes_nothing_from_the_image():
    """At 1 dB, the same noise: the mean PSNR of photographs is that of the silent
    denoiser, which leaves the linear estimate, or more (by no less than -0.05 dB)."""
    samples, seeds = SCENARIO.load_samples(), image_seeds(1, 0, range(4))
    system = build_system("sgdjscc", SCENARIO)
    h = sample_fades(build_channel(SCENARIO), seeds)

    def quality(system):
        sent = system.transmit(samples, 1.0, h, seeds)
        return psnr(samples.images, sent.delivered.images).mean()

    denoised = quality(system)
    silent = build_system("sgdjscc", SCENARIO)
    decoder = silent.coder.coder.link.decoder
    for weight in decoder.denoiser.weights:
        weight.assign(0.0 * weight)
    decoder.steps = 1
    assert denoised > quality(silent) - 0.05
