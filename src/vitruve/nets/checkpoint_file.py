"""Read the weights out of published PyTorch checkpoint files without running what is inside.

Such files hold optimizers, random states and numpy scalars beside the weights, so
``torch.load(weights_only=True)`` refuses them. This reader rebuilds tensors and plain containers
itself and turns everything else into an inert object; no code named in the file is ever looked up.
Both of PyTorch's layouts are read: zip archives (1.6 and later) and the older run of pickles.
"""

import io
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vitruve.nets.official import bare_state, shown_keys

_DTYPES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
_BROKEN = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    struct.error,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C


def read_checkpoint(path: str | Path, part: str | None = None) -> dict[str, Tensor]:
    """Read the state dict of a published checkpoint file.

    Args:
        path: A ``.bin``, ``.pth``, ``.pt`` or ``.pth.tar`` file written by ``torch.save``.
        part: Entry of the checkpoint to read, such as ``model_traj``; by default the pose net.

    Raises:
        FileNotFoundError: There is no such file.
        KeyError: The checkpoint has no entry ``part``.
        ValueError: The file is no checkpoint, is damaged, or holds no weights.
    """
    with open(path, "rb") as file:
        try:
            content = _read_zip(file) if zipfile.is_zipfile(file) else _read_legacy(file)
        except _BROKEN as error:
            reason = " ".join(str(error).split())
            raise ValueError(f"{path} is not a readable PyTorch checkpoint: {reason}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds a {type(content).__name__}, not a checkpoint dictionary")
    if part is None:
        return bare_state(content)
    if not isinstance(content.get(part), dict):
        raise KeyError(f"{path} has no weights under {part!r}; it has {shown_keys(content)}")
    return bare_state(content[part])


class _Inert:
    """Stands for any object that is not a tensor: takes whatever the pickle does to it."""

    def __init__(self, *_args: Any, **_kwargs: Any) -> None: ...

    def __call__(self, *_args: Any, **_kwargs: Any) -> "_Inert":
        return self

    def __setstate__(self, _state: Any) -> None: ...

    def __setitem__(self, _key: Any, _value: Any) -> None: ...

    def append(self, _item: Any) -> None: ...

    def extend(self, _items: Any) -> None: ...

    def add(self, _item: Any) -> None: ...


class _WeightsUnpickler(pickle._Unpickler):
    """The pure Python unpickler (the C one allocates whatever a memo index asks for)."""

    def __init__(self, file: io.BufferedIOBase, storage: Callable[..., Tensor]) -> None:
        super().__init__(file, encoding="latin1")
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        match module, name:
            case "collections", "OrderedDict":
                return OrderedDict
            case "torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2":
                return self._rebuild_tensor
            case "torch._utils", "_rebuild_parameter":
                return self._rebuild_parameter
            case "torch", storage if storage in _DTYPES:
                return _DTYPES[storage]
        return _Inert

    def persistent_load(self, pid: Any) -> Tensor:
        kind, dtype, *rest = pid
        if kind != "storage" or not isinstance(dtype, torch.dtype):
            raise ValueError(f"unknown kind of stored data: {pid!r:.80}")
        return self._storage(dtype, *rest)

    # Bound methods, since a pickle can set attributes on plain functions but not on these.
    def _rebuild_tensor(
        self, storage: Tensor, offset: int, size: Any, stride: Any, *_extra: Any
    ) -> Tensor:
        start = storage.storage_offset() + offset
        view = torch.as_strided(storage, tuple(size), tuple(stride), start)
        if view.numel() > storage.numel():
            raise ValueError("a tensor claims more elements than are stored")
        return view

    def _rebuild_parameter(self, data: Tensor, *_extra: Any) -> Tensor:
        return data


def _read_zip(file: io.BufferedIOBase) -> Any:
    size = file.seek(0, io.SEEK_END)
    with zipfile.ZipFile(file) as archive:
        names = [n for n in archive.namelist() if n.endswith("data.pkl") and n.count("/") == 1]
        entries = archive.infolist()
        claimed = sum(entry.file_size for entry in entries)
        if len(names) != 1 or any(e.compress_type for e in entries) or claimed > size:
            raise ValueError("not the archive that torch.save writes")
        folder = names[0].removesuffix("data.pkl")
        storages: dict[str, Tensor] = {}

        def storage(dtype: torch.dtype, key: str, _device: str, numel: int, *_: Any) -> Tensor:
            if key not in storages:
                data = archive.read(f"{folder}data/{key}")
                if len(data) != numel * dtype.itemsize:
                    raise ValueError(f"storage {key} has {len(data)} bytes, not {numel} numbers")
                storages[key] = torch.empty(numel, dtype=dtype)
                _fill(storages[key], data)
            return storages[key]

        return _WeightsUnpickler(io.BytesIO(archive.read(names[0])), storage).load()


def _read_legacy(file: io.BufferedIOBase) -> Any:
    """Magic, version, machine; then the object, its storage keys, and each storage's numbers."""
    budget = file.seek(0, io.SEEK_END)
    file.seek(0)
    storages: dict[str, Tensor] = {}

    def storage(dtype: torch.dtype, key: str, _device: str, numel: int, view: Any = None) -> Tensor:
        nonlocal budget
        if key not in storages:
            budget -= numel * dtype.itemsize
            if numel < 0 or budget < 0:
                raise ValueError("the file is shorter than its tensors")
            storages[key] = torch.empty(numel, dtype=dtype)
        return storages[key] if view is None else storages[key][view[1] : view[1] + view[2]]

    def load() -> Any:
        return _WeightsUnpickler(file, storage).load()

    if load() != _LEGACY_MAGIC:
        raise ValueError("it does not start as torch.save starts a file")
    _version, _machine, content, keys = load(), load(), load(), load()
    if sorted(keys) != sorted(storages):
        raise ValueError("the list of stored tensors does not match its contents")
    for key in keys:
        (numel,) = struct.unpack("<q", file.read(8))
        if numel != storages[key].numel():
            raise ValueError(f"storage {key} has {numel} numbers, not {storages[key].numel()}")
        _fill(storages[key], file.read(numel * storages[key].itemsize))
    return content


def _fill(storage: Tensor, data: bytes) -> None:
    if len(data) != storage.nbytes:
        raise ValueError("the file ends inside a tensor")
    if data:
        storage.copy_(torch.frombuffer(bytearray(data), dtype=storage.dtype))
