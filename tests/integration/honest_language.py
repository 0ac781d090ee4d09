"""Honest files of the libraries for language, images and games."""

import importlib

from honest_files import JOBLIB, PICKLE, TORCH, honest

SENTENCES = [["human", "interface", "computer"], ["graph", "trees"], ["graph", "minors", "trees"], ["human", "system"]] * 3


def bert():
    import transformers

    config = transformers.BertConfig(
        vocab_size=30, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, max_position_embeddings=16
    )
    return transformers.BertModel(config)


def use_bert(model):
    import torch

    with torch.no_grad():
        return model.eval()(torch.tensor([[1, 2, 3]])).last_hidden_state


def load_bert(path):
    import transformers

    return transformers.AutoModel.from_pretrained(path)


@honest("transformers: folder with safetensors", "transformers", "torch", load=load_bert, use=use_bert)
def transformers_folder(path):
    bert().save_pretrained(path)


@honest("transformers: folder with a .bin checkpoint", "transformers", "torch", load=load_bert, use=use_bert)
def transformers_bin(path):
    import torch

    model = bert()
    model.config.save_pretrained(path)
    torch.save(model.state_dict(), path / "pytorch_model.bin")


@honest("transformers: whole model", "transformers", format=TORCH, use=use_bert)
def transformers_model():
    return bert()


@honest(
    "transformers: training_args.bin",
    "transformers",
    "accelerate",
    format=TORCH,
    use=lambda options: (options.learning_rate, options.optim),
)
def training_arguments():
    import transformers

    return transformers.TrainingArguments("out", report_to=[], use_cpu=True, learning_rate=0.25)


@honest("transformers: state of a training run", "transformers", format=TORCH)
def training_state():
    import torch
    import transformers

    steps = torch.optim.AdamW([torch.nn.Parameter(torch.ones(2))], lr=0.1)
    return {"schedule": transformers.get_linear_schedule_with_warmup(steps, 1, 10).state_dict(), "steps": steps.state_dict()}


def word_tokenizer():
    import tokenizers

    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0, "graph": 1, "trees": 2, "[PAD]": 3}, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    return made


@honest("tokenizers: tokenizer", "tokenizers", format=PICKLE, use=lambda made: made.encode("graph of trees").ids)
def tokenizer():
    return word_tokenizer()


@honest("transformers: fast tokenizer", "transformers", format=PICKLE, use=lambda made: made("graph of trees")["input_ids"])
def fast_tokenizer():
    import transformers

    return transformers.PreTrainedTokenizerFast(tokenizer_object=word_tokenizer(), unk_token="[UNK]", pad_token="[PAD]")


@honest(
    "transformers: folder of a tokenizer",
    "transformers",
    use=lambda made: made("graph of trees")["input_ids"],
    load=lambda path: importlib.import_module("transformers").AutoTokenizer.from_pretrained(str(path)),
)
def tokenizer_folder(path):
    fast_tokenizer().save_pretrained(path)


@honest("transformers: configuration", "transformers", format=JOBLIB, use=lambda config: config.to_dict())
def configuration():
    import transformers

    return transformers.BertConfig(hidden_size=8, num_attention_heads=1, vocab_size=16)


@honest("transformers: batches", "transformers", format=TORCH, use=lambda batches: [dict(batch) for batch in batches])
def batches():
    import torch
    import transformers

    return [transformers.BatchEncoding({"input_ids": torch.ones(1, 2)}) for _ in range(2)]


@honest(
    "sentence-transformers: folder",
    "sentence_transformers",
    load=lambda path: importlib.import_module("sentence_transformers").SentenceTransformer(str(path), device="cpu"),
    use=lambda model: model.encode("graph trees"),
)
def sentence_folder(path):
    import sentence_transformers
    from sentence_transformers import models

    bert().save_pretrained(path / "bert")
    fast_tokenizer().save_pretrained(path / "bert")
    words = models.Transformer(str(path / "bert"))
    pooling = models.Pooling(8)
    sentence_transformers.SentenceTransformer(modules=[words, pooling], device="cpu").save(str(path))


@honest(
    "diffusers: folder of a scheduler and a network",
    "diffusers",
    load=lambda path: importlib.import_module("diffusers").AutoencoderKL.from_pretrained(path, use_safetensors=False),
    use=lambda model: dict(model.state_dict()),
)
def diffusers_folder(path):
    import diffusers

    made = diffusers.AutoencoderKL(
        block_out_channels=(4,),
        down_block_types=("DownEncoderBlock2D",),
        up_block_types=("UpDecoderBlock2D",),
        norm_num_groups=2,
        layers_per_block=1,
    )
    made.save_pretrained(path, safe_serialization=False)


def load_gensim(module, name):
    return lambda path: getattr(importlib.import_module(module), name).load(str(path))


@honest("gensim: Word2Vec", "gensim.models", load=load_gensim("gensim.models", "Word2Vec"), use=lambda model: model.wv["graph"])
def word2vec(path):
    from gensim.models import Word2Vec

    Word2Vec(SENTENCES, vector_size=4, min_count=1, workers=1, seed=3).save(str(path))


@honest(
    "gensim: word vectors",
    "gensim.models",
    load=load_gensim("gensim.models", "KeyedVectors"),
    use=lambda vectors: vectors["graph"],
)
def vectors(path):
    from gensim.models import Word2Vec

    Word2Vec(SENTENCES, vector_size=4, min_count=1, workers=1, seed=3).wv.save(str(path))


