"""The definition card: what SNR, rate, PSNR, ... mean in a result."""

_CSI = {
    "perfect": "the receiver knows the channel",
    "estimated": "least squares from the pilots; L-MMSE told the error variance",
}
_SELECTIVE_CSI = (
    "least squares from the pilots, interpolation {}; L-MMSE told the variance of "
    "noise and interpolation error together, from the delay profile and the speed{}"
)
_USER_CSI = (
    "least squares from the pilots, on selective channels interpolation {}; L-MMSE "
    "told the error variance, there from covariances measured over draws of the model "
    "unless it has its own"
)
_NOMINAL = " of the TDL model of the same profile"
_ADAPTATION = {
    "average": "the rate is chosen by the average SNR alone",
    "csi": "the rate is chosen by the fed-back estimate of each {}'s channel",
}

_METRICS = {  # entry -> what its metrics need, and what it says
    "PSNR": (
        "images",
        "8-bit rounded images; mean of per-image PSNR, a lossless image counts 60 dB; "
        "beside it the PSNR of the mean MSE",
    ),
    "Text": (
        "texts",
        "words are what stands between blanks, in lower case; BLEU-n of the corpus as "
        "sacrebleu counts it (tokenize none, lowercase), with brevity penalty, against "
        "the reference of the closest length, not smoothed",
    ),
}


def data_bandwidth(scenario):
    """What the data of one image spends, without any side information.

    Output
    ------
    : `dict`
        The figures of :class:`~semcom_phy.bandwidth.Bandwidth`
    """
    from semcom_phy.bandwidth import shared_overhead, spent_bandwidth  # the backend

    framing, users = scenario.framing(), scenario.users
    used = spent_bandwidth(framing, scenario.image_shape).as_dict()
    return used if users == 1 else used | shared_overhead(framing, users)


def definition_card(scenario, groups=None):
    """The definitions that hold for every figure of a scenario.

    Parameters
    ----------
    scenario : :class:`~scenarios.scenario.Scenario`
    groups : `dict` or `None`
        ``provenance["groups"]`` of the images, where some of them are alike

    Output
    ------
    : `dict` of `str` -> `str`
        To be printed beside every result, and stored in it
    """
    from semcom_phy.simulation.metric_table import metrics_of  # loads SciPy

    used, unit = data_bandwidth(scenario), scenario.unit
    measured = {
        need for metric in metrics_of(scenario.metrics) for need in metric.needs
    }
    antennas = f"{scenario.num_tx_ant}x{scenario.num_rx_ant}"
    detector = {}
    if scenario.detector is not None:
        detector["Detector"] = (
            f"{scenario.detector}, a user's own in the place of L-MMSE; what is "
            "predicted for link adaptation is that of L-MMSE"
        )
    users = {} if scenario.users == 1 else {"Users": _users(scenario, used)}
    return {
        "Link": (
            f"{antennas} {scenario.channel}, OFDM slots of {scenario.num_ofdm_symbols} "
            f"symbols x {scenario.fft_size} subcarriers, {used['num_slots']:g} per "
            f"{unit}"
        ),
        **users,
        "SNR": (
            "average received SNR per receive antenna, complex Es/N0; unit power per "
            "stream, channel entries CN(0,1), no = Nt 10^(-SNR/10); pilots at the "
            "total power of data, not boosted"
        ),
        **_distance(scenario),
        "Rate": (
            f"cbr = {used['data_symbols']} complex data symbols / (3HW) = "
            f"{used['cbr']:.4f}; cr_real = 2 cbr = {used['cr_real']:.4f}; uses_per_dim "
            f"= {used['data_res']} resource elements / (3HW) = "
            f"{used['uses_per_dim']:.4f}; on top of these {used['pilot_res']:g} pilot "
            "resource elements, and the side information shown per system"
        ),
        "Power": (
            f"normalised per {unit} over its active symbols, never over the batch"
        ),
        "Waveform": (
            "OFDM; the symbols of analogue systems are spread by a DFT and scrambled "
            "per stream (transform precoding), QAM symbols are not"
        ),
        "CSI": f"{scenario.csi}: {_csi(scenario)}",
        **detector,
        "Adaptation": (
            f"{scenario.link_adaptation}: "
            f"{_ADAPTATION[scenario.link_adaptation].format(unit)} "
            "(separate systems, unless their name says what they know), for the very "
            f"{unit}: by what its codec makes of it within the payload of every "
            "scheme; the receiver finds the scheme by trying them against the CRC, "
            "which is neither charged nor simulated"
        ),
        "Feedback": _feedback(scenario),
        "Knowledge": (
            "what each system knows stands beside it; where systems of a table do not "
            "know the same, a letter marks it"
        ),
        "Networks": (
            "told no SNR beyond those that they were trained for (trained_snr_db of "
            "each system), nor the error variances of a better one"
        ),
        **{name: text for name, (need, text) in _METRICS.items() if need in measured},
        "Outage": (
            "failed CRC, bytes that the codec refuses, or no rate that fits: the mean "
            "colour of the training set, the same for all systems of a data set, is "
            "shown and counted in every mean"
        ),
        "Interval": (
            f"95 %, clustered by {unit if groups is None else groups['rule']}; a "
            "point that was not run is null"
        ),
        "Pairing": (
            f"fade and noise follow from (seed, draw, {unit}): all systems see the "
            "same, at every SNR"
        ),
        **scenario.definitions(used),
    }


