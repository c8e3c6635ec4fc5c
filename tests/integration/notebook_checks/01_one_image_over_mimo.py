# after: average power
# Unit power per image, over the symbols that are sent.
assert abs(np.mean(np.abs(ops.convert_to_numpy(s)) ** 2) - 1) < 1e-5

# after: LS error variance
# The mean of |e|^2, exponential, over draws and antenna pairs: 4 standard errors.
theory = float(no) / pilot_energy[0]
assert abs(measured / theory - 1) < 4 / np.sqrt(h_hat.size)
drawn = axis.lines[0]
np.testing.assert_array_equal(drawn.get_xdata(), h_hat.real.ravel())
np.testing.assert_array_equal(axis.lines[1].get_ydata(), h_true.imag.ravel())

# after: mean of |x_hat - x|^2
# Over 300 estimates of one fade the receiver's error variance is right on average: 4
# standard errors of the draws.
per_draw = ratio.mean(1)
assert abs(per_draw.mean() - 1) < 4 * per_draw.std() / np.sqrt(NUM_DRAWS) + 0.02
for stream, axis in enumerate(axes):
    np.testing.assert_array_equal(axis.lines[1].get_ydata(), x_hat[0, stream::2].real)
    assert f"{no_eff[0, stream]:.3f}" in axis.get_title()

# after: decoder output
error = np.mean((original.astype(float) - restored) ** 2)
printed = f"PSNR {10 * np.log10(255**2 / error):.2f} dB"
assert f"PSNR {psnr(original, restored)[0]:.2f} dB" == printed
print("must be printed:", printed)

# after: axes[1, 0].set_title("original")
qualities = []
for i in range(len(snrs)):
    shown = axes[1, i + 1]
    np.testing.assert_array_equal(shown.images[0].get_array(), restored[i])
    error = np.mean((original[0].astype(float) - restored[i]) ** 2)
    qualities.append(10 * np.log10(255**2 / error))
    assert shown.get_title() == f"{qualities[-1]:.1f} dB"
assert np.all(np.diff(qualities) > 0)

# after: L-MMSE sum rate of the fade
# What is drawn last is 20 dB, and the cumulative distributions are ordered by the SNR.
rates, drawn = axes[0].lines[-1].get_data()
np.testing.assert_array_equal(rates, rate)
np.testing.assert_array_equal(drawn, quality)
of_snr = [line.get_xdata() for line in axes[1].lines]
for low, high in zip(of_snr, of_snr[1:]):
    gain = np.mean(high) - np.mean(low)
    assert gain > 4 * np.sqrt((np.var(low) + np.var(high)) / NUM_FADES)
