# after: grid_figure(samples.images
# Two captions of each of twelve photographs, the first ones first.
assert len(sent) == len(set(sent)) == 24 and samples.provenance["groups"]["count"] == 12
np.testing.assert_array_equal(samples.images[:12], samples.images[12:])

# after: caption_tokens().encode
# 8 symbols a token, and a message on top.
np.testing.assert_array_equal(spent.data, 8 * tokens)
assert np.all(spent.side > 0)
assert [bar.get_height() for bar in axis.patches[:24]] == list(spent.data)

# after: settings = SweepSettings
for name, curve in curves.items():
    bleu = [point.metrics["bleu_1"].mean for point in curve]
    assert 0 < bleu[0] < bleu[-1] <= 1 and bleu[-1] > 0.5
# Both spend the same symbols, caption by caption.
one, other = (curve[1].rows for curve in curves.values())
np.testing.assert_array_equal(one["cbr"], other["cbr"])

# after: word_errors(samples.texts
assert all(share.shape == (24, 3) for share in shares.values())
assert all(share[:, 0].mean() >= share[:, -1].mean() for share in shares.values())
# Delivered as sent is no error.
for name in NAMES:
    same = np.array([t.lower() == s.lower() for t, s in zip(received[name][2], sent)])
    np.testing.assert_array_equal(shares[name][:, 2] == 0, same)

# after: over_fades
# All systems saw the same fades, and deep ones cost words.
np.testing.assert_allclose(*(own["fade_power"] for own in rows.values()))
for own in rows.values():
    wrong = own["word_errors"] / own["word_reference_length"]
    deep = own["fade_power"] < np.median(own["fade_power"])
    assert wrong[deep].mean() >= wrong[~deep].mean()

# after: find_painter("embedded")
assert np.array(shown).shape == (4, 5, 32, 32, 3)
for i, row in zip(few, shown):
    for text, image in zip((texts[i] for texts in received["vlm_csc"]), row[2:]):
        assert (text == sent[i]) <= np.array_equal(image, row[1])
