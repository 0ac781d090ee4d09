"""Files that torch writes, as bytes."""

import io

__all__ = ["honest_script", "saved", "script_that_maps"]


def saved(value, **options):
    import torch

    made = io.BytesIO()
    torch.save(value, made, **options)
    return made.getvalue()


def honest_script():
    """Make a TorchScript archive that only computes: two numbers from two."""
    import torch

    made = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), made)
    return made.getvalue()


def script_that_maps(path):
    """Make an archive, as torch itself writes it, that creates a file as soon as torch's interpreter has it: no event tells of that."""
    import torch

    class Maps(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.path: str = str(path)
            self.mapped = torch.zeros(1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

        @torch.jit.export
        def __getstate__(self):
            # type: () -> Tuple[str, bool]
            return (self.path, self.training)

        @torch.jit.export
        def __setstate__(self, state):
            # type: (Tuple[str, bool]) -> None
            self.path = state[0]
            self.training = state[1]
            self.mapped = torch.from_file(state[0], True, 1)

    file = io.BytesIO()
    torch.jit.save(torch.jit.script(Maps()), file)
    path.unlink(missing_ok=True)
    return file.getvalue()
