"""What a section tells in words: definitions, knowledge, where results come from."""

import hashlib
import json

from scenarios.report.markup import element, escape, lines, pairs_list

_SHORT = ("SNR", "Rate", "PSNR", "Text", "CSI")  # definitions that are always open


def definition_card(files):
    """Definitions of the results, those that figures are most often mistaken for first;
    where systems do not share one, what holds for each."""
    card = {}
    for name in dict.fromkeys(name for f in files for name in f.header["definitions"]):
        told = [
            (f.title, f.header["definitions"].get(name, "not stated")) for f in files
        ]
        texts = dict.fromkeys(text for _, text in told)
        card[name] = (
            next(iter(texts))
            if len(texts) == 1
            else "; ".join(f"{title}: {text}" for title, text in told)
        )
    short = {name: card[name] for name in _SHORT if name in card}
    others = {name: text for name, text in card.items() if name not in short}
    if files[0].axis.stem == "cbr" and "Rate" in short:
        rates = files[0].axis.names(*files[0].keys)
        short["Rate"] = f"a sweep over {rates}; at the first: {short['Rate']}"
    return _card(short, others)


def bit_card(files):
    """Definitions of bit links."""
    card = files[0].header["definitions"]
    short = {name: card[name] for name in ("SNR", "Eb/N0", "CSI") if name in card}
    return _card(short, {n: text for n, text in card.items() if n not in short})


def provenance(files, counted):
    """Command, seed, counts, data, versions and files, as the results have them."""
    header = files[0].header
    told = {
        "Command": f"python -m scenarios.{header['scenario']['name']}, with the values "
        "of the scenario below",
        "Seed": str(header["seed"]),
        "Sent": counted,
    }
    data = header.get("data", {})
    for name, key in (
        ("Data set", "dataset"),
        ("Source", "source"),
        ("SHA-256 of the images", "sha256"),
        ("SHA-256 of the captions", "texts_sha256"),
    ):
        if data.get(key) is not None:
            told[name] = str(data[key])
    told |= _versions(files)
    settings = {name: _plain(v) for name, v in header["scenario"].items()}
    sweep = {name: _plain(v) for name, v in header["sweep"].items()}
    weights = {
        file.title: file.header["description"]["weights_sha256"]
        for file in files
        if file.header["description"].get("weights_sha256")
    }
    parts = [
        pairs_list(told),
        _folded("Scenario", pairs_list(settings)),
        _folded("Sweep", pairs_list(sweep)),
        _folded("SHA-256 of the result files", pairs_list(_hashes(files))),
    ]
    if weights:
        shown = {title: _plain(value) for title, value in weights.items()}
        parts.append(_folded("SHA-256 of the weights", pairs_list(shown)))
    if isinstance(data.get("terms"), dict):
        terms = {name: _plain(text) for name, text in data["terms"].items()}
        parts.append(_folded("Terms of the data", pairs_list(terms)))
    return "".join(parts)


def left_out_text(left_out):
    """Files that are not in the report, and why."""
    if not left_out:
        return ""
    return element("div", element("h2", "Left out"), lines(left_out), class_="out")


def _card(short, others):
    card = element("div", pairs_list(short), class_="card")
    return card + (_folded("All definitions", pairs_list(others)) if others else "")


def _versions(files):
    """Versions, and by which files they are shared where these differ."""
    by_text = {}
    for file in files:
        used = [file.header.get("versions", {}), *file.header.get("resumed_with", [])]
        text = "; resumed with ".join(
            ", ".join(f"{name} {version}" for name, version in one.items())
            for one in used
        )
        by_text.setdefault(text, []).append(file.title)
    if len(by_text) == 1:
        return {"Versions": next(iter(by_text))}
    return {f"Versions, {', '.join(of)}": text for text, of in by_text.items()}


def _hashes(files):
    return {f.path.name: hashlib.sha256(f.path.read_bytes()).hexdigest() for f in files}


def _folded(title, content):
    return element("details", element("summary", escape(title)), content)


def _plain(value):
    """A JSON value as people write it."""
    return value if isinstance(value, str) else json.dumps(value)
