# after: share of the symbols
# A bar per level and system: shares add up to 1, and follow from the symbols per patch.
shares = np.array([bar.get_height() for bar in axes[0].patches]).reshape(-1, 4)
each = np.array([bar.get_height() for bar in axes[1].patches]).reshape(-1, 4)
count = np.array([(levels == n).sum() for n in range(4)])
np.testing.assert_allclose(shares.sum(axis=1), 1)
total = np.array([maps.sum() for maps in spent.values()])
np.testing.assert_allclose(each * count, shares * total[:, None])
# Importance draws symbols to objects, and NTSCC does not know it.
titles = list(spent)
objects = dict(zip(titles, shares[:, 1:].sum(axis=1), strict=True))
assert objects["SA-OOSC"] > objects["NTSCC"]

# after: share of all symbols [%]
for title in coded:
    # A code of lengths takes less than 3 bits a patch, which is what 8 lengths need.
    bits = sent[title].figures["side_bits"]
    assert np.all(bits > 0) and np.mean(bits) < 3 * levels[0].size
    # Whatever the lengths take, the frame is not exceeded.
    data, side = sent[title].spent
    assert np.all(side > 0) and np.all(data > side)
    assert np.all(data + side <= scenario.num_symbols)
    flat = [line.get_ydata()[0] for line in axes[1].lines if len(line.get_ydata()) == 2]
    assert np.any(np.isclose(flat, 100 * np.median(side / (data + side))))

# after: compared = systems
for axis, part in zip(axes, ("non_background", "background"), strict=True):
    drawn = axis.lines[-1]
    assert drawn.get_label() == "HEVC + LDPC, told as SA-OOSC"
    np.testing.assert_array_equal(
        drawn.get_ydata(), [p.metrics[f"psnr_{part}"].mean for p in points]
    )
    assert len(axis.lines) == len(compared)
plain, told = (line.get_ydata() for line in axes[0].lines[-2:])
assert np.all(told > plain)

# after: outage [%]
np.testing.assert_array_equal(
    axes[0].lines[-1].get_ydata(),
    [p.metrics["psnr_non_background"].mean for p in points],
)
np.testing.assert_array_equal(
    axes[1].lines[-1].get_ydata(), [100 * p.metrics["outage"].mean for p in points]
)
