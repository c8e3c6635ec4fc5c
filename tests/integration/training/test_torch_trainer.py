"""Training of a PyTorch network by steps."""

import numpy as np
import pytest
import torch

from link_models.training.checkpoint import checkpoint_path
from link_models.training.commands.run_command import run_command
from link_models.training.knowledge import trainer
from link_models.training.knowledge.trainer import TorchRecipe, train
from semcom_phy.knowledge_base.embedded_weights import (
    frozen_network,
    load_weights,
    save_weights,
)


class Line(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.config = {"width": 3}
        self.layer = torch.nn.Sequential(
            torch.nn.Linear(3, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.2)
        )
        self.out = torch.nn.Linear(8, 1)

    def forward(self, x):
        return self.out(self.layer(x))[:, 0]


def network(seed=0):
    torch.manual_seed(seed)
    return Line()


def loss_of(net, stop_at=None):
    count = [0]

    def loss(rng):
        count[0] += 1
        if count[0] == stop_at:
            raise KeyboardInterrupt
        x = torch.from_numpy(rng.normal(size=(32, 3)).astype("float32"))
        return torch.mean((net(x) - x.sum(1)) ** 2)

    return loss


RECIPE = TorchRecipe(
    steps=60, batch_size=32, learning_rate=1e-2, warmup_steps=5, checkpoint_steps=20
)


def trained(folder, **options):
    net = network()
    return train(net, loss_of(net), RECIPE, folder, "line", {}, **options)


def test_the_loss_falls_and_the_average_is_kept(tmp_path):
    """A line is learned from noise-free samples; the average is in evaluation mode."""
    net = trained(tmp_path)
    rng = np.random.default_rng(1)
    with torch.no_grad():
        before = network().eval()
        x = torch.from_numpy(rng.normal(size=(500, 3)).astype("float32"))
        error = [float(torch.mean((n(x) - x.sum(1)) ** 2)) for n in (before, net)]
    assert error[1] < 0.5 * error[0]
    assert not net.training and not any(p.requires_grad for p in net.parameters())


def test_what_is_trained_is_what_is_stored(tmp_path):
    """The network that is validated and the one that is loaded are the same (exact)."""
    net = trained(tmp_path)
    record = {"config": net.config, "command": "none"}
    save_weights("line", trainer.tensors_of(net), record, tmp_path)
    tensors, _ = load_weights("line", tmp_path)
    loaded = frozen_network(Line(), tensors)
    for (name, a), b in zip(
        net.state_dict().items(), loaded.state_dict().values(), strict=True
    ):
        assert torch.equal(a, b), name


def test_a_run_that_goes_on_gives_the_same_weights(tmp_path):
    """Interrupted between checkpoints, bit for bit."""
    whole = trained(tmp_path / "whole")
    net = network()
    with pytest.raises(KeyboardInterrupt):
        train(net, loss_of(net, stop_at=47), RECIPE, tmp_path / "cut", "line", {})
    cut = trained(tmp_path / "cut", resume=True)
    for (name, a), b in zip(
        whole.state_dict().items(), cut.state_dict().values(), strict=True
    ):
        assert torch.equal(a, b), name


def test_a_run_is_not_overwritten_or_mixed(tmp_path):
    """A checkpoint is refused, forgotten or gone on from as it is said."""
    trained(tmp_path)
    with pytest.raises(FileExistsError, match="--resume"):
        trained(tmp_path)
    trained(tmp_path, restart=True)
    net = network()
    with pytest.raises(ValueError, match="another run"):
        train(net, loss_of(net), RECIPE, tmp_path, "line", {"set": 2}, resume=True)
    with pytest.raises(FileNotFoundError, match="without --resume"):
        trained(tmp_path / "none", resume=True)


def test_what_is_begun_anew_leaves_nothing_of_before_to_go_on_from(tmp_path):
    """Stopped by an error before its first checkpoint."""
    trained(tmp_path)
    net = network()
    with pytest.raises(ValueError, match="the loss is nan"):
        train(
            net,
            lambda _: net(torch.full((2, 3), torch.nan)).sum(),
            RECIPE,
            tmp_path,
            "line",
            {},
            restart=True,
        )
    with pytest.raises(FileNotFoundError, match="without --resume"):
        trained(tmp_path, resume=True)


def test_earlier_weights_are_not_overwritten(tmp_path):
    """Where their checkpoint is not beside them, either."""
    (tmp_path / "line.h5").write_bytes(b"precious")
    with pytest.raises(FileExistsError, match="line.h5 holds earlier weights"):
        trained(tmp_path)
    trained(tmp_path, restart=True)


def test_a_label_is_trained_by_one_command_at_a_time(tmp_path, capsys):
    """Another one of the label is refused while it trains (exit codes, exact)."""
    path, codes = checkpoint_path(tmp_path, "line"), []

    def train_twice():
        codes.append(run_command(lambda: tmp_path / "other.json", path))
        return tmp_path / "line.json"

    assert run_command(train_twice, path) == 0 and codes == [2]
    told = f"error: another process trains {tmp_path}/line: end it, or choose another"
    assert told in capsys.readouterr().err


def test_a_loss_that_is_not_finite_ends_the_run(tmp_path):
    net = network()
    with pytest.raises(ValueError, match="lower the learning rate"):
        train(
            net,
            lambda rng: net(torch.full((4, 3), np.inf)).sum(),
            RECIPE,
            tmp_path,
            "line",
            {},
        )


def test_values_out_of_range_are_named():
    with pytest.raises(ValueError, match="learning_rate"):
        TorchRecipe(steps=1, batch_size=1, learning_rate=2.0)


def test_the_learning_rate_rises_and_falls():
    """To the peak after the warm-up, to 0 at the end."""
    rates = [trainer._schedule(RECIPE, step) for step in range(RECIPE.steps)]
    assert rates[0] == pytest.approx(0.2) and max(rates) == rates[5] == 1
    assert rates[-1] < 0.01
