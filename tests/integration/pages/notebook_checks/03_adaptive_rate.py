# after: bins=np.linspace(0, 6.2, 32)
# Fewer grey levels tell less: the mean entropy falls with them.
means = [
    ops.convert_to_numpy(entropy_2d(packet.details.maps, levels)).mean()
    for levels in (256, 64, 16, 4)
]
assert np.all(np.diff(means) < 0) and means[0] < 2 * np.log2(64)

# after: for row, image in enumerate(few.images):
# What is drawn is what the system sends there: a cell per value, two to a symbol.
for column, snr in enumerate(points, start=1):
    sent = system.transmit(few, snr, h, seeds).figures
    for row in range(len(few)):
        drawn = np.asarray(axes[row, column].images[0].get_array())
        assert np.sum(drawn == 1) == sent["num_maps"][row] * sent["num_rows"][row]
        kept = np.any(drawn.reshape(4, 8, 4, 8) > 0, axis=(1, 3))
        assert np.sum(kept) == sent["num_maps"][row]

# after: one image, 12 fades
# A box per SNR whose line is the median of what was spent; the rate
# falls from the first to the last SNR (4 standard errors over the images).
for axis, of_snr in (
    (axes[0], [rates[s].mean(0) for s in points]),
    (axes[1], [rates[s][:, 7] for s in points]),
):
    medians = [
        line.get_ydata()[0]
        for line in axis.lines
        if len(line.get_ydata()) == 2 and line.get_ydata()[0] == line.get_ydata()[1]
    ]
    for values in of_snr:
        assert np.any(np.isclose(medians, np.median(values), rtol=1e-12))
drop = (rates[points[0]] - rates[points[-1]]).mean(0)
assert drop.mean() > 4 * drop.std() / np.sqrt(len(drop))

# after: mean 2D entropy [bit]
for snr, line, cloud in zip(points, axes[0].lines, axes[1].lines, strict=True):
    np.testing.assert_array_equal(line.get_ydata(), rates[snr].mean(0))
    np.testing.assert_array_equal(cloud.get_xdata(), effective[snr].ravel())

# after: ylabel="cr_real, side information included"
for i, (name, sent) in enumerate(curves.items()):
    quality = [p.metrics["psnr_db"].mean for p in sent]
    rate = [2 * p.extras["cbr_total"].mean for p in sent]
    np.testing.assert_array_equal(axes[0].lines[i].get_data(), (points, rate))
    np.testing.assert_array_equal(axes[1].lines[i].get_data(), (points, quality))
    np.testing.assert_array_equal(axes[2].lines[i].get_data(), (rate, quality))
    assert axes[0].lines[i].get_label() == name
    assert np.all(np.diff(quality) > 0) and np.all(np.diff(rate) < 0)
of = {n: [2 * p.extras["cbr_total"].mean for p in curves[n]] for n in curves}
assert np.all(np.array(of["eca_low"]) < of["eca"])

# after: "eca_svd_equal"):
last = [p.metrics["psnr_db"].mean for p in sent]
np.testing.assert_array_equal(axis.lines[-1].get_ydata(), last)
for line in axis.lines:
    assert np.all(np.diff(line.get_ydata()) > 0)
