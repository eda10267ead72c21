# The server and the SPA in one image, in production mode. docs/operations.md says how to run it.

FROM node:22-bookworm-slim AS spa
WORKDIR /spa/frontend
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN ["npm", "ci"]
COPY frontend/ ./
COPY sdk/typescript/src/ ../sdk/typescript/src/
RUN ["npm", "run", "build"]

FROM python:3.13-slim-bookworm AS server
WORKDIR /src
RUN ["python", "-m", "venv", "/opt/tailwire"]
COPY requirements.lock ./
RUN ["/opt/tailwire/bin/pip", "install", "--no-cache-dir", "--require-hashes", "--requirement", "requirements.lock"]
COPY pyproject.toml README.md LICENSE ./
COPY api/ api/
RUN ["/opt/tailwire/bin/pip", "install", "--no-cache-dir", "--no-deps", "--no-build-isolation", "."]
RUN ["/opt/tailwire/bin/pip", "uninstall", "--yes", "setuptools", "pip"]

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="Tailwire" \
      org.opencontainers.image.description="Self-hosted realtime messaging server" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"
RUN groupadd --gid 10001 tailwire \
 && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin tailwire \
 && install --directory --owner=10001 --group=10001 --mode=0700 /data
COPY --from=server /opt/tailwire /opt/tailwire
COPY --from=spa /spa/frontend/dist /opt/tailwire/frontend
ENV PATH=/opt/tailwire/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TAILWIRE_HOST=0.0.0.0 \
    TAILWIRE_PRODUCTION=true \
    TAILWIRE_PORT=8000 \
    TAILWIRE_STORE=sqlite:////data/tailwire.db \
    TAILWIRE_FRONTEND=/opt/tailwire/frontend
WORKDIR /data
VOLUME /data
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['TAILWIRE_PORT'] + '/healthz', timeout=4)"]
ENTRYPOINT ["tailwire"]
CMD ["serve"]
