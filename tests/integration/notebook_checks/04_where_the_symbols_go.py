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
    assert np.all(figures[title]["side_bits"] > 0)
    assert np.mean(figures[title]["side_bits"]) < 3 * levels[0].size
    assert np.all((figures[title]["side_share"] > 0) & (figures[title]["side_share"] < 1))

# after: compared = systems
for axis, part in zip(axes, ("non_background", "background"), strict=True):
    drawn = axis.lines[-1]
    assert drawn.get_label() == "HEVC + LDPC"
    np.testing.assert_array_equal(
        drawn.get_ydata(), [p.metrics[f"psnr_{part}"].mean for p in points]
    )
    assert len(axis.lines) == len(compared)

# after: outage [%]
np.testing.assert_array_equal(
    axes[0].lines[-1].get_ydata(),
    [p.metrics["psnr_non_background"].mean for p in points],
)
np.testing.assert_array_equal(
    axes[1].lines[-1].get_ydata(), [100 * p.metrics["outage"].mean for p in points]
)
