"""The choices that a network is built from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelSettings:
    """Choices and their defaults; the flags of the same names describe them.

    Attributes:
        gaf_range: "train" takes the scaled values as they are, "window" stretches every window by itself.
        gaf_backend: "torch", or "pyts" as a slow check.
        image_size: side of the images, 0 for the length of a window.
        extractor: a name of `EXTRACTORS`, or "timm:NAME".
        feature_dim: features of a signal and field.
        fusion, attention, classifier: names of `FUSIONS`, `ATTENTIONS`, `CLASSIFIERS`.
        use_statistical_features: whether there is a statistics branch.
        stat_type: a name of `STATISTICS`.
        stat_per: "signal" joins each signal's statistics to its features, "window" all of them to the window's vector.
        stat_fusion: a name of `STAT_FUSIONS`.
        signal_groups: groups of signals with their own extractors, "A,B|C,D"; "" for one group of all.
        group_extractors: extractors of those groups, "gramian|dilated"; "" for `extractor` in each.
        compression_ratio: share of signals that is left after compression, in (0, 1].
        norm: a name of `NORMS`.
        dropout: rate in the classifier.
        ablation_mode: "none", "no_diff", "no_stat", "no_attention" or "minimal".
    """

    gaf_range: str = "train"
    gaf_backend: str = "torch"
    image_size: int = 0
    extractor: str = "gramian"
    feature_dim: int = 64
    fusion: str = "adaptive"
    attention: str = "channel"
    classifier: str = "mlp"
    use_statistical_features: bool = True
    stat_type: str = "basic"
    stat_per: str = "signal"
    stat_fusion: str = "concat"
    signal_groups: str = ""
    group_extractors: str = ""
    compression_ratio: float = 1.0
    norm: str = "group"
    dropout: float = 0.1
    ablation_mode: str = "none"
