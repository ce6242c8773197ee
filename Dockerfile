# One image for every process of the servers: `concord-server api|worker|migrate SERVICE`.
FROM python:3.13-slim AS build
RUN pip install --no-cache-dir --root-user-action=ignore uv==0.13.9
WORKDIR /app
ENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_PROJECT_ENVIRONMENT=/opt/concord
COPY pyproject.toml uv.lock README.md LICENSE ./
COPY formats formats
COPY client/pyproject.toml client/pyproject.toml
# Dependencies first: they change less often than our own code. The client never enters the image of a server.
RUN uv sync --locked --no-dev --no-install-project --no-install-workspace
COPY services services
RUN uv sync --locked --no-dev --no-editable

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home concord
COPY --from=build /opt/concord /opt/concord
USER concord
ENV PATH=/opt/concord/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
ENTRYPOINT ["concord-server"]
