"""Table III: parameters, operations, time and memory, each system by itself.

Every system is measured in a process of its own, one after the other, one picture at a
time. The first one is measured twice: from then on candidates and their values lie on
disk, as both ends hold them.
"""

import multiprocessing
import resource
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import numpy as np

from benchmarks.figures import aligned
from benchmarks.mmsemcom.experiments import scenario_of, title_of

TIMED = 10  # pictures, behind one that is not
_NOTHING = {"parameters": {}, "flops": {}}


def table_three(args, experiment):
    """Complexity of MMSemCom beside what sends pictures; lines of text."""
    scenario = scenario_of(args, experiment)
    scenario = replace(scenario, num_images=min(scenario.num_images, TIMED + 1))
    in_own_process(measure_system, next(iter(SYSTEMS)), scenario, args.snr)
    found = {
        name: in_own_process(measure_system, name, scenario, args.snr)
        for name in SYSTEMS
    }
    made = in_own_process(measure_candidates, scenario)
    head = ["System", "parameters", "FLOPs", "transmitter", "receiver", "peak memory"]
    rows = [head]
    for one in found.values():
        parameters, flops = (sum(one[key].values()) for key in _NOTHING)
        rows.append(
            [
                one["title"],
                _scaled(parameters, "M") if parameters else "none",
                _scaled(flops, "G") if flops else "not counted",
                *(f"{1000 * one[end]:.2f} ms" for end in ("transmitter", "receiver")),
                f"{one['peak'] / 1e6:.0f} MB ({one['before'] / 1e6:.0f})",
            ]
        )
    parts = [
        f"  {one['title']}: " + "; ".join(_parts(one))
        for one in found.values()
        if one["parameters"]
    ]
    return [
        *title_of(args, experiment, f"Table III: complexity, at {args.snr:g} dB"),
        f"  one picture at a time, median of {scenario.num_images - 1}, same machine, "
        "one after the other; the channel itself is not timed",
        "  FLOPs: of one picture, 2 for a product and its sum, matrix products and "
        "convolutions of networks alone",
        "  receiver: with the candidates of the class and their values already held",
        "  peak memory: of the whole process, libraries included (before the system "
        "was built)",
        "",
        *aligned(rows),
        "",
        *parts,
        f"  candidates of a class, once: {made['num']} pictures generated in "
        f"{made['generated']:.1f} s and their values in {made['valued']:.1f} s; peak "
        f"{made['peak'] / 1e6:.0f} MB; generator {_scaled(made['parameters'], 'M')} "
        f"parameters, {_scaled(made['flops'], 'G')} FLOPs a picture",
    ]


def _parts(one):
    for part, parameters in one["parameters"].items():
        flops = one["flops"].get(part, 0)
        yield f"{part} {_scaled(parameters, 'M')}, {_scaled(flops, 'G')} FLOPs"


def _scaled(number, unit):
    return f"{number / {'M': 1e6, 'G': 1e9}[unit]:.3f} {unit}"


