# after: told = [f"
assert len(captions) == len(images)
# Every photograph has a caption of words, and not one for all.
assert all(len(said.split()) >= 3 for said in captions)
assert len(set(captions)) >= 4

# after: rank_prompts(encoder
assert all(set(own) <= set(candidates) and len(set(own)) == 5 for own in prompts)
assert np.all(np.diff(shares, axis=1) <= 0) and np.all(shares.sum(1) <= 1 + 1e-5)
# Bars hold the shares, the best one on top.
for axis, share in zip(axes.ravel(), shares, strict=True):
    np.testing.assert_allclose([bar.get_width() for bar in axis.patches][::-1], share)
# The cat among the photographs is told by its prompt.
assert "cat" in " ".join(prompts[1])

# after: np.einsum("nijk,nk->nij"
assert heat.shape == (6, 7, 7) and np.ptp(heat, axis=(1, 2)).min() > 0
# Cosines, and the picture as a whole is about as similar as its places.
assert np.abs(heat).max() <= 1 + 1e-5

# after: generator.generate(wanted
assert painted.shape == (4, 5, 32, 32, 3)
np.testing.assert_array_equal(
    generator.generate(wanted[1:2], seed=1, num=2), painted[1:2, :2]
)
assert np.any(generator.generate(wanted[:1], seed=2) != painted[:1, :1])

# after: gallery.generate(searched
# What is found is held, pixel for pixel; the cat is found by its caption.
held = {image.tobytes() for image in samples.images}
assert all(image.tobytes() in held for row in found for image in row)
np.testing.assert_array_equal(found[0, 0], samples.images[1])

# after: perceptual_efficientnet(images, damaged)
assert gain.mean() > 0
assert distance["repaired"].mean() < distance["damaged"].mean()
