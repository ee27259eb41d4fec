# Builds the service and puts only the program into a small image.
#
#   docker build . --tag openslides3-autoupdate
#   docker buildx build . --platform linux/amd64,linux/arm64 --tag openslides3-autoupdate
FROM rust:1.95.0-trixie AS build
WORKDIR /build
# First only the libraries, with empty sources, so that changing the project's own sources does not rebuild them.
COPY Cargo.toml Cargo.lock build.rs ./
COPY adapters/Cargo.toml adapters/
COPY application/Cargo.toml application/
COPY domain/Cargo.toml domain/
# These belong to the workspace, but not to the program.
COPY load/Cargo.toml load/
COPY simulation/Cargo.toml simulation/
COPY fuzz/Cargo.toml fuzz/build.rs fuzz/
COPY deploy/build deploy/third-party-notices deploy/empty-sources deploy/
RUN deploy/empty-sources && deploy/build && deploy/third-party-notices > THIRD-PARTY-NOTICES
COPY adapters adapters
COPY application application
COPY domain domain
COPY fixtures fixtures
COPY src src
# Copied files keep their modification times, which may be older than those of the empty sources.
RUN find adapters application domain src -name '*.rs' -exec touch {} + && deploy/build

FROM debian:13.1-slim
LABEL org.opencontainers.image.title="OpenSlides autoupdate service" \
      org.opencontainers.image.description="What every user may see of an OpenSlides 3.4 meeting, live" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="0.1.0"
COPY LICENSE /usr/share/doc/autoupdate/LICENSE
COPY --from=build /build/THIRD-PARTY-NOTICES /usr/share/doc/autoupdate/THIRD-PARTY-NOTICES
COPY --from=build /build/target/release/autoupdate /usr/local/bin/autoupdate
# The user owns nothing, so it needs no name. It must be able to read the secret and the key of the certificate.
USER 65532:65532
EXPOSE 8002
# The program checks itself, so the image needs neither a shell nor curl. The command reads the same variables as the service.
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s CMD ["/usr/local/bin/autoupdate", "health"]
ENTRYPOINT ["/usr/local/bin/autoupdate"]
