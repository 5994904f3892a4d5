# Model Manager in one container: `docker build -t model-manager . && docker run -p 8008:8008 model-manager`.
# Without REDIS_URL it runs a private Redis of its own inside, kept in the volume DATA_DIR.
# `--target demo-model-service` builds the demo model service of docker-compose.yml instead.
# Both stages are Debian 12, so that what is linked in the first is found in the last. Other images can take their places
# (`--build-arg RUN_IMAGE=…`, a mirror's for example).
ARG BUILD_IMAGE=swift:6.3-bookworm
ARG RUN_IMAGE=debian:bookworm-slim

FROM ${BUILD_IMAGE} AS build
# libhiredis0.14 in the last stage is what this one links to.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends libhiredis-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
# The dependencies change less often than the sources: a layer of their own.
COPY Package.swift ./
RUN swift package resolve
COPY . .
RUN install -D -s "$(.ci/release model-manager)/model-manager" /install/model-manager

# Goes on where the manager's build ended: what both programs share is compiled once.
FROM build AS build-demo
RUN install -D -s "$(.ci/release demo-model-service)/demo-model-service" /install/demo-model-service

# The demo's program is one file that needs only what every Debian has.
FROM ${RUN_IMAGE} AS demo-model-service
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin demo-model-service
COPY --from=build-demo /install/demo-model-service /usr/local/bin/
USER 10001:10001
EXPOSE 8000
ENTRYPOINT ["demo-model-service", "--host", "0.0.0.0"]
CMD ["--port", "8000"]

# The last stage is what a build without --target makes.
FROM ${RUN_IMAGE} AS model-manager
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libhiredis0.14 libstdc++6 redis-server tzdata \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin model-manager \
 && install -d -o 10001 -g 10001 -m 0700 /var/lib/model-manager
COPY --from=build /install/model-manager /usr/local/bin/
ENV DATA_DIR=/var/lib/model-manager
USER 10001:10001
WORKDIR /var/lib/model-manager
VOLUME /var/lib/model-manager
EXPOSE 8008
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 CMD ["model-manager", "healthcheck"]
ENTRYPOINT ["model-manager"]
CMD ["serve"]
