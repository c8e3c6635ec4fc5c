"""The systems that a scenario can compare: one literal entry per name."""

from link_models.links.radio import build_channel
from link_models.links.shared_radio import TimeSharing
from link_models.systems.edited.coded_caption import CAPTION_ROOM
from link_models.systems.edited.entries import (
    Captioned,
    CaptionOnly,
    Edited,
    MaskAndCaption,
)
from link_models.systems.edited.guided import Guided
from link_models.systems.edited.mask_segment import MASK_ROOM
from link_models.systems.edited.saliency import Saliency, transmitter_masks
from link_models.systems.entries import Ideal, Linear, Semantic, Separate, SeparateText
from link_models.systems.knowledge import FREE_CUTOFFS, FREE_LENGTHS
from link_models.systems.patch_channel_system import PatchChannelSystem
from link_models.systems.published import (
    AsPublished,
    Published,
    with_forms_as_published,
)
from link_models.systems.selection.entries import SelectByFeatures, SelectWithout
from link_models.systems.selection.index import (
    OracleCandidate,
    RandomCandidate,
    SentIndex,
)
from link_models.systems.separation.region_of_interest import RegionOfInterest
from semcom_phy.codecs.mmsemcom import (
    IMAGE_ONLY,
    SEQUENTIAL,
    SIMULTANEOUS,
    TEXT_ONLY,
    WITHOUT_CLIP,
)
from semcom_phy.entropy_coding.mask_coder import MaskCoder
from semcom_phy.phy.walsh import WalshSpreading
from semcom_phy.unknown_names import unknown_name

__all__ = [
    "SYSTEMS",
    "build_channel",
    "build_system",
    "check_weights",
    "published_forms",
    "shared_forms",
]

MASK, CAPTION = MASK_ROOM, CAPTION_ROOM  # symbols of the frame of GenED-SC
WALSH = "_walsh"  # ends the name of a system whose users share frames by Walsh codes

# Of ECA's tables I and II; for_antennas() fills in those of the scenario.
ECA, ECA_LOW = "eca_{antennas}_c16", "eca_{antennas}_c16_compressed"
SWINJSCC = "swinjscc_{antennas}_c16"
OFFICIAL, NTSCC_OFFICIAL = "swinjscc_official", "ntscc_official"
NTSCC, OOSC, SA_OOSC = "ntscc_192x256", "oosc_192x256", "sa_oosc_192x256"

