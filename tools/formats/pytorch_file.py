"""Writes PyTorch's zip files without PyTorch: {name: (dtype, array)} as torch.save of a state dictionary.

The pickle refers to its classes by name only, so stand-ins under those names write the same bytes.
"""
import collections
import io
import pickle
import sys
import types
import zipfile

import numpy as np

STORAGES = {"F32": "FloatStorage", "F16": "HalfStorage", "BF16": "BFloat16Storage", "I64": "LongStorage",
            "I32": "IntStorage", "I8": "CharStorage", "U8": "ByteStorage"}  # fmt: skip


def _rebuild_tensor_v2(*_):
    raise NotImplementedError


_rebuild_tensor_v2.__module__ = "torch._utils"


class _Tensor:
    def __init__(self, storage, first, shape, strides):
        self.arguments = (storage, first, shape, strides, False, collections.OrderedDict())

    def __reduce__(self):
        return _rebuild_tensor_v2, self.arguments


class _Storage:
    def __init__(self, kind, key, count):
        self.id = ("storage", kind, key, "cpu", count)


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj):
        return obj.id if isinstance(obj, _Storage) else None


def _stand_ins():
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    kinds = {}
    for name in STORAGES.values():
        kinds[name] = type(name, (), {"__module__": "torch"})
        setattr(torch, name, kinds[name])
    return {"torch": torch, "torch._utils": utils}, kinds


def write(path, tensors, folder="archive", shared_storage=False):
    """shared_storage: all tensors of one type lie behind each other in one storage."""
    modules, kinds = _stand_ins()
    blobs, state = {}, collections.OrderedDict()
    places = {}
    for name, (dtype, array) in tensors.items():
        key = dtype if shared_storage else str(len(blobs))
        data = np.ascontiguousarray(array).tobytes()
        first = len(blobs.get(key, b"")) // array.itemsize
        blobs[key] = blobs.get(key, b"") + data
        places[name] = (key, dtype, first, array)
    for name, (key, dtype, first, array) in places.items():
        strides = tuple(stride // array.itemsize for stride in np.empty(array.shape, array.dtype).strides)
        storage = _Storage(kinds[STORAGES[dtype]], key, len(blobs[key]) // array.itemsize)
        state[name] = _Tensor(storage, first, array.shape, strides)
    buffer = io.BytesIO()
    saved = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        _Pickler(buffer, protocol=2).dump(state)
    finally:
        for name, module in saved.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(f"{folder}/data.pkl", buffer.getvalue())
        archive.writestr(f"{folder}/byteorder", "little")
        for key, data in blobs.items():
            archive.writestr(f"{folder}/data/{key}", data)
        archive.writestr(f"{folder}/version", "3\n")