def in_own_process(function, *args):
    """What a function of a module says in a process that has done nothing else."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:
        return pool.submit(function, *args).result()


def measure_system(name, scenario, snr_db):
    """Of one system.

    Output
    ------
    : `dict`
        ``title``; ``parameters`` and ``flops`` by part; ``transmitter``, ``receiver``:
        seconds a picture; ``peak`` and, without the system, ``before``: bytes
    """
    from link_models.systems.table import build_system
    from semcom_phy.seeding import image_seeds

    samples = scenario.load_samples()
    before = _peak()
    system = build_system(name, scenario)
    receive, costs = SYSTEMS[name]
    seeds = image_seeds(scenario.seed, 0, range(len(samples)))
    seconds = [
        _send(system, receive, samples.take([i]), snr_db, seeds[i : i + 1])
        for i in range(len(samples))
    ]
    peak = _peak()
    transmitter, receiver = map(statistics.median, zip(*seconds[1:], strict=True))
    return {
        "title": system.title,
        "transmitter": transmitter,
        "receiver": receiver,
        "peak": peak,
        "before": before,
        **costs(system, samples.images[:1], scenario),
    }


def measure_candidates(scenario):
    """Of making the candidates of the first class and their values.

    Output
    ------
    : `dict`
        ``num``; ``generated``, ``valued``: seconds; ``peak``: bytes; ``parameters`` and
        ``flops`` of the generator, of a picture
    """
    from benchmarks.mmsemcom.cost import torch_cost
    from link_models.systems.table import build_system
    from semcom_phy.knowledge_base.candidates import painted
    from semcom_phy.knowledge_base.class_prompts import class_prompt

    coder = build_system("mmsemcom_sequential", scenario).coder
    held = coder.held
    text = class_prompt(held.class_names[0])
    candidates = held.candidates
    begun = time.perf_counter()
    images = painted(candidates.generator, text, held.num, candidates.seed)
    painted_at = time.perf_counter()
    coder.sender.valuer.values(held.features.of(images))
    done = time.perf_counter()
    peak, block = _peak(), 50  # generators paint in blocks
    cost = torch_cost(
        lambda: painted(candidates.generator, text, block, candidates.seed)
    )
    return {
        "num": held.num,
        "generated": painted_at - begun,
        "valued": done - painted_at,
        "peak": peak,
        "parameters": cost.parameters,
        "flops": cost.flops / block,
    }


def _send(system, receive, samples, snr_db, seeds):
    """Seconds of transmitter and receiver for some samples."""
    from keras import ops

    from semcom_phy.seeding import sample_fades
    from semcom_phy.snr import snr_db_to_no

    coder, channel = system.coder, system.channel
    h, noise = sample_fades(channel, seeds), channel.draw_noise(seeds)
    no = snr_db_to_no(np.full(len(samples), snr_db, "float32"), channel.num_tx_ant)
    begun = time.perf_counter()
    message = coder.encode(samples, snr_db, h, seeds)
    placed = coder.frame.place(message.segments)
    x = ops.convert_to_numpy(placed.x)  # waits for it
    sent = time.perf_counter()
    tensors = map(ops.convert_to_tensor, (x, h, no, noise))
    reception = channel.receive(*tensors, message.precoder)
    ops.convert_to_numpy(reception.x_hat)
    arrived = time.perf_counter()
    received = coder.frame.split(reception.x_hat, reception.no_eff, placed)
    receive(coder, received, message, reception)
    return sent - begun, time.perf_counter() - arrived


def _decode(coder, received, message, reception):
    coder.decode(received, message, reception)


def _choose(coder, received, message, reception):
    """Without what a sweep asks beside: the noiseless choice and its error."""
    targets, state = message.state
    labels = targets.labels
    data = received["data"]
    coder.sender.choose(data, reception, labels, targets, state)


def _selecting(system, image, scenario):
    """Frozen models and codec of a system that selects by features."""
    from keras import ops

    from benchmarks.mmsemcom.cost import keras_flops, torch_cost
    from semcom_phy.knowledge_base.cnn import find_cnn

    sender = system.coder.sender
    features, encoder = sender.held.features, sender.valuer.encoder
    # Pictures that no model has been asked about.
    first, second = 255 - image, 255 - image[:, ::-1]
    both = torch_cost(lambda: features.of(first))
    cnn = torch_cost(lambda: find_cnn(scenario.cnn).maps(second))
    beside = both.minus(cnn)
    rows = ops.convert_to_tensor(features.of(first).astype("float32"))
    return {
        "parameters": {
            "codec": int(sender.link.count_params()),
            "CNN": cnn.parameters,
            "dual encoder": beside.parameters,
        },
        "flops": {
            "codec": keras_flops(encoder.values, rows),
            "CNN": cnn.flops,
            "dual encoder": beside.flops,
        },
    }


def _network(system, image, scenario):
    """Both ends of a semantic codec that sends the picture."""
    from keras import ops

    from benchmarks.mmsemcom.cost import keras_flops
    from semcom_phy.phy.knowledge import RxKnowledge, TxKnowledge

    link = system.coder.link
    source = ops.convert_to_tensor(image.astype("float32") / 255)
    snr = ops.convert_to_tensor(np.full(1, 10, "float32"))
    x = ops.zeros((1, link.num_symbols), "complex64")
    no_eff = ops.ones((1, link.num_symbols))

    def both(source, x, no_eff, snr):
        sent = link.encode(source, TxKnowledge(snr)).data.z
        known = RxKnowledge(snr, None, TxKnowledge(snr))
        return sent, link.decode(x, no_eff, None, known).images

    return {
        "parameters": {"codec": int(link.count_params())},
        "flops": {"codec": keras_flops(both, source, x, no_eff, snr)},
    }


def _classical(system, image, scenario):
    return _NOTHING


def _peak():
    """Most memory that the process has had [bytes]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


SYSTEMS = {  # what its receiver does, what it is made of
    "mmsemcom_sequential": (_choose, _selecting),
    "mmsemcom_simultaneous": (_choose, _selecting),
    "adjscc": (_decode, _network),
    "hevc_ldpc": (_decode, _classical),
}
