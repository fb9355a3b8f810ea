# The program with its web app, as a user without rights; docs/SERVE.md says how to build and start it.
FROM python:3.11-slim AS wheel
WORKDIR /source
COPY pyproject.toml setup.py requirements.txt README.md LICENSE run.py ./
COPY benchmarks benchmarks
COPY data_provider data_provider
COPY exp exp
COPY layers layers
COPY models models
COPY utils utils
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheel .

FROM python:3.11-slim
# The address of an index with builds of PyTorch for the CPU, as pytorch.org names it; without one the usual build comes,
# which on x86-64 brings several GB for GPUs.
ARG TORCH_INDEX=""
COPY requirements.txt /tmp/requirements.txt
RUN if [ -n "$TORCH_INDEX" ]; then \
        grep '^torch' /tmp/requirements.txt > /tmp/torch.txt \
        && pip install --no-cache-dir --index-url "$TORCH_INDEX" -r /tmp/torch.txt; \
    fi
COPY --from=wheel /wheel /tmp/wheel
RUN pip install --no-cache-dir "$(echo /tmp/wheel/*.whl)[serve]" \
    && useradd --uid 10001 --create-home dualgafnet \
    && install -d -o dualgafnet -g dualgafnet /data
ENV PYTHONUNBUFFERED=1 MPLCONFIGDIR=/tmp/matplotlib
USER 10001
WORKDIR /data
EXPOSE 8765
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8765/health', timeout=4)"]
ENTRYPOINT ["dualgafnet"]
# Inside a container only all interfaces can be reached from outside; publish the port on 127.0.0.1.
CMD ["serve", "--host", "0.0.0.0", "--output", "/data/served"]
