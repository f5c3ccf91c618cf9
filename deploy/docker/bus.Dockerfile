FROM scratch
COPY bin/vedette /vedette
COPY --chown=10101:10100 deploy/docker/volume /var/lib/vedette/bus
ENTRYPOINT ["/vedette"]
