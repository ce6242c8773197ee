# One image for every process of the servers: `concord-server api|worker|migrate SERVICE`.
FROM python:3.13-slim AS build
RUN pip install --no-cache-dir --root-user-action=ignore uv==0.13.9
WORKDIR /app
# Bytecode is made here: the root file system of a running container cannot be written.
ENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_PROJECT_ENVIRONMENT=/opt/concord UV_COMPILE_BYTECODE=1
COPY pyproject.toml uv.lock README.md LICENSE ./
COPY formats formats
COPY client/pyproject.toml client/pyproject.toml
# Dependencies first: they change less often than our own code. The client never enters the image of a server.
RUN uv sync --locked --no-dev --no-install-project --no-install-workspace
COPY services services
RUN uv sync --locked --no-dev --no-editable \
 && uv export --quiet --locked --no-dev --no-emit-workspace --preview-features sbom-export --format cyclonedx1.5 \
      --output-file /opt/concord/sbom.cdx.json

FROM python:3.13-slim
LABEL org.opencontainers.image.title="Concord servers" org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --no-create-home concord
COPY --from=build /opt/concord /opt/concord
USER concord
ENV PATH=/opt/concord/bin:$PATH PYTHONUNBUFFERED=1
ENTRYPOINT ["concord-server"]
