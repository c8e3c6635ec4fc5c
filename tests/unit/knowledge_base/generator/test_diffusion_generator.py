"""The embedded image generator, with tiny random weights."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.fft import dctn, idctn
from tiny_generator import CONFIG, WordHashes, save_generator, smooth_pictures

from semcom_phy.knowledge_base.generator import find_generator
from semcom_phy.knowledge_base.generator.diffusion import DiffusionGenerator
from semcom_phy.knowledge_base.generator.network import make_network
from semcom_phy.knowledge_base.generator.noise import LEVELS, Noise
from semcom_phy.knowledge_base.generator.spectrum import noise_strength

CAPTIONS = ["a photo of a cat", "a red car"]
UNET = {"kind": "unet", "channels": [4, 8, 8, 8], "head_width": 4, "groups": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_generator(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def generator(folder):
    return DiffusionGenerator(folder, steps=4, encoder=WordHashes())


def test_pictures_have_the_shape_and_size_that_is_asked_for(generator):
    """uint8, 32x32 or brought to any size."""
    own = generator.generate(CAPTIONS, seed=1, num=3)
    assert own.shape == (2, 3, 32, 32, 3) and own.dtype == np.uint8 and own.std() > 0
    assert generator.generate(CAPTIONS, 1, size=(20, 50)).shape == (2, 1, 20, 50, 3)


def test_a_picture_depends_on_seed_caption_and_number_alone(generator):
    """Not on the captions beside it, nor on how many are asked for."""
    several = generator.generate(CAPTIONS, seed=5, num=3)
    alone = generator.generate(CAPTIONS[1:], seed=5, num=2)
    np.testing.assert_array_equal(several[1, :2], alone[0])
    assert (several[0, 0] != several[0, 1]).any()
    assert (several[0] != several[1]).any()
    assert (generator.generate(CAPTIONS[1:], seed=6, num=2) != alone).any()


def test_another_process_paints_the_same_bytes(folder, generator):
    """Of the same seed, on the same machine."""
    code = (
        "import hashlib, sys\n"
        "from tiny_generator import WordHashes\n"
        "from semcom_phy.knowledge_base.generator.diffusion import DiffusionGenerator\n"
        "generator = DiffusionGenerator(sys.argv[1], steps=4, encoder=WordHashes())\n"
        "pictures = generator.generate(['a red car'], seed=9, num=2)\n"
        "print(hashlib.sha256(pictures.tobytes()).hexdigest())"
    )
    tests = Path(__file__).parents[3]
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, {str(tests)!r})\n{code}",
        ]
        + [str(folder)],
        cwd=tests.parent,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()[-1]
    here = generator.generate(["a red car"], seed=9, num=2)
    assert told == hashlib.sha256(here.tobytes()).hexdigest()


def test_noise_is_taken_off_by_a_network_that_knows_the_picture(generator, monkeypatch):
    """With the true velocity, the solver ends at the picture (1 grey level)."""
    picture = smooth_pictures(1, seed=3)
    values = torch.from_numpy(generator._spectrum.encode(picture))
    noise = Noise()

    class Knowing:
        null = torch.zeros(384)

        def __call__(self, x, time, text):
            level = (time * LEVELS - 0.5).round().long()
            a, s = noise._picture[level], noise._noise[level]
            return a * (x - a * values) / s - s * values

    monkeypatch.setattr(generator._denoiser, "_network", Knowing())
    painted = generator.generate(["a"], seed=1)[0, 0].astype(int)
    shown = np.clip(generator._spectrum.decode(values.numpy())[0], 0, 255)
    assert np.abs(painted - shown).max() <= 1


def test_velocity_and_noisy_give_the_values_back():
    """At every level, to the rounding of 32 bits."""
    rng = torch.Generator().manual_seed(1)
    values, eps = (torch.randn(LEVELS, 5, generator=rng) for _ in range(2))
    level, noise = torch.arange(LEVELS), Noise()
    noisy, velocity = (
        noise.noisy(values, eps, level),
        noise.velocity(values, eps, level),
    )
    assert torch.allclose(noise.values(noisy, velocity, level), values, atol=1e-4)
    for sent in (noisy, velocity):
        assert sent.var().item() == pytest.approx(1, abs=0.1)


def test_guidance_goes_towards_the_caption(folder):
    """Without any, captions are of no meaning."""
    free = DiffusionGenerator(folder, steps=2, guidance=0, encoder=WordHashes())
    led = DiffusionGenerator(folder, steps=2, guidance=3, encoder=WordHashes())
    one, other = CAPTIONS
    start = generator_noise = 5  # the same noise for both captions
    vectors = WordHashes().encode([one, other])
    same = [free._painted(vector, start) for vector in vectors]
    np.testing.assert_array_equal(*same)
    apart = [led._painted(vector, generator_noise) for vector in vectors]
    assert (apart[0] != apart[1]).any()


def test_noise_of_small_coefficients_begins_weaker():
    """Of 128 it is whole; of others as much less as their deviation is."""
    deviation = np.geomspace(10, 0.1, 300).astype("float32")[::-1]
    strength = noise_strength(deviation)
    assert (strength[-128:] == 1).all() and (strength[:-128] < 1).all()
    assert strength[0] == pytest.approx(deviation[0] / deviation[-128])
    assert (noise_strength(deviation[:24]) <= 1).all()


@pytest.mark.parametrize("shape", [(32, 32), (96, 128), (20, 24)])
def test_an_image_is_changed_by_as_much_as_is_asked_for(generator, shape):
    """Strength 0 changes nothing, 1 more than a little; detail and size stay."""
    images = smooth_pictures(2, side=128)[:, : shape[0], : shape[1]]
    kept = generator.image_to_image(images, CAPTIONS, seed=1, strength=0)
    np.testing.assert_array_equal(kept, images)
    little, much = (
        generator.image_to_image(images, CAPTIONS, seed=1, strength=strength)
        for strength in (0.25, 1)
    )
    assert little.shape == images.shape and little.dtype == np.uint8
    change = [np.abs(one.astype(int) - images).mean() for one in (little, much)]
    assert 0 < change[0] < change[1]
    alone = generator.image_to_image(images[1:], CAPTIONS[1:], 1, 0.25)
    np.testing.assert_array_equal(alone[0], little[1])


def test_identity_is_plain_and_names_weights_and_settings(folder, generator):
    """Results of other weights or settings are told apart."""
    identity = json.loads(json.dumps(generator.identity))
    assert identity["steps"] == 4 and len(identity["sha256"]) == 64
    other = DiffusionGenerator(folder, steps=5, encoder=WordHashes())
    assert other.identity != generator.identity


def test_bad_requests_are_refused(folder, generator, tmp_path):
    """With the value and what is to be given."""
    images = smooth_pictures(2)
    with pytest.raises(ValueError, match="strength must be a number from 0 to 1"):
        generator.image_to_image(images, CAPTIONS, 1, 1.5)
    with pytest.raises(ValueError, match="1 captions for 2 images"):
        generator.image_to_image(images, CAPTIONS[:1], 1, 0.5)
    with pytest.raises(ValueError, match="list of texts"):
        generator.generate("a cat", 1)
    with pytest.raises(ValueError, match="steps must be at least 1|from 1"):
        DiffusionGenerator(folder, steps=0, encoder=WordHashes())
    with pytest.raises(FileNotFoundError, match="generator.json is missing"):
        DiffusionGenerator(tmp_path, encoder=WordHashes())


def test_the_unet_of_four_stages_stands_in_the_same_place(tmp_path):
    """It paints from pixels what the other paints from coefficients."""
    folder = save_generator(tmp_path, UNET)
    generator = DiffusionGenerator(folder, steps=2, encoder=WordHashes())
    assert generator.generate(["a cat"], seed=1).shape == (1, 1, 32, 32, 3)
    unet = generator._denoiser._network.unet
    assert len(unet.down_blocks) == len(unet.up_blocks) == 4


def test_the_unet_sees_pixels():
    """Its guess for coefficients is that of the UNet for their picture (1e-4)."""
    network = make_network(UNET).eval()
    x, time, text = torch.randn(2, 3072), torch.rand(2), torch.randn(2, 384)

    def transformed(planes, transform):
        planes = planes.detach().numpy().transpose(0, 2, 3, 1)
        return torch.from_numpy(transform(planes, axes=(1, 2), norm="ortho"))

    planes = x.reshape(2, 32, 32, 3).permute(0, 3, 1, 2)
    pixels = transformed(planes, idctn).permute(0, 3, 1, 2)
    states = text[:, None] * 384**0.5
    guess = network.unet(pixels, time * 1000, states).sample
    expected = transformed(guess, dctn).reshape(2, -1)
    assert torch.allclose(network(x, time, text), expected, atol=1e-4)


def test_networks_begin_with_the_guess_that_there_is_nothing():
    """The velocity of a new ResidualMLP is 0, and every weight can learn from it."""
    network = make_network(CONFIG)
    x, time, text = torch.randn(3, 24), torch.rand(3), torch.randn(3, 384)
    assert (network(x, time, text) == 0).all()
    with torch.no_grad():
        for weights in network.parameters():
            weights.add_(0.1 * torch.randn_like(weights))
    network(x, time, network.null + text).square().sum().backward()
    assert all(
        torch.isfinite(p.grad).all() and p.grad.abs().sum() > 0
        for p in network.parameters()
    )


def test_the_shipped_weights_paint_what_is_said():
    """Oranges are redder than blue skies with an airplane, in the mean of four."""
    shipped = find_generator("embedded")
    captions = ["a photo of an orange", "a photo of an airplane"]
    orange, airplane = shipped.generate(captions, seed=1, num=4).mean((1, 2, 3))
    assert orange[0] - orange[2] > 50 > airplane[0] - airplane[2]
