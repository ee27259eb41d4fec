# Builds the service and puts the program alone on a small image. Nothing of the build stays in the result.
#
#   docker build . --tag openslides3-autoupdate
#   docker buildx build . --platform linux/amd64,linux/arm64 --tag openslides3-autoupdate
FROM rust:1.95.0-trixie AS build
WORKDIR /build
# First the libraries alone, from empty sources: a change of the project's own sources does not build them anew.
COPY Cargo.toml Cargo.lock build.rs ./
COPY adapters/Cargo.toml adapters/
COPY application/Cargo.toml application/
COPY domain/Cargo.toml domain/
# Not part of the program, but of the workspace.
COPY load/Cargo.toml load/
COPY simulation/Cargo.toml simulation/
COPY deploy/build deploy/third-party-notices deploy/empty-sources deploy/
RUN deploy/empty-sources && deploy/build && deploy/third-party-notices > THIRD-PARTY-NOTICES
COPY adapters adapters
COPY application application
COPY domain domain
COPY fixtures fixtures
COPY src src
# What is copied keeps its time, which may be before that of the empty sources.
RUN find adapters application domain src -name '*.rs' -exec touch {} + && deploy/build

FROM debian:13.1-slim
LABEL org.opencontainers.image.title="OpenSlides autoupdate service" \
      org.opencontainers.image.description="What every user may see of an OpenSlides 3.4 meeting, live" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="0.1.0"
COPY LICENSE /usr/share/doc/autoupdate/LICENSE
COPY --from=build /build/THIRD-PARTY-NOTICES /usr/share/doc/autoupdate/THIRD-PARTY-NOTICES
COPY --from=build /build/target/release/autoupdate /usr/local/bin/autoupdate
# No name is needed for a user that owns nothing. The secret and the key of the certificate must be readable by it.
USER 65532:65532
EXPOSE 8002
# The program asks itself: neither a shell nor curl is needed. It reads the same variables as the service.
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s CMD ["/usr/local/bin/autoupdate", "health"]
ENTRYPOINT ["/usr/local/bin/autoupdate"]
