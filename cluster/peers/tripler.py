"""A model of Triton's python backend: three times its input. By DLPack: its own conversion garbles the arrays of newer numpys."""

import sys

sys.path.insert(0, "SITE_PACKAGES")

import numpy  # noqa: E402
import triton_python_backend_utils as utils  # noqa: E402


class TritonPythonModel:
    def execute(self, requests):
        answers = []
        for request in requests:
            rows = numpy.from_dlpack(utils.get_input_tensor_by_name(request, "x"))
            output = utils.Tensor.from_dlpack("y", numpy.ascontiguousarray(rows * 3))
            answers.append(utils.InferenceResponse(output_tensors=[output]))
        return answers
