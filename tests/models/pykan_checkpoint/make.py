"""How the checkpoint beside this file was written: python make.py, with pykan 0.2.8 and torch 2.13."""


def main():
    import numpy as np
    import torch
    from kan import KAN
    from kan.utils import create_dataset

    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    rows = create_dataset(
        lambda x: torch.sin(3 * x[:, [0]]) * x[:, [1]] + x[:, [1]] ** 2, n_var=2, train_num=60, test_num=80
    )
    model = KAN(width=[2, [2, 1], 1], grid=3, k=3, seed=1, auto_save=False, affine_trainable=True)
    model.fit(rows, opt="LBFGS", steps=15)
    for edge, name in {(0, 0, 3): "sin", (1, 1, 0): "x^2"}.items():
        model(rows["train_input"])
        model.fix_symbolic(*edge, name, verbose=False, log_history=False)
    model.remove_edge(0, 1, 0, log_history=False)
    model.set_mode(1, 2, 0, "sn")
    model.symbolic_fun[1].fix_symbolic(2, 0, "tanh", verbose=False)
    model.fit(rows, opt="LBFGS", steps=5, update_grid=False)
    model.update_grid_from_samples(rows["train_input"])
    outputs = model(rows["test_input"]).detach()
    inside = torch.ones(len(outputs), dtype=torch.bool)
    for layer, values in zip(model.act_fun, model.acts, strict=False):
        inside &= ((values >= layer.grid[:, 3]) & (values <= layer.grid[:, -4])).all(1)
    model.saveckpt("mixed")
    np.savez("mixed_predictions", x=rows["test_input"], y=outputs, inside=inside)


if __name__ == "__main__":
    main()
