# docker build --build-arg VERSION="$(git describe --tags --always)" -t hezuo .
# docker run -p 8080:8080 -v hezuo:/data \
#   -v "$PWD/master.key:/run/master.key:ro" \
#   -e HEZUO_VAULT__MASTER_KEY_FILE=/run/master.key hezuo
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=unversioned
RUN make build VERSION="$VERSION"

# What a program finds on a system and scratch lacks: certificates to check,
# zones, a user, and a place for SQLite's temporary files.
RUN mkdir -p /root-fs/etc/ssl/certs /root-fs/usr/share/hezuo /data \
 && cp /etc/ssl/certs/ca-certificates.crt /root-fs/etc/ssl/certs/ \
 && cp "$(go env GOROOT)/lib/time/zoneinfo.zip" /root-fs/usr/share/hezuo/ \
 && echo 'hezuo:x:65532:65532:hezuo:/data:/nonexistent' > /root-fs/etc/passwd \
 && echo 'hezuo:x:65532:' > /root-fs/etc/group \
 && install -d -m 1777 /root-fs/tmp \
 && cp bin/hezuo /root-fs/hezuo

FROM scratch
COPY --from=build /root-fs/ /
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
WORKDIR /data
VOLUME /data
ENV HEZUO_LISTEN=0.0.0.0:8080 \
    HEZUO_STORE=sqlite:/data/hezuo.db \
    ZONEINFO=/usr/share/hezuo/zoneinfo.zip
EXPOSE 8080
ENTRYPOINT ["/hezuo"]
CMD ["serve"]