@honest("gensim: Doc2Vec", "gensim.models", load=load_gensim("gensim.models", "Doc2Vec"), use=lambda model: model.dv[0])
def doc2vec(path):
    from gensim.models.doc2vec import Doc2Vec, TaggedDocument

    documents = [TaggedDocument(words, [number]) for number, words in enumerate(SENTENCES)]
    Doc2Vec(documents, vector_size=4, min_count=1, workers=1).save(str(path))


@honest("gensim: FastText", "gensim.models", load=load_gensim("gensim.models", "FastText"), use=lambda model: model.wv["graph"])
def fasttext(path):
    from gensim.models import FastText

    FastText(SENTENCES, vector_size=4, min_count=1, workers=1, bucket=50).save(str(path))


@honest("gensim: LDA", "gensim.models", load=load_gensim("gensim.models", "LdaModel"), use=lambda model: model.get_topics())
def lda(path):
    from gensim.corpora import Dictionary
    from gensim.models import LdaModel

    words = Dictionary(SENTENCES)
    LdaModel([words.doc2bow(text) for text in SENTENCES], 2, words, random_state=3).save(str(path))


@honest("gensim: dictionary", "gensim.models", load=load_gensim("gensim.corpora", "Dictionary"), use=lambda words: words.token2id)
def dictionary(path):
    from gensim.corpora import Dictionary

    Dictionary(SENTENCES).save(str(path))


@honest("gensim: TF-IDF", "gensim.models", format=PICKLE, use=lambda model: model[[(0, 1), (1, 1)]])
def tfidf():
    from gensim.corpora import Dictionary
    from gensim.models import TfidfModel

    words = Dictionary(SENTENCES)
    return TfidfModel([words.doc2bow(text) for text in SENTENCES])


@honest(
    "spacy: folder of a pipeline",
    "spacy",
    load=lambda path: importlib.import_module("spacy").load(path),
    use=lambda nlp: [word.text for word in nlp("A graph. Two trees.")],
)
def spacy_folder(path):
    import spacy

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(path)


@honest("spacy: documents", "spacy", format=PICKLE, use=lambda doc: [word.text for word in doc])
def spacy_document():
    import spacy

    return spacy.blank("en")("A graph of two trees.")


@honest("spacy: pipeline", "spacy", format=PICKLE, use=lambda nlp: [word.text for word in nlp("A graph. Two trees.")])
def spacy_pipeline():
    import spacy

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    return nlp


@honest("nltk: naive Bayes classifier", "nltk", format=PICKLE, use=lambda model: model.classify({"a": 1}))
def bayes():
    import nltk

    return nltk.NaiveBayesClassifier.train([({"a": 1}, "x"), ({"a": 2}, "y"), ({"a": 1}, "x")])


@honest("nltk: sentence tokenizer", "nltk", format=PICKLE, use=lambda made: made.tokenize("A graph. Two trees."))
def punkt():
    from nltk.tokenize.punkt import PunktSentenceTokenizer, PunktTrainer

    return PunktSentenceTokenizer(PunktTrainer("A graph. Two trees. Mr. Graph has trees.").get_params())


@honest("nltk: frequencies", "nltk", format=PICKLE, use=dict)
def frequencies():
    import nltk

    return nltk.FreqDist(word for text in SENTENCES for word in text)


@honest(
    "keras: .keras file",
    "keras",
    load=lambda path: importlib.import_module("keras").saving.load_model(path.with_suffix(".keras")),
    use=lambda model: [weight.tolist() for weight in model.get_weights()],
)
def keras_file(path):
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="relu"), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.save(path.with_suffix(".keras"))


@honest(
    "stable-baselines3: PPO",
    "stable_baselines3",
    load=lambda path: importlib.import_module("stable_baselines3").PPO.load(path, device="cpu"),
    use=lambda model: dict(model.policy.state_dict()),
)
def ppo(path):
    import stable_baselines3

    stable_baselines3.PPO("MlpPolicy", "CartPole-v1", n_steps=8, batch_size=8, device="cpu", seed=3).save(path)


@honest("gymnasium: spaces", "gymnasium", format=PICKLE, use=lambda space: space.contains({"a": 1, "b": [0.0]}))
def spaces():
    import gymnasium

    return gymnasium.spaces.Dict({"a": gymnasium.spaces.Discrete(3), "b": gymnasium.spaces.Box(0, 1, (1,))})


@honest(
    "datasets: folder",
    "datasets",
    load=lambda path: importlib.import_module("datasets").load_from_disk(str(path)),
    use=lambda data: data["text"][:],
)
def data_folder(path):
    import datasets

    datasets.Dataset.from_dict({"text": ["a", "b"], "label": [0, 1]}).save_to_disk(str(path))


@honest(
    "mmengine: checkpoint",
    "mmengine",
    format=TORCH,
    use=lambda checkpoint: [history.statistics("mean", 2) for history in checkpoint["message_hub"]["log_scalars"].values()],
)
def mmengine_checkpoint():
    import torch
    from mmengine.logging import MessageHub

    hub = MessageHub.get_instance("honest")
    for step in range(3):
        hub.update_scalar("train/loss", 1 / (step + 1))
    hub.update_info("iter", 3)
    return {
        "state_dict": torch.nn.Linear(2, 2).state_dict(),
        "meta": {"epoch": 1, "iter": 3},
        "message_hub": hub.state_dict(),
    }
