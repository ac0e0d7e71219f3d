# syntax=docker/dockerfile:1
# One image for all services, the sandbox and the command:
#   docker run nineconnect python -m services.notifier
FROM python:3.11-slim AS build
WORKDIR /app
COPY requirements-uv.lock requirements-image.lock ./
RUN python -m pip install --no-cache-dir --require-hashes -r requirements-uv.lock \
 && python -m venv .venv \
 && uv pip sync --python .venv/bin/python --no-cache --only-binary :all: --require-hashes --compile-bytecode \
      requirements-image.lock
COPY common common
COPY services services
COPY sandbox sandbox
COPY cli cli
COPY nineconnect nineconnect
COPY policies policies
# this folder on the path, and the command, as scripts/setup.sh does it
RUN pwd > "$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/nineconnect.pth" \
 && printf '#!/bin/sh\nexec "$(dirname "$0")/python" -m cli "$@"\n' > .venv/bin/nineconnect \
 && chmod +x .venv/bin/nineconnect \
 && .venv/bin/python -m compileall -q common services sandbox cli nineconnect

FROM python:3.11-slim
LABEL org.opencontainers.image.title="nineconnect" org.opencontainers.image.licenses="Apache-2.0"
# nothing in /app belongs to the user that runs it: a service cannot change its own code
COPY --from=build /app /app
WORKDIR /app
USER 10001:10001
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
CMD ["nineconnect", "--help"]
