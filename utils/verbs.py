"""The verbs of the command line, and the groups of flags that each takes."""

VERBS = {
    "train": "prepare the data, train, evaluate the best checkpoint, write a run folder (the default)",
    "tune": "search hyper-parameters on the validation part, and print the best command",
    "test": "evaluate a run folder again: the same numbers, to the digits written",
    "detect": "a run folder and unlabelled trend files: windows.csv, events.csv and report.html",
    "feedback": "take what people marked in events.csv; the next detect into that folder heeds it",
    "serve": "a web app on this machine: drop trend files, map points, see the report, mark events",
    "export": "a run's network to ONNX and torch.export, checked against the run before the file is kept",
    "doctor": "what is installed; with --input, whether trend files fit a model, and a first role map",
    "report": "rebuild figures and report.html from a run folder, or --compare several",
    "simulate": "write a labelled data set of a simulated air-handling unit",
    "models": "every part that a network can be built from, its parameters and its multiply-adds",
    "benchmark": "measure: benchmark speed, accumulation, catalogue, or unknown (faults that no training met)",
    "completion": "write what lets a shell complete flags and names: completion bash, or completion zsh",
}

# A line to copy, at the end of each verb's help.
EXAMPLES = {
    "train": "python run.py --batch_size 4 --enable_auto_gradient_accumulation",
    "tune": "python run.py tune --search batch_size=4,8,16 learning_rate=log:1e-4:1e-2 --trials 30",
    "test": "python run.py test --run RUN_FOLDER",
    "detect": "python run.py detect --input FILES --output FOLDER",
    "feedback": "python run.py feedback --events FOLDER/events.csv",
    "serve": "python run.py serve --output FOLDER",
    "export": "python run.py export --run RUN_FOLDER --format onnx",
    "doctor": "python run.py doctor --input FILE --output roles.yaml",
    "report": "python run.py report --compare 'results/DualGAF/*/default/latest'",
    "simulate": "python run.py simulate --runs all --days 60 --output FOLDER",
    "models": "python run.py models",
    "benchmark": "python run.py benchmark speed --quick",
    "completion": "python run.py completion bash",
}

# Flags without which a verb does nothing; its help marks them.
REQUIRED = {"detect": ("input",), "feedback": ("events",), "tune": ("search",)}

GROUPS_OF_VERB = {
    "train": ("run", "data", "windows", "reading", "model", "loss", "training", "accumulation"),
    "tune": ("tune", "run", "data", "windows", "reading", "model", "loss", "training", "accumulation"),
    "test": ("run", "data", "windows", "reading", "model", "loss", "training", "accumulation"),
    "detect": ("run", "files", "trends", "reading", "windows", "detect", "verdict"),
    "feedback": ("files", "feedback"),
    "serve": ("run", "files", "reading", "serve"),
    "export": ("run", "files", "data", "windows", "reading", "export", "verdict"),
    "doctor": ("run", "files", "trends", "reading"),
    "report": ("run", "files", "report"),
    "simulate": ("run", "files", "simulate"),
    "models": ("run", "data", "windows", "reading", "model"),
    "benchmark": ("run", "benchmark"),
    "completion": ("completion",),
}

# Verbs that take a word behind them: the word is the value of this flag.
WORD_OF_VERB = {"benchmark": "measure", "completion": "shell"}
