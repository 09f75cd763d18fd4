"""compressed-tensors' quantization_config, field by field, and which scheme a module gets.

Written from the format's description (QuantizationConfig, QuantizationScheme, QuantizationArgs of the
compressed-tensors package, whose models refuse unknown fields), apart from what writes it.
"""
import re


def one_of(*values):
    return lambda value: any(value is v or (v is not None and type(value) is type(v) and value == v) for v in values)


def texts(value):
    return isinstance(value, list) and all(isinstance(each, str) and each for each in value)


ARGUMENTS = {  # of integer weights
    "num_bits": one_of(4, 8),
    "type": one_of("int"),
    "symmetric": one_of(True, False),
    "strategy": one_of("group"),
    "group_size": one_of(32, 64, 128),
    "dynamic": one_of(False),
    "actorder": one_of(None),
    "observer": one_of("mse", "minmax"),
}
SCHEME = {
    "targets": lambda value: texts(value) and value != [],
    "weights": lambda value: isinstance(value, dict),
    "input_activations": one_of(None),
    "output_activations": one_of(None),
}
CONFIG = {
    "quant_method": one_of("compressed-tensors"),
    "format": one_of("pack-quantized"),
    "quantization_status": one_of("compressed"),
    "global_compression_ratio": one_of(None),
    "kv_cache_scheme": one_of(None),
    "ignore": texts,
    "config_groups": lambda value: isinstance(value, dict) and value != {},
}


def problems_in(fields, values, where):
    found = [f"{where}.{key} is missing" for key in fields if key not in values]
    found += [f"{where}.{key} is unknown" for key in values if key not in fields]
    return found + [
        f"{where}.{key} is {values[key]!r}" for key, good in fields.items() if key in values and not good(values[key])
    ]


def problems(config):
    """What is wrong with a quantization_config of packed integer weights; nothing if it is right."""
    found = problems_in(CONFIG, config, "quantization_config")
    for name, group in config.get("config_groups", {}).items():
        found += problems_in(SCHEME, group, name) + problems_in(ARGUMENTS, group.get("weights", {}), f"{name}.weights")
    return found


def matches(module, target):
    return re.match(target[3:], module) is not None if target.startswith("re:") else module == target


def scheme_of(config, module):
    """The weights' arguments that apply to a linear module, or None if it keeps its weight.

    A module's own name comes before regular expressions, those before its class.
    """
    if any(matches(module, each) for each in config["ignore"]):
        return None
    groups = config["config_groups"].values()
    by_name = [g["weights"] for g in groups if module in g["targets"]]
    by_pattern = [g["weights"] for g in groups if any(t.startswith("re:") and matches(module, t) for t in g["targets"])]
    by_class = [g["weights"] for g in groups if "Linear" in g["targets"]]
    chosen = by_name or by_pattern or by_class
    assert len(chosen) < 2, f"{module}: two groups name it"
    return chosen[0] if chosen else None
