# after: "sent" if i == chosen
for i, axis in enumerate(axes):
    np.testing.assert_array_equal(axis.images[0].get_array(), images[i])
    assert np.array_equal(images[i], original[0]) == (axis.get_title() == "sent")

# after: average power
# Unit power per image, over the symbols that are sent.
assert abs(np.mean(np.abs(ops.convert_to_numpy(s)) ** 2) - 1) < 1e-5

# after: x: no constellation
# Both steps in one are the same symbols (exact).
modulated = link.modulate(packet.data)
np.testing.assert_array_equal(ops.convert_to_numpy(modulated), sent)
# Powers in dB whose mean is 1 (1e-3: 32 bits), and every symbol in the plane.
for symbols, axis in zip((s, x), axes[:2], strict=True):
    drawn = 10 ** (axis.lines[0].get_ydata() / 10)
    power = np.abs(ops.convert_to_numpy(symbols)[0]) ** 2
    np.testing.assert_allclose(drawn, power, atol=1e-3)
    assert abs(drawn.mean() - 1) < 1e-3
np.testing.assert_array_equal(axes[2].lines[0].get_data(), (sent[0].real, sent[0].imag))

# after: xlabel="OFDM symbol"
# A stream each; both send where there are data, one where there are its pilots.
drawn = np.array([axis.images[0].get_array().T for axis in axes[:2]])
np.testing.assert_array_equal(drawn, np.abs(grid[0, 0]))
assert np.count_nonzero(np.all(drawn > 0, axis=0)) == streams.shape[1]

# after: LS error variance
# The mean of |e|^2, exponential, over draws and antenna pairs: 4 standard errors.
theory = float(no) / pilot_energy[0]
assert abs(measured / theory - 1) < 4 / np.sqrt(h_hat.size)
for line, values in zip(axis.lines[:2], (h_hat.ravel(), h_true.ravel()), strict=True):
    np.testing.assert_array_equal(line.get_data(), (values.real, values.imag))

# after: mean of |x_hat - x|^2
# Over 300 estimates of one fade the receiver's error variance is right on average: 4
# standard errors of the draws.
per_draw = ratio.mean(1)
assert abs(per_draw.mean() - 1) < 4 * per_draw.std() / np.sqrt(NUM_DRAWS) + 0.02
for stream, axis in enumerate(axes):
    drawn = (sent[0, stream::2].real, x_hat[0, stream::2].real)
    np.testing.assert_array_equal(axis.lines[1].get_data(), drawn)
    assert f"{no_eff[0, stream]:.3f}" in axis.get_title()

# after: decoder output
# The link's own despreading and decoding gives the same image (32 bits).
whole = link.decode(reception.x_hat, reception.no_eff, packet.side, seen).images
whole, opened = map(ops.convert_to_numpy, (whole, decoded))
np.testing.assert_allclose(whole, opened, atol=1e-5)
error = np.mean((original.astype(float) - restored) ** 2)
printed = f"PSNR {10 * np.log10(255**2 / error):.2f} dB"
assert f"PSNR {psnr(original, restored)[0]:.2f} dB" == printed
print("must be printed:", printed)

# after: axes[1, 0].set_title("original")
qualities, errors = [], []
for i in range(len(snrs)):
    for stream, line in enumerate(axes[0, i + 1].lines[1:]):
        drawn = (s[i, stream::2].real, s_hat[i, stream::2].real)
        np.testing.assert_array_equal(line.get_data(), drawn)
    errors.append(np.mean(np.abs(s_hat[i] - s[i]) ** 2))
    shown = axes[1, i + 1]
    np.testing.assert_array_equal(shown.images[0].get_array(), restored[i])
    error = np.mean((original[0].astype(float) - restored[i]) ** 2)
    qualities.append(10 * np.log10(255**2 / error))
    assert shown.get_title() == f"{qualities[-1]:.1f} dB"
assert np.all(np.diff(qualities) > 0) and np.all(np.diff(errors) < 0)

# after: L-MMSE sum rate of the fade
# What is drawn last is 20 dB, and the cumulative distributions are ordered by the SNR.
rates, drawn = axes[0].lines[-1].get_data()
np.testing.assert_array_equal(rates, rate)
np.testing.assert_array_equal(drawn, quality)
for points, line in zip(axes[0].lines, axes[1].lines, strict=True):
    np.testing.assert_array_equal(line.get_xdata(), np.sort(points.get_ydata()))
    np.testing.assert_allclose(line.get_ydata()[[0, -1]], (1 / NUM_FADES, 1))
of_snr = [line.get_xdata() for line in axes[1].lines]
for low, high in zip(of_snr, of_snr[1:]):
    gain = np.mean(high) - np.mean(low)
    assert gain > 4 * np.sqrt((np.var(low) + np.var(high)) / NUM_FADES)
