# The runtime, and an Alpine image with it as entry point: a base for functions that are images.
# docs/images.md has what to write on top of it, and how to take the runtime alone.

FROM denoland/deno:debian-2.9.6 AS build
WORKDIR /llama
COPY . .
RUN deno task compile bootstrap && mv dist/bootstrap /llama_runtime
# What the runtime needs of glibc, and only of it: Alpine's own programs go on with musl.
RUN mkdir /llama_glibc && cp -L --parents -t /llama_glibc \
    /lib*/ld-linux-*.so.? \
    /lib/*-linux-gnu/libc.so.6 \
    /lib/*-linux-gnu/libdl.so.2 \
    /lib/*-linux-gnu/libgcc_s.so.1 \
    /lib/*-linux-gnu/libm.so.6 \
    /lib/*-linux-gnu/libpthread.so.0 \
    /lib/*-linux-gnu/librt.so.1

FROM alpine:3.22
COPY --from=build /llama_runtime /llama_runtime
COPY --from=build /llama_glibc/ /
# Once more, for images that take the runtime from this one.
COPY --from=build /llama_glibc /llama_glibc
ENTRYPOINT ["/llama_runtime"]
