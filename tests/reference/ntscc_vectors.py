"""What the codec of published NTSCC computes, named as in vectors of its authors."""

import numpy as np
from keras import ops

from link_models.training.published.fill import check_entries, fill
from link_models.training.published.ntscc_entries import (
    decoder_entries,
    encoder_entries,
    is_buffer,
    sizes_of,
)
from semcom_phy.codecs.ntscc_official import (
    NtsccOfficialDecoder,
    NtsccOfficialEncoder,
)
from semcom_phy.layers.entropy.gaussian_conditional import bits, rounded_likelihood
from semcom_phy.phy.channel_models.batch_channel import send_kept_over_batch


class NtsccNetworks:
    """Encoder and decoder with the weights of a state, for images of a size."""

    def __init__(self, state, config, sides):
        sizes = sizes_of(state, variant_of(config))
        sizes |= {"image_shape": (*sides, 3), "eta": config["eta"]}
        self.encoder = NtsccOfficialEncoder(**sizes)
        self.decoder = NtsccOfficialDecoder(**sizes)
        self.encoder.build(None)
        self.decoder.build(None)
        self.entries = [*encoder_entries(self.encoder), *decoder_entries(self.decoder)]
        assert not check_entries(state, self.entries, is_buffer)
        fill(state, self.entries)


def variant_of(config):
    """What vectors would be imported as."""
    return "ntscc_official_z" if config["use_side_info"] else "ntscc_official"


def ntscc_outputs(networks, config, io):
    """Everything that is made of an image, as (name, array in the authors' layout)."""
    encoder, decoder = networks.encoder, networks.decoder
    images = ops.convert_to_tensor(io["image"].transpose(0, 2, 3, 1))
    pixels = images.shape[1] * images.shape[2]
    found = encoder.analyse(images)
    yield from _transformed(encoder, images)
    yield from _hyper(encoder, found, pixels)
    means = ops.round(found.latents - found.mean) + found.mean
    yield "ntc/y_hat", _maps(means)
    shown = decoder.images_of(means)
    yield "ntc/x_hat", _maps(shown)
    yield "ntc/mse", _mean_error(shown, images)
    rate_index = encoder.published_index(found)
    asked = encoder.eta * encoder.information(found.likelihood)
    yield "fe/symbol_budget", _array(asked).ravel()
    yield "fe/rate_index", _array(rate_index).ravel()
    yield from _coded(encoder, found, rate_index)
    features, kept = encoder.features(*found[:2], rate_index)
    yield "fe/mask", _maps(kept)
    yield "fe/output", _maps(features)
    yield "cbr_y", np.array([_array(kept).sum() / 2 / (3 * pixels)])
    yield from _sent(features, kept, config, io)
    received = ops.convert_to_tensor(io["received"].transpose(0, 2, 3, 1))
    yield from _decoded(decoder, received, rate_index, found.steps)
    shown = ops.clip(decoder.reconstruct(received, rate_index, found.steps), 0.0, 1.0)
    yield "x_hat", _maps(shown)
    yield "mse", _mean_error(shown, images)


def _transformed(encoder, images):
    x = encoder.embed_norm(encoder.embed(images))
    yield "ga/patch_embed", _tokens(x)
    for i, stage in enumerate(encoder.stages):
        x = stage(encoder.merges[i - 1](x) if i else x)
        yield f"ga/stage{i}", _tokens(x)
    yield "y", _maps(encoder.norm(x))


def _hyper(encoder, found, pixels):
    model = encoder.bottleneck
    yield "z", _maps(encoder.analysis(found.latents))
    yield "z_hat", _maps(found.steps + model.medians)
    yield "z_likelihood", _maps(model.likelihood(found.steps))
    yield "scales", _maps(found.scale)
    yield "means", _maps(found.mean)
    rounded = rounded_likelihood(found.latents, found.mean, found.scale)
    yield "y_likelihood_rounded", _maps(rounded)
    yield "y_likelihood_continuous", _maps(found.likelihood)
    yield "bpp_y", np.array([_array(bits(rounded)).sum() / pixels])
    yield "bpp_z", np.array([_array(model(found.steps)).sum() / pixels])


def _coded(encoder, found, rate_index):
    yield "fe/refine", _tokens(encoder.refine_latents(*found[:2]) - found.latents)
    x = encoder.code_inputs(*found[:2], rate_index)
    yield "fe/stage0_input", _tokens(x)
    yield "fe/stage0", _tokens(encoder.code(x))
    yield "fe/norm", _tokens(encoder.code_norm(encoder.code(x)))


def _sent(features, kept, config, io):
    no = 10 ** (-config["snr_db"] / 10)
    noise = (io["chan/noise_re"] + 1j * io["chan/noise_im"]) / np.sqrt(no)
    count = int(_array(kept).sum()) // 2
    assert noise.size == count
    noise = np.pad(noise, (0, _array(kept).size // 2 - count)).astype("complex64")
    heard = send_kept_over_batch(features, kept, no, ops.convert_to_tensor(noise))
    yield "chan/input", _maps(features)[_maps(kept) > 0]
    yield "chan/avg_power", _array(heard.power)[None]
    yield "chan/symbols_re", _array(heard.symbols).real[:count]
    yield "chan/symbols_im", _array(heard.symbols).imag[:count]
    yield "chan/output", _maps(heard.features)[_maps(kept) > 0]
    yield "received", _maps(heard.features)


def _decoded(decoder, received, rate_index, steps):
    yield "fd/rate_adaption", _maps(decoder.rate_adaption(received, rate_index))
    x = decoder.code_inputs(received, rate_index)
    yield "fd/stage0_input", _tokens(x)
    x = decoder.code(x)
    yield "fd/output", _maps(x)
    if decoder.refined:
        x = decoder.refine_latents(x, steps)
    yield "gs/input", _maps(x)
    for i, (stage, split) in enumerate(
        zip(decoder.stages, decoder.splits, strict=True)
    ):
        x = split(stage(x))
        yield f"gs/stage{i}", _tokens(x)
    yield "gs/output_unclipped", _maps(decoder.last(x))


def _mean_error(shown, images):
    """In squared steps of 8 bits."""
    return np.array([np.mean((_array(shown) - _array(images)) ** 2) * 255**2])


def _tokens(x):
    x = _array(x)
    return x.reshape(len(x), -1, x.shape[-1])


def _maps(x):
    return _array(x).transpose(0, 3, 1, 2)


def _array(tensor):
    return np.asarray(ops.convert_to_numpy(tensor))
