"""The trained importance student, from its weights."""

from link_models.weights import store
from semcom_phy.knowledge_base.importance.student import ImportanceStudent

LABEL = "importance_student"
SIZES = ("width", "num_classes")  # of the student's configuration


def load_student(label=LABEL):
    """A trained student.

    Raises
    ------
    FileNotFoundError, ValueError
        If the weights are missing or broken, or not a student's.
    """
    config = store.read_record(label)["config"]
    if config.get("codec") != "importance_student":
        raise ValueError(f"weights {label!r} are not those of an importance student")
    student = ImportanceStudent(name="student", **{n: config[n] for n in SIZES})
    store.load(student, label)
    return student
