"""tine beside PyTorch. The only package of tine's that imports torch."""

from tine.pytorch._futures import install_futures, to_torch_future, uninstall_futures
