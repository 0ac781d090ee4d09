"""Honest files of pictures, plots, optimizers and other things that end up in a pickle beside models."""

import numpy as np
from honest_files import JOBLIB, PICKLE, PICKLE2, TORCH, features, honest, target


@honest("addict: options", "addict", format=PICKLE)
def options():
    import addict

    return addict.Dict(rate=0.1, layers={"sizes": [1, 2]})


@honest("transformers: output of a model", "transformers", format=TORCH, use=lambda output: output.last_hidden_state)
def model_output():
    import torch
    from transformers.modeling_outputs import BaseModelOutput

    return BaseModelOutput(last_hidden_state=torch.ones(1, 2))


@honest(
    "transformers: outputs with states and a cache",
    "transformers",
    "torch",
    format=PICKLE,
    use=lambda found: [one.to_tuple() for one in found[:2]],
)
def model_outputs():
    import torch
    from transformers import DynamicCache
    from transformers.modeling_outputs import BackboneOutput, BaseModelOutputWithPastAndCrossAttentions, CausalLMOutputWithPast

    cache = DynamicCache()
    cache.update(torch.ones(1, 2, 3, 4), torch.ones(1, 2, 3, 4), 0)
    states = tuple(torch.full((1, 2), float(layer)) for layer in range(3))
    return [
        BaseModelOutputWithPastAndCrossAttentions(last_hidden_state=states[-1], hidden_states=states),
        BackboneOutput(feature_maps=states),
        CausalLMOutputWithPast(logits=states[0], past_key_values=cache),
    ]


@honest("torch: whole optimizer", format=TORCH, use=lambda steps: steps.state_dict()["param_groups"])
def optimizer():
    import torch

    layer = torch.nn.Linear(2, 1)
    steps = torch.optim.Adam(layer.parameters())
    layer(torch.ones(1, 2)).sum().backward()
    steps.step()
    return steps


@honest("sklearn: selected features", "sklearn", format=JOBLIB, use=lambda model: model.transform(features()))
def selected():
    from sklearn.feature_selection import SelectKBest, f_classif

    return SelectKBest(f_classif, k=2).fit(features(), target())


@honest("sklearn: bins", "sklearn", format=PICKLE, use=lambda model: model.bin_edges_.tolist())
def bins():
    from sklearn.preprocessing import KBinsDiscretizer

    return KBinsDiscretizer(3).fit(features())


@honest("sklearn: stacked classifiers", "sklearn", format=JOBLIB, use=lambda model: model.predict(features()))
def stacked():
    from sklearn.ensemble import StackingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import SVC

    return StackingClassifier([("margin", SVC())], LogisticRegression()).fit(features(), target())


@honest("imblearn: pipeline", "imblearn", format=JOBLIB, use=lambda model: model.predict(features()))
def resampled():
    from imblearn.over_sampling import RandomOverSampler
    from imblearn.pipeline import make_pipeline
    from sklearn.linear_model import LogisticRegression

    return make_pipeline(RandomOverSampler(random_state=3), LogisticRegression()).fit(features(), target())


@honest("gymnasium: several choices", "gymnasium", format=PICKLE, use=lambda space: space.contains((np.array([1, 2]),)))
def choices():
    import gymnasium

    return gymnasium.spaces.Tuple([gymnasium.spaces.MultiDiscrete([2, 3])])


@honest("PIL: image", "PIL", format=PICKLE, use=lambda image: image.tobytes())
def image():
    from PIL import Image

    return Image.new("RGB", (4, 4), "red")


def pictures():
    """One picture of every mode that Pillow writes, of a width that does not end at a byte."""
    from PIL import Image

    colours = Image.effect_noise((13, 5), 80).convert("RGB")
    modes = ("1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "RGBX")
    found = [Image.new("LAB", (13, 5), 7) if mode == "LAB" else colours.convert(mode) for mode in modes]
    found += [colours.convert("L").convert("LA"), colours.convert("RGBA").convert("RGBa"), Image.new("I;16", (13, 5), 300)]
    found += [colours.quantize(16), Image.new("PA", (3, 2)), Image.new("RGB", (0, 4)), colours.resize((300, 200))]
    return found


for protocol in (PICKLE, PICKLE2):
    honest(
        f"PIL: images of every mode{'' if protocol is PICKLE else ', in protocol 2'}",
        "PIL",
        format=protocol,
        use=lambda images: [(image.mode, image.size, image.tobytes(), image.getpalette()) for image in images],
    )(pictures)


@honest("PIL: images as they were opened", "PIL", format=PICKLE, use=lambda images: [image.tobytes() for image in images])
def opened():
    import io

    from PIL import Image

    found = []
    for kind in ("PNG", "JPEG"):
        file = io.BytesIO()
        Image.new("RGB", (20, 10), "red").save(file, kind, dpi=(72, 72))
        found.append(Image.open(io.BytesIO(file.getvalue())))
    return found


@honest("plotly: figure", "plotly", format=PICKLE, use=lambda figure: figure.to_dict())
def plotly_figure():
    import plotly.graph_objects as go

    return go.Figure(go.Scatter(x=[1, 2], y=[3, 4]))


@honest("matplotlib: figure", "matplotlib", format=PICKLE, use=lambda figure: len(figure.axes))
def figure():
    from matplotlib.figure import Figure

    made = Figure()
    made.subplots().plot([1, 2])
    return made


@honest("networkx: graph whose edges were looked at", "networkx", format=PICKLE, use=lambda graph: sorted(graph.edges))
def looked_at():
    import networkx as nx

    made = nx.path_graph(4)
    list(made.edges)
    return made
