#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports the networks that `./do bench` times, into a folder: FOLDER/NAME.onnx. Files that exist already are kept.

Nothing is downloaded: architectures come from torchvision and transformers, weights are random with a fixed seed, and the statistics of the
convolutional networks' batch normalisations are calibrated on noise, so that activations keep a natural scale. ResNet-50 and MobileNetV2 go
through the TorchScript exporter, the transformers through today's; the quantised forms are made by ONNX Runtime's quantizer.
"""
import argparse
import pathlib
import sys
import warnings

import numpy as np
import torch

warnings.filterwarnings("ignore")
OPSET = 18


def seeded(make):
    torch.manual_seed(1)
    return make().eval()


def calibrate_batch_norms(model, shape):
    """Running statistics from noise, as training would leave them: without, activations of a deep random network vanish or explode."""
    for m in model.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.reset_running_stats()
            m.momentum = None
    model.train()
    with torch.no_grad():
        for i in range(3):
            model(torch.randn(shape, generator=torch.Generator().manual_seed(i)))
    return model.eval()


def export_cnn(make, path):
    model = calibrate_batch_norms(seeded(make), (8, 3, 224, 224))
    torch.onnx.export(model, (torch.randn(1, 3, 224, 224),), str(path), dynamo=False, opset_version=17, input_names=["input"], output_names=["output"],
                      dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}})


def resnet50(path):
    import torchvision
    export_cnn(lambda: torchvision.models.resnet50(weights=None), path)


def mobilenet_v2(path):
    import torchvision
    export_cnn(lambda: torchvision.models.mobilenet_v2(weights=None), path)


def vit_b_16(path):
    import torchvision
    model = seeded(lambda: torchvision.models.vit_b_16(weights=None))
    torch.nn.init.normal_(model.heads.head.weight, std=0.02)   # torchvision starts it at zero: all answers would be equal
    torch.onnx.export(model, (torch.randn(2, 3, 224, 224),), str(path), dynamo=True, opset_version=OPSET, external_data=False, input_names=["input"],
                      output_names=["output"], dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=64)},))


class Encoder(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).last_hidden_state


def export_bert(path, **config):
    import transformers
    model = Encoder(seeded(lambda: transformers.BertModel(transformers.BertConfig(**config))))
    ids = torch.randint(0, 30000, (2, 16))
    batch, sequence = torch.export.Dim("batch", min=1, max=64), torch.export.Dim("sequence", min=2, max=512)
    dims = {0: batch, 1: sequence}
    torch.onnx.export(model, (ids, torch.ones_like(ids), torch.zeros_like(ids)), str(path), dynamo=True, opset_version=OPSET, external_data=False,
                      input_names=["input_ids", "attention_mask", "token_type_ids"], output_names=["last_hidden_state"], dynamic_shapes=(dims, dims, dims))


def bert_base(path):
    export_bert(path)


def minilm_l6(path):
    export_bert(path, hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536)


class Noise:
    """Calibration data for the quantizer: what the networks were calibrated on."""

    def __init__(self):
        rng = np.random.default_rng(5)
        self.batches = iter([{"input": rng.standard_normal((4, 3, 224, 224)).astype(np.float32)} for _ in range(4)])

    def get_next(self):
        return next(self.batches, None)


def quantise_static(source, path):
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process
    prepared = path.with_suffix(".prepared")
    quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    quantize_static(str(prepared), str(path), Noise(), quant_format=QuantFormat.QDQ, per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
    prepared.unlink()


def quantise_dynamic(source, path):
    from onnxruntime.quantization import QuantType, quantize_dynamic
    quantize_dynamic(str(source), str(path), weight_type=QuantType.QInt8)


# What each quantised network is made of, and how.
QUANTISED = {"resnet50_int8": (resnet50, quantise_static), "mobilenet_v2_int8": (mobilenet_v2, quantise_static), "minilm_l6_int8": (minilm_l6, quantise_dynamic)}
NETWORKS = {f.__name__: f for f in (resnet50, mobilenet_v2, vit_b_16, bert_base, minilm_l6)}


def export(name, folder):
    path = folder / f"{name}.onnx"
    if path.exists():
        return
    part = path.with_suffix(".part")
    if name in QUANTISED:
        source, quantise = QUANTISED[name]
        export(source.__name__, folder)
        quantise(folder / f"{source.__name__}.onnx", part)
    else:
        NETWORKS[name](part)
    part.rename(path)   # an interrupted export leaves no half file under the name
    print(f"exported {path}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("names", nargs="*", help="default: all")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    names = [*NETWORKS, *QUANTISED]
    unknown = set(args.names) - set(names)
    if unknown:
        sys.exit(f"export_models: unknown: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    for name in args.names or names:
        export(name, args.folder)


if __name__ == "__main__":
    main()
