"""Functions on a GPU as CUDA graphs: recorded once, replayed as often as needed."""

from collections.abc import Callable
from typing import Protocol

import torch

Replay = Callable[[], None]


class Recorder(Protocol):
    """Turns functions that compute on fixed memory into replays. Recordings of one recorder share their memory."""

    def rehearse(self, function: Callable[[], None]) -> None:
        """Runs a function until a recording of it would succeed.

        Raises:
            RuntimeError: it waits for the GPU, which no recording can.
        """

    def record(self, function: Callable[[], None]) -> Replay:
        """Records a function without computing anything; what it returns computes it, on the same memory."""


class CudaRecorder:
    """Records on a GPU.

    Args:
        device: where the functions compute.
    """

    def __init__(self, device: torch.device) -> None:
        self.stream = torch.cuda.Stream(device)
        self.pool = torch.cuda.graph_pool_handle()

    def rehearse(self, function: Callable[[], None]) -> None:
        """Runs a function three times: libraries set themselves up, and the last run must not wait for the GPU."""
        former = torch.cuda.get_sync_debug_mode()
        self.stream.wait_stream(torch.cuda.current_stream())
        try:
            with torch.cuda.stream(self.stream):
                for mode in ("default", "default", "error"):
                    torch.cuda.set_sync_debug_mode(mode)
                    function()
        finally:
            torch.cuda.set_sync_debug_mode(former)
            torch.cuda.current_stream().wait_stream(self.stream)

    def record(self, function: Callable[[], None]) -> Replay:
        """A graph of the function's kernels.

        Raises:
            RuntimeError: it cannot be recorded, or the memory does not suffice.
        """
        graph = torch.cuda.CUDAGraph()
        try:
            # By default no other thread may use the GPU meanwhile; loaders and NCCL do.
            with torch.cuda.graph(graph, pool=self.pool, stream=self.stream, capture_error_mode="thread_local"):
                function()
        except torch.OutOfMemoryError:
            raise RuntimeError("its graphs do not fit into the GPU's memory") from None
        return graph.replay
