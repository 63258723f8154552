"""Error-driven sampling picks the rows it says."""

import numpy as np
import pytest
import torch

from kansci.errors import SettingsError
from kansci.inr.measurements import Measurements
from kansci.inr.model import cell_centres
from kansci.inr.networks import make_network
from kansci.inr.training import TrainSettings
from kansci.inr.training.looks import Looks
from kansci.inr.training.objective import Objective
from kansci.inr.training.ranks import Ranks
from kansci.inr.training.samples import Samples
from kansci.inr.training.sampling import make_sampler, top_rows


def none():
    raise AssertionError("it does not look at all rows")


def epoch(sampler, fraction, length):
    batches = []
    while sum(map(len, batches)) < length:
        batches.append(sampler.next(fraction))
    return batches


def test_uniform_batches_are_about_equal_and_use_every_row_once():
    sampler = make_sampler("uniform", 1000, 300, 0, none)
    for _ in range(2):
        batches = epoch(sampler, 0.0, 1000)
        assert [len(batch) for batch in batches] == [250] * 4
        assert torch.equal(torch.cat(batches).sort().values, torch.arange(1000))
    assert len(make_sampler("uniform", 10, 300, 0, none).next(0.0)) == 10


@pytest.mark.parametrize(("fraction", "share"), [(0.0, 0.2), (0.55, 0.2 + 0.8 * 5 / 9), (0.99, 1.0)])
def test_int_takes_the_largest_errors_of_a_growing_share(fraction, share):
    errors = torch.rand(1000, generator=torch.Generator().manual_seed(3))
    sampler = make_sampler("int", 1000, 50, 0, lambda: errors)
    expected = np.argsort(-errors.numpy())[: round(share * 1000)]
    rows = torch.cat(epoch(sampler, fraction, len(expected)))
    assert sorted(rows.tolist()) == sorted(expected.tolist())


def test_recent_draws_half_of_the_rows_in_proportion_to_their_errors():
    sampler = make_sampler("recent", 4000, 4000, 0, none)
    rows = sampler.next(0.0)
    assert len(rows) == 4000  # the errors are not known yet
    rough = torch.arange(4000) < 1000
    sampler.learn(rows, torch.where(rough, 4.0, 1.0)[rows])  # squared errors of 2 and 1
    drawn = torch.zeros(4000)
    for _ in range(40):
        drawn[sampler.next(0.0)] += 1 / 40
    # in proportion 2 to 1 with a mean of a half: 0.8 and 0.4
    assert float(drawn[rough].mean()) == pytest.approx(0.8, abs=0.01)
    assert float(drawn[~rough].mean()) == pytest.approx(0.4, abs=0.01)


def test_nint_ranks_by_the_error_times_the_kernel_of_the_output_layer():
    axes = (cell_centres(6), cell_centres(7))
    points = torch.tensor(np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 2), dtype=torch.float32)
    values = torch.rand(42, 1, generator=torch.Generator().manual_seed(0))
    network = make_network("siren", 2, 1, width=9, depth=2)
    settings = TrainSettings(sampling="nint")
    samples = Samples(Measurements(values.double().numpy(), axes), values)
    looks = Looks(Objective(network, samples, settings), samples, settings, Ranks())

    last = [module for module in network.modules() if isinstance(module, torch.nn.Linear)][-1]
    jacobian = []  # by the output layer's weights, a row at a time
    for point in points:
        network.zero_grad()
        network(point[None]).sum().backward()
        jacobian.append(torch.cat([last.weight.grad.flatten(), last.bias.grad]))
    jacobian = torch.stack(jacobian)
    kernel = jacobian @ jacobian.T
    with torch.no_grad():
        expected = (network(points) - values).abs()[:, 0] * kernel.norm(dim=0)
    torch.testing.assert_close(looks.scores(), expected, rtol=1e-3, atol=1e-5)
    assert top_rows(looks.scores(), 5).tolist() == sorted(expected.argsort(descending=True)[:5].tolist())


def test_nint_needs_an_output_layer_that_is_linear():
    from kansci.inr.training.looks import output_layer

    with pytest.raises(SettingsError, match="linear"):
        output_layer(torch.nn.ReLU())