SYSTEMS = {
    "adjscc": Semantic("ADJSCC", "adjscc", "adjscc_32x32"),
    "deepjscc": Semantic("DeepJSCC", "deepjscc"),
    "linear": Linear("Linear analogue (scale sent)", scale_sent=True),
    "linear_free_scale": Linear("Linear analogue (scale free)", scale_sent=False),
    "hevc_ldpc": Separate("HEVC intra + 5G LDPC", "hevc"),
    "hevc_ldpc_mse": Separate("HEVC + 5G LDPC, rate for the MSE", "hevc", goal="mse"),
    "hevc_ldpc_layered": Separate(
        "HEVC + 5G LDPC, layered decoder", "hevc", schedule="layered"
    ),
    "hevc_ldpc_mse_layered": Separate(
        "HEVC + 5G LDPC, rate for the MSE, layered decoder",
        "hevc",
        goal="mse",
        schedule="layered",
    ),
    "hevc_finer_ldpc_layered": Separate(
        "HEVC + 5G LDPC, finer rates, layered decoder", "hevc_finer", schedule="layered"
    ),
    "bpg_ldpc": Separate("BPG + 5G LDPC", "bpg"),
    "webp_ldpc": Separate("WebP + 5G LDPC", "webp"),
    "jpeg_ldpc": Separate("JPEG + 5G LDPC", "jpeg"),
    "jpeg2000_ldpc": Separate("JPEG 2000 + 5G LDPC", "jpeg2000"),
    "avif_ldpc": Separate("AVIF + 5G LDPC", "avif"),
    "hevc_capacity": Ideal(
        "HEVC intra + capacity of each fade (genie)", "hevc", "realisation"
    ),
    "hevc_outage_capacity": Ideal(
        "HEVC intra + ideal code at a fixed rate", "hevc", "outage"
    ),
    "hevc_lmmse_capacity": Ideal(
        "HEVC intra + L-MMSE sum rate of each fade (genie)", "hevc", "lmmse"
    ),
    "bpg_capacity": Ideal("BPG + capacity of each fade (genie)", "bpg", "realisation"),
    "bpg_outage_capacity": Ideal("BPG + ideal code at a fixed rate", "bpg", "outage"),
    "bpg_lmmse_capacity": Ideal(
        "BPG + L-MMSE sum rate of each fade (genie)", "bpg", "lmmse"
    ),
    "webp_capacity": Ideal(
        "WebP + capacity of each fade (genie)", "webp", "realisation"
    ),
    "webp_outage_capacity": Ideal(
        "WebP + ideal code at a fixed rate", "webp", "outage"
    ),
    "webp_lmmse_capacity": Ideal(
        "WebP + L-MMSE sum rate of each fade (genie)", "webp", "lmmse"
    ),
    "eca": Semantic("ECA", "eca", ECA),
    "eca_free": Semantic("ECA (cut-offs free)", "eca", ECA, FREE_CUTOFFS),
    "eca_svd_equal": Semantic(
        "ECA, eigenmodes (cut-offs free)",
        "eca",
        ECA,
        FREE_CUTOFFS,
        precoding=True,
    ),
    "eca_svd": Semantic("ECA, eigenmodes", "eca", ECA, precoding=True),
    "hevc_ldpc_svd_matched": Separate(
        "HEVC intra + 5G LDPC, eigenmodes, at ECA's rate there",
        "hevc",
        rate_of=ECA,
        knowledge="csi",
        precoding=True,
    ),
    "hevc_ldpc_svd_matched_layered": Separate(
        "HEVC intra + 5G LDPC, eigenmodes, at ECA's rate there, layered decoder",
        "hevc",
        rate_of=ECA,
        knowledge="csi",
        precoding=True,
        schedule="layered",
    ),
    "hevc_finer_ldpc_svd_matched_layered": Separate(
        "HEVC intra + 5G LDPC, eigenmodes, at ECA's rate there, finer rates, layered "
        "decoder",
        "hevc_finer",
        rate_of=ECA,
        knowledge="csi",
        precoding=True,
        schedule="layered",
    ),
    "swinjscc": Semantic(
        "SwinJSCC w/ SA&RA at ECA's rate", "swinjscc", SWINJSCC, rate_of=ECA
    ),
    "swinjscc_free": Semantic(
        "SwinJSCC w/ SA&RA at ECA's rate (side information free)",
        "swinjscc",
        SWINJSCC,
        FREE_CUTOFFS,
        rate_of=ECA,
    ),
    "hevc_ldpc_matched": Separate(
        "HEVC intra + 5G LDPC at ECA's rate", "hevc", "5G", ECA, "csi"
    ),
    "hevc_ldpc_matched_layered": Separate(
        "HEVC intra + 5G LDPC at ECA's rate, layered decoder",
        "hevc",
        rate_of=ECA,
        knowledge="csi",
        schedule="layered",
    ),
    "hevc_finer_ldpc_matched_layered": Separate(
        "HEVC intra + 5G LDPC at ECA's rate, finer rates, layered decoder",
        "hevc_finer",
        rate_of=ECA,
        knowledge="csi",
        schedule="layered",
    ),
    "hevc_ldpc_matched_stale": Separate(
        "HEVC intra + 5G LDPC at ECA's rate, age of the feedback ignored",
        "hevc",
        "5G",
        ECA,
        "stale",
    ),
    "hevc_ldpc_matched_average": Separate(
        "HEVC intra + 5G LDPC at ECA's rate, average SNR known",
        "hevc",
        "5G",
        ECA,
        "average",
    ),
    "hevc_half_matched": Separate(
        "HEVC intra + LDPC of rate 1/2 at ECA's rate", "hevc", "rate 1/2", ECA, "csi"
    ),
    "hevc_half_matched_stale": Separate(
        "HEVC intra + LDPC of rate 1/2 at ECA's rate, age of the feedback ignored",
        "hevc",
        "rate 1/2",
        ECA,
        "stale",
    ),
    "hevc_half_matched_average": Separate(
        "HEVC intra + LDPC of rate 1/2 at ECA's rate, average SNR known",
        "hevc",
        "rate 1/2",
        ECA,
        "average",
    ),
    "eca_low": Semantic("ECA, low rate", "eca", ECA_LOW),
    "eca_low_free": Semantic(
        "ECA, low rate (cut-offs free)", "eca", ECA_LOW, FREE_CUTOFFS
    ),
    "eca_low_svd_equal": Semantic(
        "ECA, low rate, eigenmodes (cut-offs free)",
        "eca",
        ECA_LOW,
        FREE_CUTOFFS,
        precoding=True,
    ),
    "swinjscc_low": Semantic(
        "SwinJSCC w/ SA&RA at ECA's rate, low rate",
        "swinjscc",
        SWINJSCC,
        rate_of=ECA_LOW,
    ),
    "swinjscc_low_free": Semantic(
        "SwinJSCC w/ SA&RA at ECA's rate, low rate (side information free)",
        "swinjscc",
        SWINJSCC,
        FREE_CUTOFFS,
        rate_of=ECA_LOW,
    ),
    "hevc_ldpc_low_matched": Separate(
        "HEVC intra + 5G LDPC at ECA's rate, low rate", "hevc", "5G", ECA_LOW, "csi"
    ),
    "hevc_ldpc_low_matched_stale": Separate(
        "HEVC intra + 5G LDPC at ECA's rate, low rate, age of the feedback ignored",
        "hevc",
        "5G",
        ECA_LOW,
        "stale",
    ),
    "hevc_ldpc_low_matched_average": Separate(
        "HEVC intra + 5G LDPC at ECA's rate, low rate, average SNR known",
        "hevc",
        "5G",
        ECA_LOW,
        "average",
    ),
    "hevc_half_low_matched": Separate(
        "HEVC intra + LDPC of rate 1/2 at ECA's rate, low rate",
        "hevc",
        "rate 1/2",
        ECA_LOW,
        "csi",
    ),
    "hevc_half_low_matched_stale": Separate(
        "HEVC intra + LDPC of rate 1/2 at ECA's rate, low rate, age of the feedback "
        "ignored",
        "hevc",
        "rate 1/2",
        ECA_LOW,
        "stale",
    ),
    "hevc_half_low_matched_average": Separate(
        "HEVC intra + LDPC of rate 1/2 at ECA's rate, low rate, average SNR known",
        "hevc",
        "rate 1/2",
        ECA_LOW,
        "average",
    ),
    "swinjscc_wo": Published(
        "SwinJSCC w/o SA&RA, published weights", OFFICIAL, "swinjscc_wo"
    ),
    "swinjscc_wo_as_published": AsPublished(
        "SwinJSCC w/o SA&RA, as published", OFFICIAL, "swinjscc_wo"
    ),
    "swinjscc_sa": Published(
        "SwinJSCC w/ SA, published weights", OFFICIAL, "swinjscc_sa"
    ),
    "swinjscc_sa_as_published": AsPublished(
        "SwinJSCC w/ SA, as published", OFFICIAL, "swinjscc_sa"
    ),
    "swinjscc_ra": Published(
        "SwinJSCC w/ RA, published weights", OFFICIAL, "swinjscc_ra"
    ),
    "swinjscc_ra_as_published": AsPublished(
        "SwinJSCC w/ RA, as published", OFFICIAL, "swinjscc_ra"
    ),
    "swinjscc_sa_ra": Published(
        "SwinJSCC w/ SA&RA, published weights", OFFICIAL, "swinjscc_sa_ra"
    ),
    "swinjscc_sa_ra_as_published": AsPublished(
        "SwinJSCC w/ SA&RA, as published", OFFICIAL, "swinjscc_sa_ra"
    ),
    "witt": Published("WITT, published weights", OFFICIAL, "witt"),
    "witt_as_published": AsPublished("WITT, as published", OFFICIAL, "witt"),
    "witt_wo": Published("WITT w/o ModNet, published weights", OFFICIAL, "witt_wo"),
    "witt_wo_as_published": AsPublished(
        "WITT w/o ModNet, as published", OFFICIAL, "witt_wo"
    ),
    "ntscc_official": Published(
        "NTSCC w/o z, published weights", NTSCC_OFFICIAL, "ntscc_official"
    ),
    "ntscc_official_as_published": AsPublished(
        "NTSCC w/o z, as published",
        NTSCC_OFFICIAL,
        "ntscc_official",
        system=PatchChannelSystem,
    ),
    "ntscc_official_z": Published(
        "NTSCC w/ z, published weights", NTSCC_OFFICIAL, "ntscc_official_z"
    ),
    "ntscc_official_z_as_published": AsPublished(
        "NTSCC w/ z, as published",
        NTSCC_OFFICIAL,
        "ntscc_official_z",
        system=PatchChannelSystem,
    ),
    "eca_no_compensation": Semantic(
        "ECA without compensation (cut-offs free)",
        "eca",
        "eca_{antennas}_c16_no_compensation",
        FREE_CUTOFFS,
    ),
    "eca_no_csi": Semantic(
        "ECA without csi (cut-offs free)",
        "eca",
        "eca_{antennas}_c16_no_csi",
        FREE_CUTOFFS,
    ),
    "eca_no_entropy": Semantic(
        "ECA without entropy (cut-offs free)",
        "eca",
        "eca_{antennas}_c16_no_entropy",
        FREE_CUTOFFS,
    ),
    "eca_no_csi_sent": Semantic("ECA without csi", "eca", "eca_{antennas}_c16_no_csi"),
    "ntscc": Semantic("NTSCC", "ntscc", NTSCC),
    "oosc": Semantic("OOSC", "sa_oosc", OOSC, levels="static"),
    "sa_oosc": Semantic("SA-OOSC", "sa_oosc", SA_OOSC, levels="rule"),
    "ntscc_free": Semantic("NTSCC (lengths free)", "ntscc", NTSCC, FREE_LENGTHS),
    "oosc_free": Semantic(
        "OOSC (lengths free)", "sa_oosc", OOSC, FREE_LENGTHS, levels="static"
    ),
    "sa_oosc_free": Semantic(
        "SA-OOSC (lengths free)", "sa_oosc", SA_OOSC, FREE_LENGTHS, levels="rule"
    ),
    "sa_oosc_student": Semantic(
        "SA-OOSC, student at the transmitter", "sa_oosc", SA_OOSC, levels="student"
    ),
    "hevc_ldpc_labels": RegionOfInterest(
        Separate("HEVC + 5G LDPC, objects by label maps", "hevc"), "labels"
    ),
    "hevc_ldpc_student": RegionOfInterest(
        Separate("HEVC + 5G LDPC, objects by the student", "hevc"), "student"
    ),
    "hevc_ldpc_labels_layered": RegionOfInterest(
        Separate(
            "HEVC + 5G LDPC, objects by label maps, layered decoder",
            "hevc",
            schedule="layered",
        ),
        "labels",
    ),
    "hevc_ldpc_student_layered": RegionOfInterest(
        Separate(
            "HEVC + 5G LDPC, objects by the student, layered decoder",
            "hevc",
            schedule="layered",
        ),
        "student",
    ),
    "sa_oosc_unaided": Semantic(
        "SA-OOSC, no labels at the transmitter", "sa_oosc", SA_OOSC
    ),
    "vlm_csc": Semantic(
        "VLM-CSC", "vlm_csc", "vlm_csc_2x2", weights_awgn="vlm_csc_awgn"
    ),
    "vlm_csc_4": Semantic(
        "VLM-CSC, 4 symbols a token",
        "vlm_csc",
        "vlm_csc_4_2x2",
        weights_awgn="vlm_csc_4_awgn",
    ),
    "vlm_csc_fixed_0": Semantic(
        "VLM-CSC without NAM, trained at 0 dB", "vlm_csc", "vlm_csc_fixed_0"
    ),
    "vlm_csc_fixed_2": Semantic(
        "VLM-CSC without NAM, trained at 2 dB", "vlm_csc", "vlm_csc_fixed_2"
    ),
    "vlm_csc_fixed_4": Semantic(
        "VLM-CSC without NAM, trained at 4 dB", "vlm_csc", "vlm_csc_fixed_4"
    ),
    "vlm_csc_fixed_8": Semantic(
        "VLM-CSC without NAM, trained at 8 dB", "vlm_csc", "vlm_csc_fixed_8"
    ),
    "deepjscc_patches": Semantic(
        "DeepJSCC, networks of NTSCC", "ntscc", "deepjscc_192x256", needs_side=False
    ),
    "ntscc_photo": Semantic("NTSCC for photographs", "ntscc", "ntscc_photo"),
    "deepjscc_photo": Semantic("DeepJSCC for photographs", "ntscc", "deepjscc_photo"),
    "text_ldpc": SeparateText("Arithmetic code + 5G LDPC", "arithmetic"),
    "text_polar": SeparateText("Arithmetic code + 5G polar", "arithmetic", "polar"),
    "text_polar_completed": SeparateText(
        "Arithmetic code + 5G polar, completed", "arithmetic", "polar", completes=True
    ),
    "text_huffman": SeparateText("Huffman code + 5G LDPC", "huffman"),
    "text_utf8": SeparateText("UTF-8 + 5G LDPC", "utf8"),
    "text_ldpc_4": SeparateText(
        "Arithmetic code + 5G LDPC, 4 symbols a token",
        "arithmetic",
        symbols_per_token=4,
    ),
    "text_polar_4": SeparateText(
        "Arithmetic code + 5G polar, 4 symbols a token", "arithmetic", "polar", 4
    ),
    "text_polar_4_completed": SeparateText(
        "Arithmetic code + 5G polar, 4 symbols a token, completed",
        "arithmetic",
        "polar",
        4,
        completes=True,
    ),
    "mmsemcom_sequential": SelectByFeatures("MMSemCom, sequential", SEQUENTIAL),
    "mmsemcom_simultaneous": SelectByFeatures("MMSemCom, simultaneous", SIMULTANEOUS),
    "mmsemcom_simultaneous_repeated": SelectByFeatures(
        "MMSemCom, simultaneous, repeated to the uses of sequential",
        SIMULTANEOUS,
        SEQUENTIAL,
    ),
    "mmsemcom_sequential_digital": SelectByFeatures(
        "MMSemCom, sequential, digital", SEQUENTIAL, digital=True
    ),
    "mmsemcom_simultaneous_digital": SelectByFeatures(
        "MMSemCom, simultaneous, digital", SIMULTANEOUS, digital=True
    ),
    "mmsemcom_image": SelectByFeatures("MMSemCom, image only", IMAGE_ONLY),
    "mmsemcom_text": SelectByFeatures("MMSemCom, text only", TEXT_ONLY),
    "mmsemcom_without_clip": SelectByFeatures("MMSemCom, without CLIP", WITHOUT_CLIP),
    "candidate_index": SelectWithout("Index of the best candidate", SentIndex),
    "candidate_oracle": SelectWithout("Best candidate (oracle)", OracleCandidate),
    "candidate_random": SelectWithout("Random candidate", RandomCandidate),
    "gened_sc": Captioned(Saliency("GenED-SC", "gened_sc"), reserved=MASK + CAPTION),
    "gened_sc_unedited": Captioned(
        Saliency("GenED-SC, not edited", "gened_sc"), False, MASK + CAPTION
    ),
    "gened_sc_free_mask": Captioned(
        Saliency("GenED-SC (mask free)", "gened_sc", "free"), False, MASK + CAPTION
    ),
    "gened_sc_estimated_mask": Captioned(
        Saliency("GenED-SC, mask estimated", "gened_sc", "estimated"),
        False,
        MASK + CAPTION,
    ),
    "gened_sc_lead": Captioned(
        Saliency("GenED-SC, more for the foreground, not edited", "gened_sc_lead"),
        False,
        MASK + CAPTION,
    ),
    "gened_sc_plain": Saliency("GenED-SC, no mask, MSE", "gened_sc_plain"),
    "gened_sc_unrouted": Saliency(
        "GenED-SC, no mask, foreground loss", "gened_sc_unrouted"
    ),
    "gened_sc_plain_edited": Edited(
        Saliency("GenED-SC, no mask, MSE, edited", "gened_sc_plain")
    ),
    "gened_sc_unrouted_edited": Edited(
        Saliency("GenED-SC, no mask, foreground loss, edited", "gened_sc_unrouted")
    ),
    "hevc_ldpc_mask": RegionOfInterest(
        Separate("HEVC + 5G LDPC, foreground by GenED-SC's mask", "hevc"), "mask"
    ),
    "hevc_ldpc_mask_layered": RegionOfInterest(
        Separate(
            "HEVC + 5G LDPC, foreground by GenED-SC's mask, layered decoder",
            "hevc",
            schedule="layered",
        ),
        "mask",
    ),
    "hevc_ldpc_edited": Edited(Separate("HEVC intra + 5G LDPC, edited", "hevc")),
    "gened_sc_no_objective": Captioned(
        Saliency("GenED-SC, MSE", "gened_sc_no_objective"), reserved=MASK + CAPTION
    ),
    "gened_sc_constant_mask": Captioned(
        Saliency("GenED-SC, one mask for all", "gened_sc_constant_mask"),
        reserved=CAPTION,
    ),
    "gened_sc_swin": Captioned(
        Saliency("GenED-SC, Swin in both", "gened_sc_swin"), reserved=MASK + CAPTION
    ),
    "gened_sc_cbam": Captioned(
        Saliency("GenED-SC, CBAM in both", "gened_sc_cbam"), reserved=MASK + CAPTION
    ),
    "sgdjscc": Guided("SGDJSCC in outline", "sgdjscc", reserved=MASK + CAPTION),
    "caption_only": CaptionOnly("Caption, image generated from it"),
    "mask_and_caption": MaskAndCaption(
        "Mask and caption, image generated from them", transmitter_masks, MaskCoder
    ),
}


