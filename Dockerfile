# The image of the `matih` command: docs/containers.md says how to build and run it.
# Both base images can be replaced by mirrors of your own, or pinned to a digest: --build-arg SDK_IMAGE=… --build-arg BASE_IMAGE=…
# Their tags move with security patches: the runtime of .NET is part of what is published, so build again to get a newer one.
ARG SDK_IMAGE=mcr.microsoft.com/dotnet/sdk:10.0
# Debian 13 without a shell. It holds what the command looks for outside its own folder: the C and C++ libraries, OpenSSL 3
# (TLS of stores and catalogs), libzstd (Parquet), certificates of authorities, and time zones (CONVERT_TZ and its kind).
ARG BASE_IMAGE=gcr.io/distroless/cc-debian13:nonroot

# The compiler runs on the builder's own platform, whatever platform it publishes for.
FROM --platform=$BUILDPLATFORM ${SDK_IMAGE} AS build
ENV DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 NUGET_PACKAGES=/packages
WORKDIR /source
COPY .editorconfig Directory.Build.props Directory.Packages.props global.json ./
COPY build ./build
COPY samples ./samples
COPY src ./src
ARG TARGETARCH
RUN --mount=type=cache,target=/packages \
    set -eu; \
    case "${TARGETARCH:-amd64}" in \
      amd64) platform=linux-x64 ;; \
      arm64) platform=linux-arm64 ;; \
      *) echo "librdkafka has no build for ${TARGETARCH}: build for amd64 or arm64." >&2; exit 1 ;; \
    esac; \
    build/publish "$platform"; \
    # For x64 there are two builds: the one with Kerberos needs libsasl2, which the image does not have.
    if [ -e "artifacts/$platform/centos8-librdkafka.so" ]; then rm "artifacts/$platform/librdkafka.so"; fi; \
    mv "artifacts/$platform" /matih; \
    mkdir /state

FROM ${BASE_IMAGE}
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="matih" \
      org.opencontainers.image.description="Keeps Apache Iceberg tables up to date from Apache Kafka topics, exactly once" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
# The program, with its librdkafka beside it, belongs to root: who runs it cannot change it.
COPY --from=build /matih /opt/matih
COPY LICENSE /opt/matih/
# Everything that is written goes here, so the root file system can be read-only. Nothing here outlives a run: where a pipeline
# stands is in the table.
COPY --from=build --chown=65532:65532 /state /var/lib/matih
ENV PATH="/opt/matih:${PATH}" \
    MATIH_STATE_DIR=/var/lib/matih \
    TMPDIR=/var/lib/matih \
    MATIH_HEALTH=0.0.0.0:8471
VOLUME /var/lib/matih
# Definitions are mounted here. The folder is not writable: a definition without a catalog, whose tables would lie in ./warehouse,
# fails at once instead of keeping them in a container that will be deleted.
WORKDIR /etc/matih
EXPOSE 8471
# By number, so that a kubelet can tell that it is not root.
USER 65532:65532
# The first one asks for a last checkpoint and a clean end (exit 0); see docs/operations.md for the other exit codes.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["/opt/matih/matih", "health"]
ENTRYPOINT ["/opt/matih/matih"]
