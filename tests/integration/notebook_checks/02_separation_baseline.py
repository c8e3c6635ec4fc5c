# after: stream [byte]
for line, codec in zip(left.axes[0].lines, (hevc, webp), strict=True):
    size, quality = np.array(codec.ladder.curve(original[0])).T
    np.testing.assert_array_equal(line.get_xdata(), size)
    np.testing.assert_array_equal(line.get_ydata(), quality)
    assert np.all(np.diff(size) > 0) and np.all(np.diff(quality) > 0)
for budget, axis in zip((60, 150, 400), axes[1:], strict=True):
    shown = axis.images[0].get_array()
    error = np.mean((original[0].astype(float) - shown) ** 2)
    size, quality = axis.get_title().split(" byte\n")
    assert int(size) <= budget and quality == f"{10 * np.log10(255**2 / error):.1f} dB"

# after: share of failed CRCs
# The stored block error rate, within 4 standard errors of 64 blocks and 0.05.
promised = block_error_rate(plan, mcs.modulation_order, near)
spread = 4 * np.sqrt(promised * (1 - promised) / (4 * NUM_DRAWS)) + 0.05
assert np.all(np.abs(np.array(failed) - promised) <= spread), (failed, promised)
np.testing.assert_array_equal(axes[0].lines[1].get_ydata(), failed)
for line in axes[1].lines[:3]:  # from an outage to the stream, a mixture between
    values = line.get_ydata()
    assert values.min() >= outage_psnr and values[-1] == values.max() > outage_psnr + 3
assert axes[1].lines[2].get_ydata()[0] == outage_psnr
np.testing.assert_array_equal(axes[1].lines[3].get_ydata(), semantic)

# after: outage probability
# 1x1 Rayleigh: 1 - exp(-threshold / SNR), within 4 standard errors of the fades and
# what a threshold smears (0.25 dB).
of_1x1 = [line for line in axes[1].lines if line.get_label().endswith("1x1")]
limits = [line.get_xdata()[0] for line in axes[0].lines[1:]]
assert len(of_1x1) == len(limits) == 3
for line, limit in zip(of_1x1, limits, strict=True):
    low, high = (
        1 - np.exp(-(10 ** ((limit + gap - average_snr) / 10))) for gap in (-0.25, 0.25)
    )
    spread = 4 * np.sqrt(high * (1 - low) / NUM_FADES)
    values = line.get_ydata()
    assert np.all(values > low - spread) and np.all(values < high + spread)

# after: fades out of 100
for name, line in zip(("average", "csi"), axes[0].lines, strict=True):
    np.testing.assert_array_equal(line.get_ydata(), expected[name])
    assert np.all(np.diff(expected[name]) > 0)
assert np.all(np.array(expected["csi"]) > expected["average"])
heights = [bar.get_height() for bar in axes[1].patches]
assert sum(heights) == len(indices) <= 100

# after: knowledge   SNR
print(
    f"must be printed: csi          15 dB  {quality.mean:5.2f} +- "
    f"{quality.half_width:4.2f} dB   {100 * outage.mean:5.1f} %"
)
again = system.transmit(images[:28], 15.0, channel.sample(28), range(28))
assert again.images.shape == images[:28].shape
spread = np.hypot(quality.half_width, 2 * psnr(images[:28], again.images).std() / 5)
assert abs(psnr(images[:28], again.images).mean() - quality.mean) < 2 * spread
