"""Decision trees as plain tensors: what is left of scikit-learn's forests once they are fitted.

Letters: B windows, F features, T trees, N nodes of all trees, M leaves of all trees, V values of a leaf.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor


class Trees(NamedTuple):
    """All trees in flat arrays, the leaves first.

    A reading goes left where its feature is at most the threshold. A leaf is its own left and right child, so walking
    `depth` steps from the root ends in a leaf whatever the tree.

    Attributes:
        root: (T,) int32, each tree's first node.
        feature: (N,) int32.
        threshold: (N,) float32.
        left, right: (N,) int32.
        value: (M, V) float, of nodes 0 to M - 1: the leaves.
        depth: () int64, steps to the deepest leaf.
    """

    root: Tensor
    feature: Tensor
    threshold: Tensor
    left: Tensor
    right: Tensor
    value: Tensor
    depth: Tensor

    def leaves(self, features: Tensor) -> Tensor:
        """(B, F) float32 -> (B, T, V) float64, the values of the leaves that the windows fall into."""
        node = self.root.expand(len(features), -1)  # (B, T)
        for _ in range(int(self.depth)):
            reading = features.gather(1, self.feature[node].long())
            node = torch.where(reading <= self.threshold[node], self.left[node], self.right[node])
        return self.value[node].double()

    def check(self, features: int) -> None:
        """Raises RuntimeError if a way leads outside or to no leaf, as it may in a file that someone has made."""
        nodes, depth = len(self.feature), int(self.depth) if self.depth.numel() == 1 else -1
        indices = ((self.root, nodes), (self.left, nodes), (self.right, nodes), (self.feature, features))
        fitting = all(part.shape == (nodes,) for part in (self.threshold, self.left, self.right))
        if not fitting or self.value.dim() != 2 or not 0 <= depth <= nodes:
            raise RuntimeError("the arrays of its trees do not fit each other")
        for index, limit in indices:
            if not len(index) or index.dtype != torch.int32 or int(index.min()) < 0 or int(index.max()) >= limit:
                raise RuntimeError("its trees point outside themselves")
        level = self.root.unique()
        for _ in range(depth):
            level = torch.cat((self.left[level], self.right[level])).unique()
        if int(level.max()) >= len(self.value):
            raise RuntimeError("its trees do not end in leaves")


class Tree(NamedTuple):
    """One tree as numpy arrays with one entry a node; `leaf` marks those without children."""

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    leaf: np.ndarray
    depth: int


def join(trees: Sequence[Tree]) -> Trees:
    """Puts trees into one set of arrays."""
    sizes = [len(tree.leaf) for tree in trees]
    root = np.cumsum([0, *sizes[:-1]])
    leaf = np.concatenate([tree.leaf for tree in trees])
    order = np.argsort(~leaf, kind="stable")  # the leaves first
    place = np.empty_like(order)
    place[order] = np.arange(len(order))

    def together(name: str) -> np.ndarray:
        return np.concatenate([getattr(tree, name) for tree in trees])[order]

    def child(name: str) -> np.ndarray:
        along = np.concatenate([getattr(t, name) + start for t, start in zip(trees, root, strict=True)])
        return place[np.where(leaf, np.arange(len(leaf)), along)][order].astype(np.int32)

    return Trees(
        root=torch.from_numpy(place[root].astype(np.int32)),
        feature=torch.from_numpy(np.where(leaf[order], 0, together("feature")).astype(np.int32)),
        threshold=torch.from_numpy(_at_most(np.where(leaf[order], 0, together("threshold")))),
        left=torch.from_numpy(child("left")),
        right=torch.from_numpy(child("right")),
        value=torch.from_numpy(together("value")[: leaf.sum()].copy()),
        depth=torch.tensor(max(tree.depth for tree in trees)),
    )


def _at_most(threshold: np.ndarray) -> np.ndarray:
    """The largest float32 that is not above each threshold: float32 readings fall on the same side of it."""
    near = threshold.astype(np.float32)
    return np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near)


def of_forest(forest: Any) -> Trees:
    """The trees of a fitted RandomForestClassifier; V is the number of classes it saw, values are its probabilities."""
    found = []
    for estimator in forest.estimators_:
        tree = estimator.tree_
        value = tree.value[:, 0, :]  # (nodes, V)
        found.append(
            Tree(
                feature=tree.feature,
                threshold=tree.threshold,
                left=tree.children_left,
                right=tree.children_right,
                value=(value / value.sum(1, keepdims=True)).astype(np.float32),
                leaf=tree.children_left < 0,
                depth=tree.max_depth,
            )
        )
    return join(found)


def of_boosting(boosting: Any) -> Trees:
    """The trees of a fitted HistGradientBoostingClassifier, iteration by iteration, a tree a class in each; V is 1."""
    found = []
    for iteration in boosting._predictors:
        for predictor in iteration:
            nodes = predictor.nodes
            found.append(
                Tree(
                    feature=nodes["feature_idx"],
                    threshold=nodes["num_threshold"],
                    left=nodes["left"],
                    right=nodes["right"],
                    value=nodes["value"][:, None],
                    leaf=nodes["is_leaf"].astype(bool),
                    depth=int(nodes["depth"].max()),
                )
            )
    return join(found)
