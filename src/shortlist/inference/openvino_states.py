"""Coded states as inputs of an OpenVINO model, which turns components into states itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shortlist.inference.engine import CODES, QUERY_STATES, STATES, Feed
from shortlist.inference.quiet_imports import import_openvino
from shortlist.inference.state_codec import StateCodec

if TYPE_CHECKING:
    import openvino


class DecodedStates:
    """The part in front of a model that reads states.

    numpy looks up the components of each byte, in bf16 if `bf16` is True. A matrix product of the model turns the
    components into states, in the precision and on the threads of the other products.
    """

    def __init__(self, codec: StateCodec, *, bf16: bool) -> None:
        self._codec, self._bf16 = codec, bf16

    def joined(self, model: openvino.Model) -> openvino.Model:
        """Return the model with the inputs QUERY_STATES and CODES in place of STATES. CODES receives components."""
        openvino = import_openvino()
        from openvino import opset13

        parameters = {parameter.output(0).get_any_name(): parameter for parameter in model.get_parameters()}
        states = parameters.pop(STATES)
        shape = openvino.PartialShape([-1, -1, self._codec.width])
        query = opset13.parameter(shape, openvino.Type.f32)
        codes = opset13.parameter(shape, openvino.Type.bf16 if self._bf16 else openvino.Type.f32)
        query.output(0).set_names({QUERY_STATES})
        codes.output(0).set_names({CODES})
        components = opset13.convert(codes, np.float32)
        product = opset13.matmul(components, opset13.constant(self._codec.back), False, False)
        passages = opset13.add(product, opset13.constant(self._codec.mean.reshape(1, 1, -1)))
        states.output(0).replace(opset13.concat([query, passages], 1).output(0))
        return openvino.Model(model.get_results(), [query, codes, *parameters.values()], "stored states")

    def arrays(self, feed: Feed) -> Feed:
        """Return the feed with the components in place of the codes; components in bf16 are uint16."""
        codes = feed[CODES].astype(np.uint8, copy=False)
        return {**feed, CODES: (self._codec.components_bf16 if self._bf16 else self._codec.components)(codes)}
