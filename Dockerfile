# Builds the service and puts the program alone on a small image. Nothing of the build stays in the result.
FROM rust:1.95-trixie AS build
WORKDIR /build
COPY . .
RUN cargo build --locked --release --package autoupdate

FROM debian:trixie-slim
COPY --from=build /build/target/release/autoupdate /usr/local/bin/autoupdate
COPY LICENSE /usr/share/doc/autoupdate/LICENSE
# No name is needed for a user that owns nothing. The secret and the key of the certificate must be readable by it.
USER 65532:65532
EXPOSE 8002
# The program asks itself: neither a shell nor curl is needed. It reads the same variables as the service.
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s CMD ["/usr/local/bin/autoupdate", "health"]
ENTRYPOINT ["/usr/local/bin/autoupdate"]
