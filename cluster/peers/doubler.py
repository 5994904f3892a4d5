"""A model of MLServer: twice its input. A version above 1 is right; version 1 is off by one."""

from mlserver import MLModel
from mlserver.types import InferenceResponse, ResponseOutput


class Doubler(MLModel):
    async def predict(self, payload):
        tensor = payload.inputs[0]
        wrong = 1.0 if self.version == "1" else 0.0
        data = [2.0 * value + wrong for value in flat(list(tensor.data))]
        output = ResponseOutput(name="y", shape=tensor.shape, datatype="FP64", data=data)
        return InferenceResponse(id=payload.id, model_name=self.name, model_version=self.version, outputs=[output])


def flat(values):
    for value in values:
        if isinstance(value, list):
            yield from flat(value)
        else:
            yield value