def count_text(provenance, size=""):
    """How many samples there are: "64 images in 12 groups (by photograph)".

    Parameters
    ----------
    provenance : `dict`
        Of the samples; ``unit`` where they are no images

    size : `str`, (default "")
        Of their images, "32x32", if it is to be told
    """
    unit = provenance.get("unit", "image")
    of = size and (f" of {size}" if unit == "image" else f" of {size} images")
    return f"{provenance[f'num_{unit}s']} {unit}s{of}{group_text(provenance)}"


def group_text(provenance):
    """How many groups the images are in, and what a group is: " in 12 groups (by
    photograph)", or nothing where every image stands for itself."""
    groups = provenance.get("groups")
    if groups is None:
        return ""
    return f" in {groups['count']} groups (by {groups['rule']})"


def _users(scenario, used):
    """How users share frames, and what each of them is charged."""
    count, unit, pilots = scenario.users, scenario.unit, used["pilot_res"]
    return (
        f"{count} users of one transmitter share a frame: {count} {unit}s that follow "
        "each other, each received over a fade and with noise of its own. By time "
        "sharing they are sent one after the other; by Walsh codes (*_walsh) all at "
        f"once, every symbol on {count} elements of a stream with 1/{count} of the "
        "power. Both ways a symbol has the energy of one of a user alone, and is "
        "charged as one; both are expected to be equal. The frame has pilots of its "
        f"own, {count * pilots:g} resource elements or {pilots:g} per user where "
        "nothing but data is sent, and every user estimates from all of them; feedback "
        "is measured on as many as the frame of one user has"
    )


def _feedback(scenario):
    delay = scenario.feedback_delay
    if not delay or scenario.channel == "awgn":
        return "where there is any: of this very channel, without errors"
    return (
        f"where there is any: of the channel {1e3 * delay:g} ms before, without "
        f"errors; correlation J0(2 pi fD tau) = {scenario.feedback_correlation:.3f} at "
        f"{scenario.speed:g} m/s and {scenario.carrier_frequency / 1e9:g} GHz; the "
        "transmitter knows both"
    )


def _distance(scenario):
    """What an SNR follows from in a sweep over distances."""
    budget = scenario.link_budget
    if budget is None:
        return {}
    return {
        "Distance": (
            "the SNR is an output: P / (L k T B F) for the total transmit power P = "
            f"{budget.tx_power_dbm:g} dBm over B = {budget.bandwidth_hz / 1e6:g} MHz, "
            f"noise figure F = {budget.noise_figure_db:g} dB, T = 290 K; path loss L = "
            f"L0 (d / 1 m)^{budget.path_loss_exponent:g}, with L0 of free space at "
            f"{budget.carrier_frequency / 1e9:g} GHz; the fading is of unit mean power "
            "and comes on top of the path loss"
        )
    }


def _csi(scenario):
    """What the receiver knows of the channel, and which error its detector knows."""
    if scenario.csi == "estimated" and scenario.has_own_channel:
        text = _USER_CSI.format(scenario.interpolation)
    elif scenario.csi == "perfect" or scenario.channel not in ("tdl", "cdl"):
        text = _CSI[scenario.csi]
    else:
        nominal = _NOMINAL if scenario.channel == "cdl" else ""
        text = _SELECTIVE_CSI.format(scenario.interpolation, nominal)
    return text if scenario.detector is None else text.replace("L-MMSE", "detector")