def build_system(name, scenario):
    """A system of ``SYSTEMS``, or with the user's codec, for a scenario.

    Where several users share frames, they do so by time sharing, and by Walsh codes
    where the name ends in ``_walsh``.

    Raises
    ------
    ValueError
        If there is no such system, or it does not fit the scenario.

    Example
    -------
    >>> from scenarios.mimo_2x2 import SCENARIO
    >>> build_system("hevc_capacity", SCENARIO).name
    'hevc_capacity'
    """
    users = scenario.users
    if users == 1:
        return find_system(name, scenario).build(name, scenario)
    plain = name.removesuffix(WALSH)
    entry = find_system(plain, scenario)
    spreading, how = TimeSharing(users), "time sharing"
    if plain != name:
        if not entry.sends_frames:
            raise ValueError(f"{plain!r} is a bound without frames: leave out {name!r}")
        spreading, how = WalshSpreading(users, scenario.num_tx_ant), "Walsh codes"
    return entry.build(name, scenario).shared(spreading, f"{users} users by {how}")


def shared_forms(scenario):
    """The systems of a scenario with users, in all forms in which these share frames.

    Output
    ------
    : `tuple` of `str`
        Behind every name the one with Walsh codes, where there are frames to share
    """
    forms = {}
    for name in scenario.systems:
        forms[name] = None
        plain = name.removesuffix(WALSH)
        if find_system(plain, scenario).sends_frames:
            forms[plain + WALSH] = None
    return tuple(forms)


def check_weights(scenario):
    """Refuses trained weights that none of a scenario's systems reads.

    Raises
    ------
    ValueError
        With the label.
    """
    plain = [name.removesuffix(WALSH) for name in scenario.systems]
    if not any(find_system(name, scenario).reads_weights for name in plain):
        raise ValueError(
            f"weights is {scenario.weights!r}, which none of "
            f"{', '.join(scenario.systems)} reads: leave it out"
        )


def published_forms(scenario):
    """The systems of a scenario, those of published weights in both forms: over the
    scenario's link, and over the channel of their authors."""
    return with_forms_as_published(scenario.systems, SYSTEMS)


def find_system(name, scenario):
    """The entry of a name, in the table or of the scenario's own codec."""
    if scenario.codec is not None and name == scenario.own_system:
        return Semantic(name, scenario.codec)
    if name not in SYSTEMS:
        listed = "docs/systems.md"
        raise ValueError(unknown_name("system", name, sorted(SYSTEMS), listed))
    return SYSTEMS[name]
