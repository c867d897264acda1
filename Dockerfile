# The embedded cloud in a container: the control plane, a Kubernetes API server, a node and a gateway, as on a developer's machine.
FROM python:3.13-slim-bookworm AS build
WORKDIR /cygni
COPY requirements-dev.txt pyproject.toml ./
RUN python -m venv .venv && .venv/bin/pip install --no-cache-dir --require-hashes -r requirements-dev.txt
COPY app.py README.md LICENSE ./
COPY chalicelib chalicelib
COPY cygni cygni
COPY functions functions
RUN .venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation --editable .

FROM python:3.13-slim-bookworm
RUN useradd --uid 10001 --create-home cygni && mkdir /state && chown cygni /state
WORKDIR /cygni
COPY --from=build /cygni /cygni
COPY state_machines state_machines
COPY examples examples
USER cygni
VOLUME /state
ENV PATH=/cygni/.venv/bin:$PATH PYTHONUNBUFFERED=1
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8787/v1/health')"]
ENTRYPOINT ["python", "-m", "cygni.local"]
CMD ["up", "--state", "/state"]
