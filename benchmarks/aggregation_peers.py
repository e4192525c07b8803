"""How does each candidate find the worst loss of every account?

Every entry of `PEERS` takes the inputs of `aggregation.workload` and gives losses >= 0 [account].
What builds a matrix or moves arrays into a library's own form is not timed. Peers do the first
`PEER_ACCOUNTS`, since their cost per account is the same from there on.
"""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from candidate import HERE, Peer

Inputs = dict[str, Any]
Ready = tuple[Callable[[], Any], Callable[[Any], Any]]
PEER_ACCOUNTS = 100_000
CHUNK = 4_096
"""Accounts whose scenario vectors are held at once, by those who hold them."""


def counterpoise(given: Inputs) -> Ready:
    """Aggregate with the core: packing of P&L and checks of the book are timed too."""
    from counterpoise import _core

    keys = np.zeros(len(given["pointer"]) - 1, np.int32)
    return (lambda: _core.worst_loss(
        pointer=given["pointer"], key=keys, instrument=given["instrument"], lots=given["lots"],
        pnl=given["pnl"], threads=given["threads"]), lambda result: result[0])


def first_accounts(given: Inputs) -> Inputs:
    """Return the inputs of the first `PEER_ACCOUNTS` accounts."""
    pointer = given["pointer"][:PEER_ACCOUNTS + 1]
    return given | {"pointer": pointer, "instrument": given["instrument"][:pointer[-1]],
                    "lots": given["lots"][:pointer[-1]]}


def chunks(given: Inputs) -> list[Any]:
    """Return the first accounts as sparse matrices of `CHUNK` accounts each."""
    from scipy.sparse import csr_matrix

    given = first_accounts(given)
    pointer, made = given["pointer"], []
    for start in range(0, len(pointer) - 1, CHUNK):
        part = pointer[start:start + CHUNK + 1]
        at = slice(part[0], part[-1])
        made.append(csr_matrix((given["lots"][at].astype(float), given["instrument"][at],
                                (part - part[0]).astype(np.int32)),
                               shape=(len(part) - 1, len(given["pnl"]))))
    return made


def losses(least: list[Any]) -> np.ndarray:
    """Return the losses of the chunks' least P&L."""
    return -np.minimum(np.concatenate(least), 0.0)


def scipy_sparse(given: Inputs) -> Ready:
    """Multiply sparse chunks with the P&L and take the least of each row."""
    parts = chunks(given)
    return lambda: losses([(part @ given["pnl"]).min(axis=1) for part in parts]), np.asarray


def mkl_sparse(given: Inputs) -> Ready:
    """Multiply by Intel's library."""
    # The library lies beside the packages, not where the loader looks.
    os.environ.setdefault("MKL_RT", str(next((HERE / ".peers" / "lib").glob("libmkl_rt.so*"))))
    from sparse_dot_mkl import dot_product_mkl

    parts = chunks(given)
    return (lambda: losses([dot_product_mkl(part, given["pnl"]).min(axis=1) for part in parts]),
            np.asarray)


def torch_sparse(given: Inputs) -> Ready:
    """Multiply compressed sparse tensors."""
    import torch

    torch.set_num_threads(given["threads"])
    parts = [torch.sparse_csr_tensor(torch.from_numpy(part.indptr), torch.from_numpy(part.indices),
                                     torch.from_numpy(part.data), size=part.shape)
             for part in chunks(given)]
    pnl = torch.from_numpy(given["pnl"])
    return (lambda: torch.cat([(part @ pnl).amin(dim=1) for part in parts]),
            lambda result: -np.minimum(result.numpy(), 0.0))


def numba_fused(given: Inputs) -> Ready:
    """Sum and reduce account by account in a compiled loop."""
    import numba

    @numba.njit(fastmath=True, parallel=given["threads"] > 1)
    def worst(pointer, instrument, lots, pnl):  # type: ignore[no-untyped-def]
        loss = np.empty(len(pointer) - 1)
        for a in numba.prange(len(loss)):
            total = np.zeros(pnl.shape[1])
            for p in range(pointer[a], pointer[a + 1]):
                total += lots[p] * pnl[instrument[p]]
            loss[a] = -min(0.0, total.min())
        return loss

    given = first_accounts(given)
    lots = given["lots"].astype(float)
    return (lambda: worst(given["pointer"], given["instrument"], lots, given["pnl"])), np.asarray


def jax_gather(given: Inputs) -> Ready:
    """Gather rows and contract them, chunk by chunk, in one compiled expression."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    given = first_accounts(given)
    accounts = len(given["pointer"]) - 1
    width, chunk = len(given["lots"]) // accounts, 256
    padded = -(-accounts // chunk) * chunk
    instrument, lots = (np.zeros((padded, width), kind) for kind in (np.int32, float))
    instrument[:accounts] = given["instrument"].reshape(accounts, width)
    lots[:accounts] = given["lots"].reshape(accounts, width)
    pnl = jnp.asarray(given["pnl"])

    def one(given_rows: Any) -> Any:
        rows, sizes = given_rows
        return jnp.einsum("ap,aps->as", sizes, pnl[rows]).min(axis=1)

    columns = tuple(jnp.asarray(x.reshape(-1, chunk, width)) for x in (instrument, lots))
    run = jax.jit(lambda rows, sizes: jax.lax.map(one, (rows, sizes)))
    return (lambda: run(*columns).block_until_ready(),
            lambda result: -np.minimum(np.asarray(result).ravel()[:accounts], 0.0))


def in_flavour(name: str) -> Callable[[Inputs], Ready]:
    """Return our own candidate on another instruction set than the best of this CPU."""
    def prepare(given: Inputs) -> Ready:
        from counterpoise import _core

        _core.use_isa(name)
        return counterpoise(given)

    return prepare


PEERS = {
    **{f"counterpoise, {name}": Peer("counterpoise", in_flavour(name))
       for name in ("avx2", "neon", "baseline")},
    "counterpoise": Peer("counterpoise", counterpoise),
    "scipy.sparse": Peer("scipy", scipy_sparse),
    "sparse_dot_mkl": Peer("sparse-dot-mkl", mkl_sparse),
    "torch sparse_csr": Peer("torch", torch_sparse), "numba, fused": Peer("numba", numba_fused),
    "jax": Peer("jax", jax_gather),
}
