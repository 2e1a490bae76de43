# The worker's image: one binary, certificates, no shell, no root.
#
# Both bases are arguments, so that the image builds where no public registry is reachable:
#   BUILD_BASE  has Rust, a C compiler and CA certificates
#   RUN_BASE    has glibc and libgcc_s; nothing else in it is used
# RDS_BUNDLE is Amazon's certificate bundle for RDS: its address, or a file in the build context.
# Only what Docker's classic builder understands is used here.
ARG BUILD_BASE=rust:1.95.0-slim-bookworm
ARG RUN_BASE=gcr.io/distroless/cc-debian12:nonroot

FROM ${BUILD_BASE} AS build
ARG RDS_BUNDLE=https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem
ADD ${RDS_BUNDLE} /image/etc/ssl/certs/rds-global-bundle.pem
WORKDIR /build
COPY . .
# `release` for what is deployed; `dev` builds in a quarter of the time and is what the tests use.
ARG PROFILE=release
RUN cargo build --locked --package worker --bin worker --profile ${PROFILE} \
 && install -D target/$(test "${PROFILE}" = dev && echo debug || echo "${PROFILE}")/worker /image/usr/local/bin/worker \
 && install -D --mode=644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt \
 && chmod 644 /image/etc/ssl/certs/rds-global-bundle.pem

FROM ${RUN_BASE}
COPY --from=build /image/ /
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
# What must be seekable is spooled here; with a read-only root, mount something writable on it.
ENV FRESHET_SPOOL=/tmp
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/worker"]
CMD ["load"]
