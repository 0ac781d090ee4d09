"""What operators of TensorFlow reach beyond numbers, and where they say what they reach for.

`tensorflow_operators.txt` lists every operator that TensorFlow itself has (2.21); all of them that are not named here compute, keep state
in the process, or call functions of the same graph. Regenerate it from `tf.raw_ops` and what `TF_GetAllOpList` gives.
"""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["OPERATORS", "Operator", "Reach", "is_of_tensorflow"]

_FILE: Final = Path(__file__).with_suffix(".txt")


class Reach(enum.Enum):
    """What an operator reaches for."""

    READ = "reads a file"
    LIST = "lists files"
    WRITE = "writes a file"
    VARIABLES = "reads or writes variables of a model at a fixed place"
    NETWORK = "opens a connection"
    PYTHON = "calls a Python function of the process that it runs in, by its number there"
    NATIVE = "runs native code that TensorFlow does not have itself"


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator that reaches for something.

    Attributes
    ----------
    reach
        For what.
    inputs
        Which of its inputs say where, by position.
    settings
        Which of its attributes do.
    always
        Whether it does wherever it stands, unless one of those says nothing.
    """

    reach: Reach
    inputs: tuple[int, ...] = ()
    settings: tuple[str, ...] = ()
    always: bool = False


def _same(names: str, operator: Operator) -> dict[str, Operator]:
    return dict.fromkeys(names.split(), operator)


OPERATORS: Final[dict[str, Operator]] = {
    **_same("ReadFile TextLineDataset TFRecordDataset TFRecordDatasetV2 LoadDataset", Operator(Reach.READ, (0,))),
    **_same(
        "FixedLengthRecordDataset FixedLengthRecordDatasetV2 LMDBDataset ExperimentalLMDBDataset", Operator(Reach.READ, (0,))
    ),
    **_same("CSVDataset CSVDatasetV2 ExperimentalCSVDataset LoadAndRemapMatrix SnapshotChunkDataset", Operator(Reach.READ, (0,))),
    **_same("SnapshotDatasetReader ListSnapshotChunksDataset", Operator(Reach.READ, (0,))),
    **_same("InitializeTableFromTextFile InitializeTableFromTextFileV2", Operator(Reach.READ, (1,))),
    **_same("GenerateVocabRemapping SqlDataset ExperimentalSqlDataset", Operator(Reach.READ, (0, 1))),
    **_same("WholeFileReader WholeFileReaderV2 TextLineReader TextLineReaderV2", Operator(Reach.READ, always=True)),
    **_same(
        "FixedLengthRecordReader FixedLengthRecordReaderV2 TFRecordReader TFRecordReaderV2", Operator(Reach.READ, always=True)
    ),
    "LMDBReader": Operator(Reach.READ, always=True),
    "RecordInput": Operator(Reach.READ, (), ("file_pattern",)),
    "Skipgram": Operator(Reach.READ, (), ("filename",)),
    "FixedUnigramCandidateSampler": Operator(Reach.READ, (), ("vocab_file",)),
    "ImmutableConst": Operator(Reach.READ, (), ("memory_region_name",)),
    **_same("DecodeProtoV2 EncodeProto", Operator(Reach.READ, (), ("descriptor_source",))),
    **_same("MatchingFiles MatchingFilesDataset ExperimentalMatchingFilesDataset", Operator(Reach.LIST, (0,))),
    "WriteFile": Operator(Reach.WRITE, (0,)),
    **_same("DatasetToTFRecord ExperimentalDatasetToTFRecord SaveDataset SaveDatasetV2", Operator(Reach.WRITE, (1,))),
    **_same("SnapshotDataset SnapshotDatasetV2 CacheDataset CacheDatasetV2 DistributedSave", Operator(Reach.WRITE, (1,))),
    **_same("CreateSummaryFileWriter CreateSummaryDbWriter", Operator(Reach.WRITE, (1,))),
    "PrintV2": Operator(Reach.WRITE, (), ("output_stream",)),
    "DumpTensor": Operator(Reach.WRITE, (), ("log_dir_path",)),
    "CalibrationStatisticsSaver": Operator(Reach.WRITE, (), ("output_file_path",)),
    **_same("DebugIdentity DebugIdentityV2 DebugIdentityV3", Operator(Reach.WRITE, (), ("debug_urls",))),
    **_same("DebugNanCount DebugNumericSummary DebugNumericSummaryV2", Operator(Reach.WRITE, (), ("debug_urls",))),
    **_same("Save SaveSlices SaveV2 Restore RestoreSlice RestoreV2 DTensorRestoreV2", Operator(Reach.VARIABLES, (0,))),
    "MergeV2Checkpoints": Operator(Reach.VARIABLES, (0, 1)),
    **_same("RpcServer RpcClient RpcServerStart RpcCall RegisterDataset RegisterDatasetV2", Operator(Reach.NETWORK, always=True)),
    **_same(
        "DataServiceDataset DataServiceDatasetV2 DataServiceDatasetV3 DataServiceDatasetV4", Operator(Reach.NETWORK, always=True)
    ),
    **_same("PyFunc PyFuncStateless EagerPyFunc", Operator(Reach.PYTHON, always=True)),
    **_same("TRTEngineOp XlaCustomCall XlaCustomCallV2 RemoteFusedGraphExecute", Operator(Reach.NATIVE, always=True)),
    "FileSystemSetConfiguration": Operator(Reach.NETWORK, always=True),
}
"""By name; versions of one operator that differ in nothing that matters here share an entry."""


@functools.cache
def _names() -> frozenset[str]:
    return frozenset(_FILE.read_text(encoding="ascii").split())


def is_of_tensorflow(name: str) -> bool:
    """Whether TensorFlow itself has an operator of that name."""
    return name in _names()
