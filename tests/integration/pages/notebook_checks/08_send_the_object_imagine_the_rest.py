# after: NAMES = (
# No label goes to a transmitter, and every picture has one caption.
assert samples.masks is None and [len(own) for own in samples.texts] == [1] * num
assert images.shape == (12, 128, 128, 3) and scenario.num_symbols == 2048

# after: packet = coder.link.encode
# The maps are of patches of 8x8 pixels, and the mask is what the codec sends.
assert scores.shape == mask.shape == (12, 16, 16)
assert set(np.unique(mask)) <= {0, 1} and 0 < mask.mean() < 1
np.testing.assert_array_equal(mask, ops.convert_to_numpy(packet.side.mask))
for column, i in zip(axes.T, some, strict=True):
    np.testing.assert_array_equal(column[1].images[0].get_array(), scores[i])
    shown = np.array(column[2].images[0].get_array())
    chosen = mask[i].repeat(8, 0).repeat(8, 1) > 0
    np.testing.assert_array_equal(shown[chosen], images[i][chosen])

# after: frame = {
# Bars are as long as what was spent, which fills the frame.
lengths = [bar.get_width() for bar in whole.patches]
assert lengths == [1792, 256] and sum(lengths) == 2048
for line, name in zip(bits.lines, ("side_bits", "caption_bits"), strict=True):
    np.testing.assert_array_equal(line.get_ydata(), figures[name])
print("must be printed: 2048 symbols of 2048, captions of 1 dB:")

# after: pictures = [images]
# The editor changes what arrived, noise more of it at 1 dB than at 10.
assert columns.shape == (12, 5, 128, 128, 3)
errors = [np.mean((columns[:, k] - images.astype(float)) ** 2) for k in (1, 3)]
assert errors[0] > errors[1]
assert all((columns[:, k] != columns[:, k + 1]).any() for k in (1, 3))

# after: gains = {
for axis, (old, new) in zip(axes, gains.values(), strict=True):
    np.testing.assert_array_equal(axis.lines[0].get_xydata().T, [old, new])

# after: guess = (logits
# Nothing is lost with the mask, and nothing is charged for it.
assert not outcome.outage.any() and "side" not in outcome.lost
joint = (guess & (fine > 0)).sum((1, 2)) / np.maximum((guess | (fine > 0)).sum((1, 2)), 1)
np.testing.assert_allclose(overlap[fine.any((1, 2))], joint[fine.any((1, 2))])

# after: curves = {
for k, axis in enumerate(axes):
    for line, curve in zip(axis.lines, curves.values(), strict=True):
        np.testing.assert_allclose(line.get_ydata(), curve[:, k])
# HEVC that is told the mask is closer in the foreground, and not in the background.
plain, told = (curves[systems[name].title] for name in SEPARATE)
assert np.all(told[:, 0] > plain[:, 0]) and np.all(told[:, 1] < plain[:, 1])
# The better the channel, the closer the image, in both parts.
for curve in list(curves.values())[1:3]:
    assert np.all(np.diff(curve[:, :2], axis=0) > -0.1)
