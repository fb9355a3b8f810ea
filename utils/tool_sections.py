"""Options of verbs that stand beside training: the search of `tune`, and completion of the command line."""

from dataclasses import dataclass

from utils.option_sections import flag


@dataclass(frozen=True)
class TuneOptions:
    """The search of hyper-parameters."""

    search: tuple[str, ...] = flag(
        (), "flags to search: batch_size=4,8,16 dropout=0:0.5 learning_rate=log:1e-4:1e-2", metavar="FLAG=VALUES"
    )
    trials: int = flag(30, "trials of the study, over all starts of it", at_least=1, at_most=1_000_000)
    study: str | None = flag(None, "name of the study; a second start goes on with it (default: DATA-DES)")
    storage: str | None = flag(None, "where the study is kept: a file or a database that machines share")
    jobs: int = flag(1, "processes that try settings side by side", at_least=1, at_most=1024)
    prune: bool = flag(True, "end a trial early whose validation is below the median of the others")


@dataclass(frozen=True)
class CompletionOptions:
    """Completion of the command line."""

    shell: str = flag("bash", "also as the word behind the verb", choices=("bash", "zsh"))
