# after: NAMES = (
# What is sent was seen by the generator, four pictures of each of three classes.
held_pixels = {image.tobytes() for image in seen.images}
assert all(image.tobytes() in held_pixels for image in samples.images)
np.testing.assert_array_equal(samples.labels, np.repeat(labels, 4))

# after: encoder.fusion.rows(
assert attention.shape == (4, encoder.num_heads, 3, 49) and attention.min() >= 0
np.testing.assert_allclose(attention.sum(axis=-1), 1, atol=1e-5)
np.testing.assert_allclose(heat.sum(axis=(2, 3)), 1, atol=1e-5)
# Panels hold it, each beside the picture and under its prompt.
for row, own, places in zip(axes, told, heat, strict=True):
    assert [axis.get_title() for axis in row[1:]] == own
    for axis, place in zip(row[1:], places, strict=True):
        drawn = np.array(axis.images[1].get_array())
        assert np.corrcoef(drawn[2::5, 2::5][:6, :6].ravel(), place[:6, :6].ravel())[0, 1] > 0.5
assert "a cat" in told[0] and 0 <= moved.min() and moved.max() <= 1

# after: encoder.fusion.shares(
np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
# Bars hold the shares, the first prompt on top.
for axis, share in zip(axes.ravel(), shares, strict=True):
    np.testing.assert_allclose([bar.get_width() for bar in axis.patches][::-1], share)
# Each is what its row adds along the mean of the rows.
each = ops.convert_to_numpy(encoder.fusion.rows(encoder.norm(maps), prompts)[0])
mean = each.mean(axis=1)
along = np.einsum("bkw,bw->bk", each, mean) / (3 * np.sum(mean**2, axis=1))[:, None]
np.testing.assert_allclose(shares, along, rtol=1e-4)
print("must be printed: sums of the shares: 1.000, 1.000, 1.000, 1.000")

# after: candidates = np.stack
assert candidates.shape == (3, 40, 32, 32, 3)
assert len({image.tobytes() for image in candidates.reshape(120, -1)}) == 120
# Another that holds the same generator and seed imagines the same.
again = held.candidates.generator.generate(["china"], held.candidates.seed, 40, (32, 32))
np.testing.assert_array_equal(again[0], candidates[1])

# after: likeness = mse_to_psnr
# The star is what the system delivers: of those that were kept the closest.
for axis, (key, found) in zip(axes.ravel(), distances.items(), strict=True):
    name, snr = key
    _, keeps, star = axis.lines
    assert chosen[key] == kept[key][np.argmin(found[kept[key]])]
    np.testing.assert_allclose(star.get_xydata(), [[likeness[chosen[key]], found[chosen[key]]]])
    assert len(keeps.get_xdata()) == (10 if name == NAMES[0] else 40)
    image = systems[name].transmit(samples, snr, h, seeds).delivered.images[target]
    np.testing.assert_array_equal(image, held.images(label)[chosen[key]])

# after: delivered = {
# No candidate is better than the best, and what is delivered is a candidate.
assert np.all(gains[:, 1:] <= gains[:, :1] + 1e-9)
pixels = {image.tobytes() for image in candidates.reshape(120, 32, 32, 3)}
assert all(image.tobytes() in pixels for images in delivered.values() for image in images)
# Noise leads to other candidates, seldom at 20 dB.
assert gains[:, [2, 4]].mean() >= gains[:, [1, 3]].mean()

# after: settings, metrics =
rows = {name: [point.rows for point in curve] for name, curve in curves.items()}
for line, curve in zip(axis.lines, curves.values(), strict=True):
    np.testing.assert_allclose(
        line.get_ydata(), [point.metrics["psnr_db"].mean for point in curve]
    )
for k in range(len(snrs)):
    best, index = (rows[f"candidate_{name}"][k]["psnr_db"] for name in ("oracle", "index"))
    # No system beats the oracle; the index that arrives is as good.
    lost = rows["candidate_index"][k]["outage"].astype(bool)
    np.testing.assert_allclose(index[~lost], best[~lost])
    for name in NAMES:
        assert rows[name][k]["psnr_db"].mean() > rows["candidate_random"][k]["psnr_db"].mean() + 4
# A transceiver always spends the same, the index less where the SNR is higher.
spent = {name: [own["cbr"].mean() for own in found] for name, found in rows.items()}
assert [round(3072 * spent[name][0]) for name in NAMES] == [400, 32]
assert len(set(spent[NAMES[0]])) == 1 and np.ptp(spent["candidate_oracle"]) == 0
assert [round(3072 * s) for s in spent["candidate_index"]] == [128, 64, 32]
