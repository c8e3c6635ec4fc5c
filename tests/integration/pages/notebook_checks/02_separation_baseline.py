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

# after: xlabel="SNR threshold on AWGN [dB]"
# A point per scheme: half of the blocks fail at its threshold (0.2 dB), the payload is
# below the capacity there, and the PSNR is that of the stream that fills it.
x, payload = np.hstack([line.get_data() for line in axes[0].lines])
again, quality = np.hstack([line.get_data() for line in axes[1].lines])
np.testing.assert_array_equal(again, x)
of_order = np.argsort([mcs.modulation_order for mcs in schemes], kind="stable")
for i, limit, size, shown in zip(of_order, x, payload, quality, strict=True):
    order = schemes[i].modulation_order
    near = block_error_rate(plans[i], order, limit + np.array([-0.2, 0.2]))
    assert near[0] > 0.5 > near[1]
    assert 8 * size < NUM_SYMBOLS * np.log2(1 + 10 ** (limit / 10))
    stream = hevc.encode(original[0], int(size))
    assert abs(psnr(original, hevc.decode(stream)[None])[0] - shown) < 1e-3

# after: axes[1, 0].set_ylabel("number of bits")
# What is drawn last; the noise has its variance (4 standard errors).
drawn = np.hstack([line.get_data() for line in top.lines])
both = np.hstack([x_hat[0], x[0]])
np.testing.assert_array_equal(drawn, (both.real, both.imag))
assert abs(np.mean(np.abs(x_hat - x) ** 2) / no - 1) < 4 / np.sqrt(x.size)
heights = [bar.get_height() for bar in bottom.patches]
np.testing.assert_array_equal(heights, np.histogram(llr, np.linspace(-30, 30, 61))[0])
assert crc_ok[0] and bottom.get_title() == "CRC holds"

# after: share of failed CRCs
# The stored block error rate, within 4 standard errors of 64 blocks and 0.05.
promised = block_error_rate(plan, mcs.modulation_order, near)
spread = 4 * np.sqrt(promised * (1 - promised) / (4 * NUM_DRAWS)) + 0.05
assert np.all(np.abs(np.array(failed) - promised) <= spread), (failed, promised)
drawn = axes[0].lines[0]
error = block_error_rate(plan, mcs.modulation_order, drawn.get_xdata())
np.testing.assert_array_equal(drawn.get_ydata(), error)
np.testing.assert_array_equal(axes[0].lines[1].get_data(), (near, failed))
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
# The fades are exponential (Kolmogorov, 1 in 1,000 draws).
of_fade = 10 ** ((axes[0].lines[0].get_xdata() - 15) / 10)
gap = axes[0].lines[0].get_ydata() - (1 - np.exp(-of_fade))
assert np.abs(gap).max() < 1.95 / np.sqrt(NUM_FADES)
# 2x2: the fades whose streams carry less on average than one at the threshold, which
# smears over 0.5 dB (0.002: blocks that fail above it).
gram = np.swapaxes(h_2x2.conj(), 1, 2) @ h_2x2 / 2
of_2x2 = [line for line in axes[1].lines if line.get_label().endswith("2x2")]
drawn = [line.get_ydata() for line in of_2x2]
for snr, *outages in zip(average_snr, *drawn, strict=True):
    inverse = np.linalg.inv(np.eye(2) + 10 ** (snr / 10) * gram)
    rate = -np.log2(np.diagonal(inverse, axis1=1, axis2=2).real).mean(axis=1)
    for limit, value in zip(limits, outages, strict=True):
        low, high = (
            np.mean(rate < np.log2(1 + 10 ** ((limit + gap) / 10)))
            for gap in (-0.5, 0.5)
        )
        assert low - 0.002 < value < high + 0.002

# after: fades out of 100
for name, line in zip(("average", "csi"), axes[0].lines, strict=True):
    np.testing.assert_array_equal(line.get_ydata(), expected[name])
    assert np.all(np.diff(expected[name]) > 0)
assert np.all(np.array(expected["csi"]) > expected["average"])
heights = [bar.get_height() for bar in axes[1].patches]
assert heights == list(np.bincount(indices, minlength=len(candidates)))
assert axes[1].lines[0].get_xdata()[0] == average.index

# after: knowledge   SNR
print(
    f"must be printed: csi          15 dB  {quality.mean:5.2f} +- "
    f"{quality.half_width:4.2f} dB   {100 * outage.mean:5.1f} %"
)
again = system.transmit(samples.take(range(28)), 15.0, channel.sample(28), range(28))
again = again.delivered.images
assert again.shape == images[:28].shape
spread = np.hypot(quality.half_width, 2 * psnr(images[:28], again).std() / 5)
assert abs(psnr(images[:28], again).mean() - quality.mean) < 2 * spread
