"""What is learned one after the other: captions of three data sets, or of three topics.

:func:`paper_domains`: what a captioner says of pictures of CIFAR-10, of birds, and of
cats and dogs, in the paper's order. :func:`flickr8k_domains`: captions that people
wrote, by the words in them.
"""

import hashlib
import json
from dataclasses import dataclass, field, replace

from link_models.training.continual.captioned import captions_of
from link_models.training.knowledge.labelled_sets import labelled_set
from link_models.training.words import training_captions
from semcom_phy.language.caption_tokens import caption_tokens
from semcom_phy.metrics.text import words

PICTURES = ("cifar10", "birds525", "catsdogs")
# A caption belongs to the first topic of which it has a word, or to the rest.
TOPICS = {
    "dog": frozenset(
        "dog dogs puppy puppies poodle terrier greyhound greyhounds collie labrador "
        "retriever dalmatian beagle pug".split()
    ),
    "water, snow, sport": frozenset(
        "water pool lake river ocean sea beach wave waves waterfall fountain stream "
        "surf surfer surfers surfing surfboard swim swims swimming swimmer boat kayak "
        "canoe wakeboard splash splashes splashing underwater shore puddle "
        "snow snowy snowboard snowboarder snowboarding ski skis skiing skier skiers "
        "sled sledding ice icy snowball "
        "ball soccer football basketball baseball tennis volleyball hockey rugby golf "
        "player players team teams game skateboard skateboarder skateboarding skater "
        "skating bike bikes biker bikers bicycle bicycles bicyclist cyclist cyclists "
        "race racing racer motorcycle motocross wrestling gymnast climber".split()
    ),
}
REST = "the rest"
BLOCK, EVERY = 50, 20  # captions in a row that stay together; one block in 20 is held


@dataclass(frozen=True)
class Domain:
    """Captions to learn, and others to test.

    Parameters
    ----------
    name : `str`

    training, test : `tuple` of `str`
        Captions, in lower case and with single blanks

    groups : `tuple` of `int`, one per test caption
        Those of one group may be of one picture, and count as one in an interval

    provenance : `dict`
        Plain values: where they are from

    Raises
    ------
    ValueError
        If there is nothing to learn or to test.
    """

    name: str
    training: tuple
    test: tuple
    groups: tuple
    provenance: dict = field(default_factory=dict)

    def __post_init__(self):
        for part in ("training", "test"):
            if not getattr(self, part):
                raise ValueError(f"the domain {self.name!r} has no {part} captions")

    def describe(self):
        """Plain values for a record: how many captions, and how alike they are."""
        known = set(self.training)
        content = json.dumps([self.training, self.test], ensure_ascii=False)
        return {
            "name": self.name,
            "training_captions": len(self.training),
            "different_training_captions": len(known),
            "test_captions": len(self.test),
            "different_test_captions": len(set(self.test)),
            "share_of_test_seen_in_training": round(
                sum(text in known for text in self.test) / len(self.test), 4
            ),
            "captions_sha256": hashlib.sha256(content.encode()).hexdigest(),
            **self.provenance,
        }


def paper_domains(captioner, folder):
    """Captions of three sets of pictures, in the paper's order.

    Training pictures give the captions to learn, test pictures those to test. The
    embedded captioner repeats itself (nearly every bird is "a bird"), so that hardly
    any test caption is new: :meth:`Domain.describe` says how many are.

    Parameters
    ----------
    captioner : `str`
        As of :func:`~semcom_phy.knowledge_base.captioner.find_captioner`

    folder : path
        Where captions are kept, as of :func:`~.captioned.captions_of`

    Output
    ------
    : list of :class:`Domain`

    Raises
    ------
    FileNotFoundError, ImportError
        If the pictures, the captioner or the extra are not there.
    """
    return [_captioned_domain(name, captioner, folder) for name in PICTURES]


def flickr8k_domains():
    """Captions of Flickr8k in three topics by their words: dogs; water, snow, sport;
    the rest.

    One block of 50 captions in a row in 20 is held back for the test; the captions of a
    picture stand in a row, so that only pictures at the borders of a block are in both.
    No caption is in both, nor any of the official test pictures.

    Output
    ------
    : list of :class:`Domain`
        Test captions of one block are a group

    Raises
    ------
    FileNotFoundError
        If Flickr8k is not there.
    """
    texts = [" ".join(words(text)) for text in training_captions()]
    number = range(len(texts))
    held = [i for i in number if i // BLOCK % EVERY == EVERY - 1]
    tested = {texts[i] for i in held}
    learned = [i for i in number if texts[i] not in tested]

    def domain(topic):
        own = [i for i in held if topic_of(texts[i]) == topic]
        return Domain(
            topic,
            tuple(texts[i] for i in learned if topic_of(texts[i]) == topic),
            tuple(texts[i] for i in own),
            tuple(i // BLOCK for i in own),
            {"source": f"captions of Flickr8k by their words: {topic}"},
        )

    return [domain(topic) for topic in (*TOPICS, REST)]


def fitting(domain, room):
    """A domain without the captions of more tokens than there is room for; how many
    these are is in its provenance."""
    tokens = caption_tokens()

    def fits(text):
        return len(tokens.encode(text)) <= room

    tested = [i for i, text in enumerate(domain.test) if fits(text)]
    training = tuple(filter(fits, domain.training))
    left_out = {
        "training": len(domain.training) - len(training),
        "test": len(domain.test) - len(tested),
    }
    return replace(
        domain,
        training=training,
        test=tuple(domain.test[i] for i in tested),
        groups=tuple(domain.groups[i] for i in tested),
        provenance=domain.provenance | {f"longer_than_{room}_tokens": left_out},
    )


def topic_of(text):
    """The topic of a caption in lower case, by its words."""
    own = set(words(text))
    return next((name for name, known in TOPICS.items() if own & known), REST)


def _captioned_domain(name, captioner, folder):
    found, source = {}, {}
    for split in ("train", "test"):
        samples, _ = labelled_set(name, split)
        found[split], model = captions_of(samples.images, captioner, folder, name)
        source[split] = samples.provenance["source"]
    return Domain(
        name,
        found["train"],
        found["test"],
        tuple(range(len(found["test"]))),
        {"captioner": model, "source": source},
    )
