# The embedded cloud in a container: the control plane, a Kubernetes API server, a node and a gateway, as on a developer's machine.
# The base is pinned by the digest of the image for all processors; Dependabot proposes the next.
FROM python:3.13.15-slim-bookworm@sha256:2325bb286ec344af3e5898cc224b5844e2707ac6e26b1632516fd3edc84a5e26 AS build
WORKDIR /cygni
COPY requirements-local.txt ./
RUN python -m venv --without-pip .venv \
    && pip --python .venv/bin/python install --no-cache-dir --require-hashes -r requirements-local.txt
COPY pyproject.toml app.py README.md LICENSE ./
COPY chalicelib chalicelib
COPY cygni cygni
COPY functions functions
# What builds the installation is pinned, too.
RUN .venv/bin/uv pip install --no-cache --python .venv/bin/python --no-deps --build-constraints requirements-local.txt --editable .

FROM python:3.13.15-slim-bookworm@sha256:2325bb286ec344af3e5898cc224b5844e2707ac6e26b1632516fd3edc84a5e26
RUN useradd --uid 10001 --create-home cygni && mkdir /state && chown cygni /state
WORKDIR /cygni
COPY --from=build /cygni/.venv .venv
COPY app.py ./
COPY chalicelib chalicelib
COPY cygni cygni
COPY functions functions
COPY state_machines state_machines
COPY examples examples
USER cygni
VOLUME /state
ENV PATH=/cygni/.venv/bin:$PATH PYTHONUNBUFFERED=1
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8787/v1/health')"]
ENTRYPOINT ["python", "-m", "cygni.local"]
CMD ["up", "--state", "/state"]
